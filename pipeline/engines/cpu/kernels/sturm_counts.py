"""Singular values by bisection with Sturm counts, one matrix after another, the values of one in SIMD lanes.

A matrix becomes bidiagonal. How many of its values lie above a number is then a Sturm count, from the signs of the
leading minors, and each value is bracketed between two numbers that come closer until nothing is left between
them: about 20 passes over the diagonals, 60 where many values are the same.

Source: Golub and Van Loan, Matrix Computations (4th ed.), sections 8.4.1 and 8.6.1.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.cpu.codegen.simd import Array, Program, Value
from pipeline.engines.cpu.kernels.bidiagonal import Bidiagonalisation

REGISTERS_TOGETHER = 3
"""Registers of values that are enclosed at a time, so that no instruction waits for the one before."""

TOLERANCE = 2.0**-53
"""Distance of the two numbers in the end, half a rounding of the largest value or two, which is between 1/4 and 1."""

SMALLEST = 2.0**-58
"""The smallest number that values are compared with; those below it come out as about 2^-55."""

FLOOR = 2.0**-120
"""What is added to the squares of all entries, so that none is zero; it moves a value by less than 2^-59."""

STEPS_BEFORE_SCALING = 6
"""Two make numbers smaller by about 2^240 at most, so that six stay in the range of float64."""

STEPS_BEFORE_COUNTING = 10 * STEPS_BEFORE_SCALING
"""Steps whose signs are kept in the bits of one number."""

INTERPOLATED = 60
"""Passes after which intervals are only halved."""

MOST_PASSES = INTERPOLATED + 60
"""However badly the first went: 58 exponents of 2^52 numbers each are left, a number of 58 bits."""

LARGEST_EXPONENT = 200
"""Of a ratio of polynomials; of larger ones it only matters that they are large."""

BIAS, EXPONENT_PLACE, SIGN_PLACE = 1023, 52, 63
"""Of float64: what an exponent is stored with, and where it and the sign are."""


@dataclass(frozen=True)
class Polynomial:
    """The characteristic polynomial at numbers x, ``mantissa 2^exponent``, and its Sturm count: the values above x.

    The exponents of all polynomials of a matrix are too large by the same number.
    """

    x: Value
    mantissa: Value
    exponent: Value
    count: Value


def unknown(p: Program, x: float, count: Value) -> Polynomial:
    """A polynomial that is not interpolated, as its value is not known."""
    zeros = p.broadcast(p.int_constant(0), p.lanes)
    return Polynomial(p.constant(x, p.lanes), p.constant(float("nan"), p.lanes), zeros, p.broadcast(count, p.lanes))


class StoredPolynomial:
    """A polynomial that is kept from pass to pass."""

    def __init__(self, p: Program, first: Polynomial) -> None:
        self.p = p
        self.parts = [p.variable(part) for part in (first.x, first.mantissa, first.exponent, first.count)]

    def get(self) -> Polynomial:
        """Its present value."""
        return Polynomial(*(part.get() for part in self.parts))

    def set(self, where: Value, yes: Polynomial, no: Polynomial) -> None:
        """Replace it by one of two in each lane."""
        for part, name in zip(self.parts, ("x", "mantissa", "exponent", "count"), strict=True):
            part.set(self.p.select(where, getattr(yes, name), getattr(no, name)))


class Bidiagonal:
    """The squares of both diagonals, divided by a power of two such that the largest singular value is at most 1.

    Args:
        p: The program.
        matrix: The reduced matrix.
    """

    def __init__(self, p: Program, matrix: Bidiagonalisation) -> None:
        self.p, self.size, self.matrix = p, matrix.columns, matrix
        self.scale = p.variable(p.constant(1.0))

    def scale_and_square(self) -> None:
        """In their own places; the scale of a matrix of zeros is 2^-1022, and its values vanish.

        No value is above the largest sum of the sizes in a row or column. Source: Golub and Van Loan, Matrix
        Computations (4th ed.), corollary 2.3.2.
        """
        p, diagonal, off_diagonal = self.p, self.matrix.diagonal, self.matrix.off_diagonal
        off_diagonal.store(0, p.constant(0.0))
        bound = p.variable(p.constant(0.0))
        with p.loop(self.size) as n:
            entry = p.intrinsic("fabs", diagonal.load(n))
            for place in (n, n + 1):
                sum_ = entry + p.intrinsic("fabs", off_diagonal.load(place))
                bound.set(p.select(sum_ > bound.get(), sum_, bound.get()))
        above = biased_exponent(p, bound.get()) + 1
        self.scale.set(power_of_two(p, above))
        down = power_of_two(p, 2 * BIAS - above)
        with p.loop(self.size) as n:
            for array in (diagonal, off_diagonal):
                part = array.load(n) * down
                array.store(n, p.fma(part, part, FLOOR))

    def polynomials(self, points: list[Value]) -> list[Polynomial]:
        """The characteristic polynomial of ``B^T B`` at the squares of some numbers x, by a recursion without division.

        With ``q`` and ``e`` the squares of both diagonals, ``v <- u - e v`` and then ``u <- x^2 v - q u`` are in turn
        the leading minors of ``x - [[0, B], [B^T, 0]]``, rows and columns shuffled, every other one divided by x. So
        rounding is as if entries of B were other in their last digits, which moves each value as little. Every ``u``
        whose sign is not that of the one before is one value above x: the Sturm count.

        Args:
            points: Registers of numbers x.

        Returns:
            A polynomial for each.

        Source: Golub and Van Loan, Matrix Computations (4th ed.), sections 8.4.1 and 8.6.1; Demmel and Kahan,
        Accurate singular values of bidiagonal matrices (SIAM J. Sci. Stat. Comput. 11, 1990), section 3.
        """
        p = self.p
        runs = [SturmRecurrence(p, x) for x in points]
        whole = self.size / STEPS_BEFORE_SCALING * STEPS_BEFORE_SCALING
        with p.loop(whole, step=STEPS_BEFORE_COUNTING) as start:
            stop = p.select(start + STEPS_BEFORE_COUNTING < whole, start + STEPS_BEFORE_COUNTING, whole)
            with p.loop(stop, start=start, step=STEPS_BEFORE_SCALING) as first:
                for place in [first + n for n in range(STEPS_BEFORE_SCALING)]:
                    self._step(runs, place)
                for run in runs:
                    run.scale()
            for run in runs:
                run.count_signs()
        with p.loop(self.size, start=whole) as place:
            self._step(runs, place)
        for run in runs:
            run.scale()
            run.count_signs()
        return [run.found() for run in runs]

    def _step(self, runs: list[SturmRecurrence], place: Value) -> None:
        p = self.p
        diagonal, off_diagonal = (
            p.broadcast(array.load(place), p.lanes) for array in (self.matrix.diagonal, self.matrix.off_diagonal)
        )
        for run in runs:
            run.step(diagonal, off_diagonal)


class SturmRecurrence:
    """The Sturm sequence at a register of numbers x, on its way through the minors."""

    def __init__(self, p: Program, x: Value) -> None:
        self.p, self.x, self.square = p, x, x * x
        self.u, self.v = p.variable(p.constant(1.0, p.lanes)), p.variable(p.constant(0.0, p.lanes))
        self.exponent, self.count, self.signs = (p.variable(p.broadcast(p.int_constant(0), p.lanes)) for _ in range(3))

    def step(self, diagonal: Value, off_diagonal: Value) -> None:
        """One row and column more."""
        p, before = self.p, self.u.get()
        self.v.set(p.fma(-off_diagonal, self.v.get(), before))
        self.u.set(p.fma(self.square, self.v.get(), -(diagonal * before)))
        self.signs.set(p.intrinsic("fshl", self.signs.get(), p.bitcast_to_integer(self.u.get()), 1))

    def count_signs(self) -> None:
        """Add up where a sign is not that of the one before; the last remains, in all bits."""
        p, signs = self.p, self.signs.get()
        differ = p.bitwise("xor", signs, p.bitwise("ashr", signs, 1))
        self.count.set(self.count.get() + p.intrinsic("ctpop", differ))
        self.signs.set(p.bitwise("ashr", p.bitcast_to_integer(self.u.get()), SIGN_PLACE))

    def scale(self) -> None:
        """Bring the larger of the two numbers to between 1 and 2."""
        p = self.p
        u, v = (p.intrinsic("fabs", part.get()) for part in (self.u, self.v))
        exponent = biased_exponent(p, p.select(u > v, u, v))
        for part in (self.u, self.v):
            part.set(part.get() * power_of_two(p, 2 * BIAS - exponent))
        self.exponent.set(self.exponent.get() + exponent)

    def found(self) -> Polynomial:
        """The polynomial and its count."""
        return Polynomial(self.x, self.u.get(), self.exponent.get(), self.count.get())


class Bracket:
    """A register of brackets, each of one value: the newest end, and the last one on the other side.

    Source: Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function
    without using derivatives (Advances in Engineering Software 28, 1997); in words also Scherer, Computational
    Physics (3rd ed.), section 6.1.7.
    """

    def __init__(self, p: Program, which: Value, num_values: Value) -> None:
        self.p, self.which = p, which
        below, above = unknown(p, 0.0, num_values), unknown(p, 1.0, p.int_constant(0))
        self.newest, self.other, self.before = (
            StoredPolynomial(p, below),
            StoredPolynomial(p, above),
            StoredPolynomial(p, above),
        )

    def ends(self) -> tuple[Value, Value]:
        """The lower end and the upper one."""
        p, a, b = self.p, self.newest.get().x, self.other.get().x
        return p.select(a < b, a, b), p.select(a < b, b, a)

    def is_open(self) -> Value:
        """Where something is left between the ends."""
        low, high = self.ends()
        return high - low > TOLERANCE

    def between(self, trusting: Value) -> Value:
        """The number to try next: where inverse quadratic interpolation puts the zero, or half way.

        It is trusted if there is one value between the ends, and the quadratic is monotone between its three points.

        Args:
            trusting: Whether to interpolate at all.

        Returns:
            A number between the ends.
        """
        p, a, b, c = self.p, self.newest.get(), self.other.get(), self.before.get()
        low, high = self.ends()
        inverse = 1.0 / b.mantissa
        f_a, f_c = (of.mantissa * inverse * power_of_two_between(p, of, b) for of in (a, c))  # over that at b
        a_b, c_b, c_a = a.x - b.x, c.x - b.x, c.x - a.x
        g_a, g_c, g_ca = f_a - 1.0, f_c - 1.0, f_c - f_a
        single = p.compare("==", (a.count - b.count) * (a.count - b.count), 1)
        scale = g_c * g_c * c_b  # (g_a / g_c)^2 < a_b / c_b and (g_ca / g_c)^2 < c_a / c_b, without a division
        at_newest, at_other = g_a * g_a * c_b * c_b < a_b * scale, g_ca * g_ca * c_b * c_b < c_a * scale
        x = a.x + f_a * (c_a * g_a - f_c * a_b * g_ca) / (g_a * g_c * g_ca)
        x = p.select(x < low + TOLERANCE, low + TOLERANCE, x)  # a step past the root closes the interval
        x = p.select(x > high - TOLERANCE, high - TOLERANCE, x)
        conditions = [single, at_newest, at_other, p.broadcast(trusting, p.lanes), low < x, x < high]
        return p.select(functools.reduce(functools.partial(p.bitwise, "and"), conditions), x, half_way(p, low, high))

    def value(self) -> Value:
        """The middle between the ends."""
        low, high = self.ends()
        return low + (high - low) * 0.5

    def shrink(self, point: Polynomial) -> None:
        """Let a number between the ends take the place of the one on its side."""
        p, newest, other = self.p, self.newest.get(), self.other.get()
        same = p.compare("==", point.count > self.which, newest.count > self.which)
        self.before.set(same, newest, other)
        self.other.set(same, other, newest)
        self.newest.set(same, point, point)


def singular_values_program() -> Program:
    """The kernel of the singular values of each matrix, which lies in columns, largest first."""
    p = Program("float64")
    matrix = Bidiagonalisation(p)
    given, found = p.array_parameter("given", "num_matrices", "num_rows", "num_columns"), p.array_parameter("found")
    values = p.array_parameter("values", "num_matrices", "num_columns")
    places = p.array_parameter("places", integers=True)
    num_rows, num_matrices = p.int_parameter("num_rows"), p.int_parameter("num_matrices")
    bidiagonal = Bidiagonal(p, matrix)
    together = REGISTERS_TOGETHER * p.lanes
    with p.loop(num_matrices) as number:
        matrix.load(Array(p, given.at(number * num_rows * matrix.columns), p.real), num_rows)
        matrix.reduce()
        bidiagonal.scale_and_square()
        with p.loop(matrix.columns, step=together) as first:
            registers = [first + n for n in range(0, together, p.lanes)]
            brackets = [Bracket(p, places.load(place, p.lanes), matrix.columns) for place in registers]
            enclose(p, bidiagonal, brackets)
            for place, of_register in zip(registers, brackets, strict=True):
                found.store(place, of_register.value() * bidiagonal.scale.get())
        least = p.variable(found.load(0))
        with p.loop(matrix.columns) as n:
            value = found.load(n)
            least.set(p.select(value < least.get(), value, least.get()))  # two close ones may have come out in turn
            values.store(number * matrix.columns + n, least.get())
    return p


def enclose(p: Program, bidiagonal: Bidiagonal, brackets: Sequence[Bracket]) -> None:
    """Bisect pass after pass, until nothing is left between the ends of any bracket."""
    going = p.variable(p.int_constant(MOST_PASSES))
    with p.loop(going.get) as number:
        points = [of_register.between(number < INTERPOLATED) for of_register in brackets]
        for of_register, point in zip(brackets, bidiagonal.polynomials(points), strict=True):
            of_register.shrink(point)
        is_open = functools.reduce(functools.partial(p.bitwise, "or"), [one.is_open() for one in brackets])
        with p.when(p.logical_not(p.any_lane(is_open))):
            going.set(p.int_constant(0))


def half_way(p: Program, low: Value, high: Value) -> Value:
    """The mean of the bits of two numbers: of their digits where the exponents agree, else about that of these."""
    above = p.select(low < SMALLEST, p.constant(SMALLEST, p.lanes), low)
    return p.bitcast_to_real(p.bitwise("lshr", p.bitcast_to_integer(above) + p.bitcast_to_integer(high), 1))


def power_of_two_between(p: Program, a: Polynomial, b: Polynomial) -> Value:
    """The ratio of the powers of two of two polynomials, within limits."""
    exponent = a.exponent - b.exponent
    exponent = p.select(exponent > LARGEST_EXPONENT, p.broadcast(p.int_constant(LARGEST_EXPONENT), p.lanes), exponent)
    exponent = p.select(exponent < -LARGEST_EXPONENT, p.broadcast(p.int_constant(-LARGEST_EXPONENT), p.lanes), exponent)
    return power_of_two(p, exponent + BIAS)


def power_of_two(p: Program, biased: Value) -> Value:
    """From its exponent as it is stored."""
    return p.bitcast_to_real(p.bitwise("shl", biased, EXPONENT_PLACE))


def biased_exponent(p: Program, positive: Value) -> Value:
    """The exponent of a number as it is stored."""
    return p.bitwise("lshr", p.bitcast_to_integer(positive), EXPONENT_PLACE)
