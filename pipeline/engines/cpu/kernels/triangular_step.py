"""Steps of linear models under the square loss on the rows of a triangular factor, with a trial in each lane.

For ``|R w - z|^2 / 2`` with R upper triangular a step is ``r = R w - z`` and the update by ``R^T r``: half as many
products as with a square matrix. R is the same for all trials, so a number of it is loaded once for as many trials as
there are lanes, and no sum is taken over lanes.

Rows of R are worked on some at a time, filled up with zeros. A trial whose loss is out of bounds is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.engines.cpu.codegen.buffers import round_up
from pipeline.engines.cpu.codegen.simd import Array, FloatDtype, Program, Value, Variable
from pipeline.engines.cpu.kernels.lane_trials import LaneTrials
from pipeline.engines.cpu.kernels.updates import updated
from pipeline.optimizers.rules import UpdateRule

ROWS_TOGETHER = 8
"""Sums worked on at a time: enough that none waits for itself, which takes 4 cycles at two products a cycle."""


def triangular_sizes(rule: UpdateRule, width: int, num_outputs: int, lanes: int) -> dict[str, int]:
    """Numbers in each array that a step works in."""
    names = ("lane_weights", *(f"lane_slot_{number}" for number in range(rule.slots)), "lane_residuals")
    return dict.fromkeys(names, num_outputs * round_up(width, ROWS_TOGETHER) * lanes)


class TriangularStep:
    """The training of as many trials as there are lanes.

    Args:
        p: The program.
        rule: The update rule.
    """

    def __init__(self, p: Program, rule: UpdateRule) -> None:
        self.p, self.rule = p, rule
        self.width, self.row = p.int_parameter("width"), p.int_parameter("triangle_row")
        self.num_outputs, self.num_weights = p.int_parameter("num_outputs"), p.int_parameter("num_weights")
        self.triangle, self.transposed = (
            p.array_parameter(name, "triangle_row", "triangle_row") for name in ("triangle", "transposed_triangle")
        )
        self.targets = p.array_parameter("triangle_targets", "num_outputs", "triangle_row")
        shape = ("num_outputs", "triangle_row", p.lanes)
        slots = [f"slot_{number}" for number in range(rule.slots)]
        self.flat = [p.array_parameter(name, "num_blocks", "num_weights", p.lanes) for name in ("weights", *slots)]
        self.own = [p.array_parameter(f"lane_{name}", *shape) for name in ("weights", *slots)]
        self.residuals = p.array_parameter("lane_residuals", *shape)

    def load(self, block: Value) -> None:
        """Copy a block of trials into rows that are filled up."""
        for flat, own, place, own_place in self._numbers(block):
            own.store(own_place, flat.load(place, self.p.lanes))

    def write_back(self, block: Value) -> None:
        """Copy the rows back to the block."""
        for flat, own, place, own_place in self._numbers(block):
            flat.store(place, own.load(own_place, self.p.lanes))

    def _numbers(self, block: Value) -> Iterator[tuple[Array, Array, Value, Value]]:
        """For each number of all trials its array and its own array, and its place in both."""
        lanes = self.p.lanes
        with self.p.loop(self.num_outputs) as k, self.p.loop(self.width) as feature:
            place = (block * self.num_weights + k * self.width + feature) * lanes
            for flat, own in zip(self.flat, self.own, strict=True):
                yield flat, own, place, (k * self.row + feature) * lanes

    def losses(self) -> Value:
        """Write ``r = R w - z`` of all outputs; half the sum of its squares is returned."""
        p, lanes = self.p, self.p.lanes
        squares = p.variable(p.constant(0.0, lanes))
        with p.loop(self.num_outputs) as k, p.loop(self.row, step=ROWS_TOGETHER) as first:
            start = k * self.row
            sums = [p.variable(-p.broadcast(self.targets.load(start + row), lanes)) for row in self._rows(first)]
            with p.loop(self.width, start=first) as column:
                weights = self.own[0].load((start + column) * lanes, lanes)
                self._add(sums, self.transposed, column, first, weights)
            residuals = [sum_.get() for sum_ in sums]
            for row, residual in zip(self._rows(first), residuals, strict=True):
                self.residuals.store((start + row) * lanes, residual)
            squares.set(squares.get() + sum_of_squares(p, residuals))
        return squares.get() * 0.5

    def update(self, fine: Value, rate: Value, root: Value) -> None:
        """Write the updates by ``R^T r`` of the trials that are fine."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.num_outputs) as k, p.loop(self.row, step=ROWS_TOGETHER) as first:
            start, end = k * self.row, first + ROWS_TOGETHER
            sums = [p.variable(p.constant(0.0, lanes)) for _ in range(ROWS_TOGETHER)]
            with p.loop(p.select(end < self.width, end, self.width)) as row:
                residual = self.residuals.load((start + row) * lanes, lanes)
                self._add(sums, self.triangle, row, first, residual)
            for column, sum_ in zip(self._rows(first), sums, strict=True):
                self._update((start + column) * lanes, sum_.get(), fine, rate, root)

    def _rows(self, first: Value) -> list[Value]:
        return [first + n for n in range(ROWS_TOGETHER)]

    def _add(self, sums: list[Variable], matrix: Array, row: Value, first: Value, factor: Value) -> None:
        """Add neighbouring numbers in a row of a matrix times a factor to as many sums."""
        for n, sum_ in enumerate(sums):
            number = self.p.broadcast(matrix.load(row * self.row + first + n), self.p.lanes)
            sum_.set(self.p.fma(number, factor, sum_.get()))

    def _update(self, place: Value, gradient: Value, fine: Value, rate: Value, root: Value) -> None:
        old = [array.load(place, self.p.lanes) for array in self.own]
        weights, slots = updated(self.p, self.rule, old[0], gradient, old[1:], rate, root)
        for array, before, after in zip(self.own, old, [weights, *slots], strict=True):
            array.store(place, self.p.select(fine, after, before))


def sum_of_squares(p: Program, values: Sequence[Value]) -> Value:
    """The sum of the squares of an even number of values: of pairs, and then of pairs of sums."""
    level = [p.fma(a, a, b * b) for a, b in zip(values[::2], values[1::2], strict=True)]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def triangular_training(dtype: FloatDtype, rule: UpdateRule) -> Program:
    """Some updates of blocks of trials; a trial whose loss is out of bounds is left as it is."""
    p = Program(dtype)
    num_blocks, num_steps = p.int_parameter("num_blocks"), p.int_parameter("num_steps")
    step = TriangularStep(p, rule)
    trials = LaneTrials(p)
    with p.loop(num_blocks) as block:
        step.load(block)
        trials.begin(block)
        going = p.variable(num_steps)
        with p.loop(going.get) as number:
            fine = trials.within_bounds(number, step.losses())
            step.update(fine, *trials.factors(number))
            with p.when(p.logical_not(p.any_lane(fine))):
                going.set(p.int_constant(0))
        step.write_back(block)
    return p
