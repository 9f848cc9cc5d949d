"""The Fisher-Yates shuffle, bit for bit that of numpy's ``Generator(Philox(key=...)).permutation``.

A random number of 32 bits is cut to the bits that a place needs; one that is still too large is drawn again. A
processor cannot guess when that happens, so nothing branches on it: the point then changes places with itself.

Sources: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), for Philox 4x64 of 10 rounds; for what
is made of its numbers, the source of numpy 2.4: ``philox.h``, and ``random_interval`` in ``distributions.c``.
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.simd import Array, Program, Value

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
HALF_WORD = 32
ENDLESS = 1 << 62

Key = tuple[Value, Value]


def philox(p: Program, counter: Value, key: Key) -> list[Value]:
    """The four random words of Philox 4x64-10 for a counter with one word that is not zero."""
    a, b, c, d = counter, p.int_constant(0), p.int_constant(0), p.int_constant(0)
    for _ in range(ROUNDS):
        (low_a, high_a), (low_c, high_c) = p.wide_product(a, MULTIPLIERS[0]), p.wide_product(c, MULTIPLIERS[1])
        a, b = p.bitwise("xor", p.bitwise("xor", high_c, b), key[0]), low_c
        c, d = p.bitwise("xor", p.bitwise("xor", high_a, d), key[1]), low_a
        key = (key[0] + KEY_STEPS[0], key[1] + KEY_STEPS[1])
    return [a, b, c, d]


class Shuffle:
    """The Fisher-Yates shuffle: from the last place on, each gets one of the points up to it.

    Args:
        p: The program.
        permutation: The points, which change places.
        last: The last place.
        mask: The bits that its number needs.
    """

    def __init__(self, p: Program, permutation: Array, last: Value, mask: Value) -> None:
        self.p, self.permutation = p, permutation
        self.place, self.mask = p.variable(last), p.variable(mask)

    def make(self, key: Key) -> None:
        """Draw until every place has its point."""
        p = self.p

        def stop() -> Value:
            return p.select(self.place.get() > 0, p.int_constant(ENDLESS), p.int_constant(0))

        with p.loop(stop, start=1) as counter:
            for word in philox(p, counter, key):
                self.draw(p.bitwise("and", word, (1 << HALF_WORD) - 1))
                self.draw(p.bitwise("lshr", word, HALF_WORD))

    def draw(self, number: Value) -> None:
        """Fill the place by a random number, unless it is too large or there is no place any more."""
        p, place = self.p, self.place.get()
        half = p.bitwise("lshr", self.mask.get(), 1)
        self.mask.set(p.select(place <= half, half, self.mask.get()))
        drawn = p.bitwise("and", number, self.mask.get())
        fits = p.bitwise("and", drawn <= place, place > 0)
        other = p.select(fits, drawn, place)
        point, other_point = self.permutation.load(place), self.permutation.load(other)
        self.permutation.store(place, other_point)
        self.permutation.store(other, point)
        self.place.set(p.select(fits, place - 1, place))


def permutation_program() -> Program:
    """The kernel of the first points of one permutation after another, each written over the rest of the one before."""
    p = Program("float64")
    keys = p.array_parameter("keys", 2, "num_permutations", integers=True)
    permutations = p.array_parameter("permutations", "num_permutations", "kept", integers=True)
    num_points, kept, mask = p.int_parameter("num_points"), p.int_parameter("kept"), p.int_parameter("mask")
    with p.loop(p.int_parameter("num_permutations")) as number:
        permutation = Array(p, permutations.at(number * kept), permutations.element)
        with p.loop(num_points) as point:
            permutation.store(point, point)
        Shuffle(p, permutation, num_points - 1, mask).make((keys.load(number * 2), keys.load(number * 2 + 1)))
    return p
