"""Where the units of networks of one input act: each from one point on, or up to it.

Whether a unit acts at a point is decided by the sign of ``a x + c`` rounded once, as by a kernel that evaluates it
everywhere. That is monotone in ``x``: with the points sorted, what a unit does changes at one place at most.

Lanes are trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.cpu.codegen.simd import Array, FloatDtype, Program, Value
from pipeline.models.activations import Activation, Identity, LeakyRelu
from pipeline.problems.losses import Loss

NEAR = 4
"""Points that a kink may pass in one step before its place is looked for by bisection: most pass none or one."""

TOGETHER = 4
"""Units that are looked for beside each other, since each comparison has to wait for the one before it."""

SMALLEST_HALF = 2.0**-150
"""Half of the smallest number of float32: what is not above it is rounded to zero there, and a unit of zero rests."""


@dataclass(frozen=True)
class OneInputSpec:
    """What a kernel is written for.

    Args:
        num_outputs: K.
        activation: One that is straight on both sides of zero.
        loss: What is minimised.
        dtype: What weights are rounded to; sums are in float64.
    """

    num_outputs: int
    activation: Activation
    loss: Loss
    dtype: FloatDtype

    @property
    def below(self) -> float:
        """The slope of the activation below zero."""
        match self.activation:
            case LeakyRelu(slope):
                return slope
            case Identity():
                return 1.0
        return 0.0

    def num_weights(self, width: int) -> int:
        """N."""
        return 2 * width + self.num_outputs * (width + 1)


class UnitPlaces:
    """The units of as many trials as there are lanes, and the points at which they begin to act or to rest.

    Args:
        p: The program, in float64.
        spec: The networks.
    """

    def __init__(self, p: Program, spec: OneInputSpec) -> None:
        self.p, self.spec, self.outputs = p, spec, range(spec.num_outputs)
        self.width, self.num_points = p.int_parameter("width"), p.int_parameter("num_points")
        self.num_weights, self.halvings = p.int_parameter("num_weights"), p.int_parameter("halvings")
        self.x = p.array_parameter("inputs", "num_points")
        self.all_weights = p.array_parameter("weights", "num_blocks", "num_weights", p.lanes)
        self.places = p.array_parameter("places", "width", p.lanes, integers=True)
        self.lane = p.lane_numbers()
        self.weights = self.all_weights

    def find_places(self, block: Value) -> None:
        """Turn to a block of trials and find where its units act, by bisection."""
        p = self.p
        self.weights = Array(p, self.all_weights.at(block * self.num_weights * p.lanes), p.real)
        with p.loop(self.width, step=TOGETHER) as unit:
            last = self.width - 1
            units = [p.select(unit + n < last, unit + n, last) for n in range(TOGETHER)]
            for own, place in zip(units, self._bisected([self.hidden(own) for own in units]), strict=True):
                self.places.store(own * p.lanes, place)

    def load(self, array: Array, number: Value) -> Value:
        """One weight of all trials, or what belongs to it."""
        return array.load(number * self.p.lanes, self.p.lanes)

    def load_place(self, unit: Value) -> Value:
        """The first point at which a unit does what it does from there on, in each lane."""
        return self.load(self.places, unit)

    def hidden(self, unit: Value) -> tuple[Value, Value]:
        """The slope and the bias of a unit."""
        return self.load(self.weights, unit * 2), self.load(self.weights, unit * 2 + 1)

    def output(self, k: int, unit: Value) -> Value:
        """The place of the weight of an output, or of its bias after all units."""
        return self.width * 2 + (self.width + 1) * k + unit

    def acts(self, a: Value, c: Value, x: Value) -> Value:
        """Whether a unit acts at a point."""
        z = self.p.fma(a, x, c)
        return z > (SMALLEST_HALF if self.spec.dtype == "float32" else 0.0)

    def begun(self, a: Value, c: Value, place: Value) -> Value:
        """Whether what a unit does from its place on, to act or to rest, it does at a point."""
        return self.p.bitwise("xor", self.acts(a, c, self.p.gather(self.x, place)), a < 0.0)

    def _bisected(self, units: Sequence[tuple[Value, Value]]) -> list[Value]:
        """The first point at which each unit does what it does from there on, ``num_points`` where there is none."""
        p = self.p
        ends = [(p.variable(self.lane * 0), p.variable(p.broadcast(self.num_points, p.lanes))) for _ in units]
        with p.loop(self.halvings):
            for (a, c), (low, high) in zip(units, ends, strict=True):
                middle = p.bitwise("lshr", low.get() + high.get(), p.broadcast(p.int_constant(1), p.lanes))
                is_open = low.get() < high.get()
                begun = self.begun(a, c, self._clamped(middle))
                high.set(p.select(p.bitwise("and", is_open, begun), middle, high.get()))
                low.set(p.select(p.bitwise("and", is_open, p.logical_not(begun)), middle + 1, low.get()))
        return [low.get() for low, _ in ends]

    def _clamped(self, place: Value) -> Value:
        """Places inside the points."""
        p = self.p
        last, first = p.broadcast(self.num_points - 1, p.lanes), self.lane * 0
        place = p.select(place > last, last, place)
        return p.select(place < first, first, place)

    def settled(self, a: Value, c: Value, start: Value) -> Value:
        """The place of a unit, from where it was: a few points to and fro, then by bisection."""
        p = self.p
        place = p.variable(start)
        one = p.broadcast(p.int_constant(1), p.lanes)
        going = p.variable(p.int_constant(NEAR + 1))
        with p.loop(going.get) as number:
            now = place.get()
            before = self.begun(a, c, self._clamped(now - one))
            here = self.begun(a, c, self._clamped(now))
            down = p.bitwise("and", before, now > self.lane * 0)
            up = p.bitwise("and", p.logical_not(here), now < p.broadcast(self.num_points, p.lanes))
            moved = p.bitwise("or", down, up)
            with p.when(p.logical_not(p.any_lane(moved))):
                going.set(p.int_constant(0))
            with p.when(p.any_lane(moved)):
                place.set(p.select(down, now - one, p.select(up, now + one, now)))
                with p.when(p.compare("==", number, NEAR)):
                    place.set(self._bisected([(a, c)])[0])
        return place.get()

    def where_active(self, a: Value, before: Value, total: Value) -> Value:
        """Of a sum over all points and that over those before the place of a unit, what the unit has to do with."""
        below, active = self.spec.below, self.p.select(a < 0.0, before, total - before)
        return self.p.fma(active, 1.0 - below, total * below) if below else active
