"""Networks of one input with a piecewise linear activation: a step in ``N + m`` operations in place of ``N m``.

Such a network is a continuous piecewise linear function of its input. With the points sorted, a unit
``w g(a x + c)`` acts from one point on (or up to it, where ``a < 0``), so it adds ``w a`` to the slope and ``w c`` to
the intercept of the function there. One running sum over the points gives the function at all of them; running sums of
the loss's slopes ``r`` and of ``r x`` give the gradient of every unit: of ``w``, ``a`` and ``c``, with
``R_1 = sum r x`` and ``R_0 = sum r`` over the points where it acts,

    ``a R_1 + c R_0``,  ``w R_1``,  ``w R_0``.

Lanes are trials, so that sums need no scan and no two lanes write to one place. All sums are in float64; weights of
float32 are rounded once an update. Where a unit acts is decided by the sign of ``a x + c`` rounded once, as by a kernel
that evaluates it everywhere: it is monotone in ``x``, so the point is found from where it was a step ago.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.engines.cpu.codegen.simd import Array, Program, Value
from pipeline.engines.cpu.kernels.lane_trials import LaneTrials
from pipeline.engines.cpu.kernels.losses import loss_and_slopes
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec, UnitPlaces
from pipeline.engines.cpu.kernels.updates import updated
from pipeline.optimizers.rules import UpdateRule

Totals: TypeAlias = list[tuple[Value, Value]]
"""Of each output the sum over points of slopes times inputs, and that of slopes."""


def prefix_sum_sizes(spec: OneInputSpec, num_points: int, lanes: int) -> dict[str, int]:
    """Numbers in each of the arrays that a step works in."""
    sums = (num_points + 1) * 2 * spec.num_outputs * lanes
    return {"changes": sums, "prefixes": sums}


class PrefixSumStep(UnitPlaces):
    """Value and gradient of as many trials as there are lanes, written into a program.

    Args:
        p: The program, in float64.
        spec: What to compute.
    """

    def __init__(self, p: Program, spec: OneInputSpec) -> None:
        super().__init__(p, spec)
        self.y = p.array_parameter("targets", "num_points", spec.num_outputs)
        self.point_weight = p.array_parameter("point_weight")
        self.changes, self.prefixes = p.array_parameter("changes"), p.array_parameter("prefixes")

    def begin(self, block: Value) -> None:
        """Turn to a block of trials: find where its units act, by bisection, and forget what was added before."""
        p = self.p
        with p.loop((self.num_points + 1) * (2 * len(self.outputs) * p.lanes), step=p.lanes) as place:
            self.changes.store(place, p.constant(0.0, p.lanes))
        self.find_places(block)

    def losses(self) -> tuple[Value, Totals]:
        """Write the passes over units and points; the losses are returned, and the sums over all points."""
        return self._sums_over_points(self._changes_at_points())

    def find_place(self, a: Value, c: Value, unit: Value) -> Value:
        """The place of a unit, from where it was a step ago."""
        place = self.settled(a, c, self.load_place(unit))
        self.places.store(unit * self.p.lanes, place)
        return place

    def _changes_at_points(self) -> list[tuple[Value, Value]]:
        """Where each unit acts, and what it changes there; returns slopes and intercepts before the first point."""
        p, below = self.p, self.spec.below
        zero = p.constant(0.0, p.lanes)
        starts = [
            (p.variable(zero), p.variable(self.load(self.weights, self.output(k, self.width)))) for k in self.outputs
        ]
        wrong = p.variable(zero)  # NaN once a weight is not finite: the loss is to be so, although its unit may rest
        with p.loop(self.width) as unit:
            a, c = self.hidden(unit)
            wrong.set(p.fma(a, 0.0, p.fma(c, 0.0, wrong.get())))
            place, falls = None, a < 0.0
            if below != 1.0:
                place = self.find_place(a, c, unit)
            for k, (slope, intercept) in zip(self.outputs, starts, strict=True):
                w = self.load(self.weights, self.output(k, unit))
                wrong.set(p.fma(w, 0.0, wrong.get()))
                for quantity, (start, factor) in enumerate(((slope, a), (intercept, c))):
                    product = w * factor
                    if below:
                        start.set(p.fma(product, below, start.get()))
                    if place is None:
                        continue
                    change = product * (1.0 - below) if below else product
                    start.set(start.get() + p.select(falls, change, zero))
                    where = self._sum_at(place, k, quantity)
                    p.scatter(self.changes, where, p.gather(self.changes, where) + p.select(falls, -change, change))
        return [(slope.get(), intercept.get() + wrong.get()) for slope, intercept in starts]

    def _sum_at(self, place: Value, k: int, quantity: int) -> Value:
        """Where one sum of each lane lies, of those at a point."""
        return (place * (2 * len(self.outputs)) + (2 * k + quantity)) * self.p.lanes + self.lane

    def _sums_over_points(self, starts: list[tuple[Value, Value]]) -> tuple[Value, Totals]:
        """Losses, and the sums of slopes and of slopes times inputs over all points; those before each are kept."""
        p, lanes = self.p, self.p.lanes
        zero, stride = p.constant(0.0, lanes), 2 * len(self.outputs) * lanes
        lines = [(p.variable(slope), p.variable(intercept)) for slope, intercept in starts]
        sums = [(p.variable(zero), p.variable(zero)) for _ in self.outputs]
        loss, weight = p.variable(zero), p.broadcast(self.point_weight.load(0), lanes)
        with p.loop(self.num_points) as point:
            x, base, outputs = p.broadcast(self.x.load(point), lanes), point * stride, []
            for k, line in zip(self.outputs, lines, strict=True):
                for quantity, coefficient in enumerate(line):
                    at = base + (2 * k + quantity) * lanes
                    coefficient.set(coefficient.get() + self.changes.load(at, lanes))
                    self.changes.store(at, zero)
                    self.prefixes.store(at, sums[k][quantity].get())
                outputs.append(p.fma(line[0].get(), x, line[1].get()))
            y = [p.broadcast(self.y.load(self.num_points * k + point), lanes) for k in self.outputs]
            self.see(point, x, outputs, y)
            value, slopes = loss_and_slopes(p, self.spec.loss, outputs, y, weight)
            loss.set(loss.get() + value)
            for slope, (of_inputs, plain) in zip(slopes, sums, strict=True):
                of_inputs.set(p.fma(slope, x, of_inputs.get()))
                plain.set(plain.get() + slope)
        for k in self.outputs:
            for quantity in range(2):
                at = self.num_points * stride + (2 * k + quantity) * lanes
                self.changes.store(at, zero)
                self.prefixes.store(at, sums[k][quantity].get())
        return loss.get(), [(of_inputs.get(), plain.get()) for of_inputs, plain in sums]

    def see(self, point: Value, x: Value, outputs: list[Value], targets: list[Value]) -> None:
        """Write what else is done with the outputs at each point; a training step does nothing else."""

    def gradients(self, totals: Totals, take: Callable[[Value, Value], Value | None]) -> None:
        """Write the pass over units that gives the gradient of each weight, by its number, to be taken at once."""
        p = self.p
        with p.loop(self.width) as unit:
            a, c = self.hidden(unit)
            place = self.load_place(unit)
            of_a, of_c = p.constant(0.0, p.lanes), p.constant(0.0, p.lanes)
            for k, total in zip(self.outputs, totals, strict=True):
                of_inputs, plain = self.sums_where_active(place, a, k, total)
                output = self.output(k, unit)
                w = self.load(self.weights, output)
                of_a, of_c = p.fma(w, of_inputs, of_a), p.fma(w, plain, of_c)
                take(output, p.fma(a, of_inputs, c * plain))
            take(unit * 2, of_a)
            take(unit * 2 + 1, of_c)
        for k, (_, plain) in zip(self.outputs, totals, strict=True):
            take(self.output(k, self.width), plain)

    def sums_where_active(self, place: Value, a: Value, k: int, total: tuple[Value, Value]) -> tuple[Value, Value]:
        """The sums over the points where a unit acts, and the slope below zero times those where it rests."""
        if self.spec.below == 1.0:
            return total
        before = [self.p.gather(self.prefixes, self._sum_at(place, k, quantity)) for quantity in range(2)]
        return self.where_active(a, before[0], total[0]), self.where_active(a, before[1], total[1])


@dataclass(frozen=True)
class LaneUpdate:
    """What an update makes of weights, in the lanes of trials that have not diverged.

    Args:
        step: Whose weights.
        rule: How.
        arrays: The weights, and what the rule remembers.
        factors: The learning rate of each trial times the first correction of the step, and the second correction.
    """

    step: UnitPlaces
    rule: UpdateRule
    arrays: Sequence[Array]
    factors: tuple[Value, Value]

    def make(self, fine: Value, number: Value, gradient: Value) -> Value:
        """Update one weight of all trials, given where they are fine and its gradient; returns the weight."""
        p = self.step.p
        old = [self.step.load(array, number) for array in self.arrays]
        weights, slots = updated(p, self.rule, old[0], gradient, old[1:], *self.factors)
        new = [
            p.select(fine, p.rounded(after, self.step.spec.dtype), before)
            for before, after in zip(old, [weights, *slots], strict=True)
        ]
        for array, value in zip(self.arrays, new, strict=True):
            array.store(number * p.lanes, value)
        return new[0]


def prefix_sum_training(spec: OneInputSpec, rule: UpdateRule, lanes: int | None = None) -> Program:
    """Some updates of blocks of trials; a trial whose loss is out of bounds is left as it is.

    Args:
        spec: The networks.
        rule: The update rule.
        lanes: Trials of a block; none: as many as fit into a register.

    Returns:
        The program.
    """
    p = Program("float64", lanes)
    step = PrefixSumStep(p, spec)
    num_blocks, num_steps = p.int_parameter("num_blocks"), p.int_parameter("num_steps")
    shape = ("num_blocks", "num_weights", p.lanes)
    all_slots = [p.array_parameter(f"slot_{number}", *shape) for number in range(rule.slots)]
    trials = LaneTrials(p)
    with p.loop(num_blocks) as block:
        step.begin(block)
        trials.begin(block)
        slots = [Array(p, slot.at(trials.first * step.num_weights), p.real) for slot in all_slots]
        going = p.variable(num_steps)
        with p.loop(going.get) as number:
            loss, totals = step.losses()
            fine = trials.within_bounds(number, loss)
            update = LaneUpdate(step, rule, [step.weights, *slots], trials.factors(number))
            step.gradients(totals, functools.partial(update.make, fine))
            with p.when(p.logical_not(p.any_lane(fine))):
                going.set(p.int_constant(0))
    return p


def prefix_sum_gradient(spec: OneInputSpec) -> Program:
    """Losses and gradients of blocks of trials at their weights."""
    p = Program("float64")
    step = PrefixSumStep(p, spec)
    losses = p.array_parameter("losses", "num_blocks", p.lanes)
    gradients = p.array_parameter("gradients", "num_blocks", "num_weights", p.lanes)
    with p.loop(p.int_parameter("num_blocks")) as block:
        step.begin(block)
        loss, totals = step.losses()
        losses.store(block * p.lanes, loss)

        def keep(number: Value, gradient: Value, block: Value = block) -> None:
            gradients.store((block * step.num_weights + number) * p.lanes, gradient)

        step.gradients(totals, keep)
    return p
