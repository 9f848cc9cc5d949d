"""Products of the Hessian with directions, of networks of one input with a piecewise linear activation.

Along a direction ``(da, dc, dw)`` the output of a unit ``w (a x + c)`` changes by ``dw (a x + c) + w (da x + dc)``
where it acts: the change is as piecewise linear as the network, with the same kinks. With units in the order of their
kinks, running sums over units give its slope ``s`` and intercept ``i`` between any two neighbours. What the loss's
second derivative q makes of it, summed over the points between two neighbours, takes three moments of these points,

    ``sum q (s x + i) x = s sum q x^2 + i sum q x``,  ``sum q (s x + i) = s sum q x + i sum q``,

which are the same in every product. So a product takes a number of operations that grows with the number of units, and
not with that of points. Running sums of these over units are for the product what running sums of slopes over points
are for the gradient (see ``prefix_sums.py``); a kink adds nothing, as in ``pipeline/models/curvature.py``.

Lanes are trials: each has its units in an order of its own, equal places by their number.
"""

from __future__ import annotations

import itertools

from pipeline.engines.cpu.codegen.simd import Array, Program, Value, total
from pipeline.engines.cpu.kernels.losses import COUPLED, times_curvature
from pipeline.engines.cpu.kernels.prefix_sums import PrefixSumStep, Totals, prefix_sum_sizes
from pipeline.engines.cpu.kernels.unit_order import UnitOrder
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.problems.losses import Loss

MOMENTS = 3
"""Sums over points of ``q``, ``q x`` and ``q x^2``."""


def coupled_outputs(loss: Loss, num_outputs: int) -> list[tuple[int, int]]:
    """The pairs of outputs in which the second derivative of a loss at a point may be other than 0."""
    outputs = range(num_outputs)
    return list(itertools.product(outputs, outputs)) if isinstance(loss, COUPLED) else [(k, k) for k in outputs]


def curvature_buffer_sizes(spec: OneInputSpec, width: int, num_points: int, lanes: int) -> dict[str, int]:
    """Numbers in each array that products work in."""
    moments, sums = MOMENTS * len(coupled_outputs(spec.loss, spec.num_outputs)), 2 * spec.num_outputs
    return {
        **prefix_sum_sizes(spec, num_points, lanes),
        "moments": (num_points + 1) * moments * lanes,
        "moments_between": (width + 1) * moments * lanes,
        "sorted_weights": spec.num_weights(width) * lanes,
        "gradient_sums": width * sums * lanes,
        "unit_changes": width * sums * lanes,
        "unit_sums": width * sums * lanes,
    }


class PiecewiseCurvature(PrefixSumStep):
    """Products of the Hessians of as many trials as there are lanes, at fixed weights.

    Args:
        p: The program, in float64.
        spec: The networks and their loss.
    """

    def __init__(self, p: Program, spec: OneInputSpec) -> None:
        super().__init__(p, spec)
        self.pairs = coupled_outputs(spec.loss, spec.num_outputs)
        self.order = UnitOrder(self)
        names = ("moments", "moments_between", "sorted_weights", "gradient_sums", "unit_changes", "unit_sums")
        self.moments, self.between, self.sorted, self.slopes, self.unit_changes, self.unit_sums = map(
            p.array_parameter, names
        )

    def remember(self, block: Value) -> None:
        """Write what all products at the weights of a block have in common."""
        self.begin(block)
        zero = self.p.constant(0.0, self.p.lanes)
        self.so_far = [self.p.variable(zero) for _ in range(MOMENTS * len(self.pairs))]
        _, totals = self.losses()
        self._keep_moments(self.num_points)
        self.order.sort()
        self._remember_units(totals)

    def product(self, direction: Array, result: Array) -> None:
        """Write one product.

        Args:
            direction: Weights of a direction, units in order, shape ``[N, lanes]``.
            result: Where the product is written, likewise.
        """
        self._take(direction, self._sums_along(self._changes_along(direction)), result)

    # What is remembered.

    def find_place(self, a: Value, c: Value, unit: Value) -> Value:
        return self.load_place(unit)  # as weights do not change

    def see(self, point: Value, x: Value, outputs: list[Value], targets: list[Value]) -> None:
        p = self.p
        self._keep_moments(point)
        one, zero = p.constant(1.0, p.lanes), p.constant(0.0, p.lanes)
        weight = p.broadcast(self.point_weight.load(0), p.lanes)

        def curved(directions: list[Value]) -> list[Value]:
            return times_curvature(p, self.spec.loss, outputs, targets, directions, weight)

        if len(self.pairs) == len(self.outputs):
            bends = curved([one for _ in self.outputs])
        else:
            columns = [curved([one if k == j else zero for k in self.outputs]) for j in self.outputs]
            bends = [columns[j][k] for k, j in self.pairs]
        for number, bend in enumerate(bends):
            for power, sum_ in enumerate(self.so_far[MOMENTS * number : MOMENTS * (number + 1)]):
                sum_.set(sum_.get() + bend)
                bend = bend * x if power < MOMENTS - 1 else bend

    def _keep_moments(self, point: Value) -> None:
        """Write the moments of all points before one."""
        for number, sum_ in enumerate(self.so_far):
            self.moments.store((point * len(self.so_far) + number) * self.p.lanes, sum_.get())

    def _remember_units(self, totals: Totals) -> None:
        """Write weights in order, the sums of slopes where each unit acts, and moments between neighbours."""
        p, lanes, size = self.p, self.p.lanes, len(self.so_far)
        for place, own in self.order.of_weights():
            self.sorted.store(place * lanes, p.gather(self.weights, own * lanes + self.lane))
        before = [p.variable(p.constant(0.0, lanes)) for _ in range(size)]
        with p.loop(self.width) as unit:
            place = p.gather(self.places, self.order.load(unit) * lanes + self.lane)
            a = self.load(self.sorted, unit * 2)
            for k, total_ in zip(self.outputs, totals, strict=True):
                for quantity, sum_ in enumerate(self.sums_where_active(place, a, k, total_)):
                    self.slopes.store(self._of_unit(unit, k, quantity), sum_)
            for number, earlier in enumerate(before):
                here = p.gather(self.moments, (place * size + number) * lanes + self.lane)
                self.between.store((unit * size + number) * lanes, here - earlier.get())
                earlier.set(here)
        for number, (earlier, whole) in enumerate(zip(before, self.so_far, strict=True)):
            self.between.store((self.width * size + number) * lanes, whole.get() - earlier.get())

    def _of_unit(self, unit: Value, k: int, quantity: int) -> Value:
        """The place of a number that a unit has for each output: one that goes with inputs, and a plain one."""
        return (unit * (2 * len(self.outputs)) + (2 * k + quantity)) * self.p.lanes

    # The three passes of a product.

    def _changes_along(self, direction: Array) -> list[tuple[Value, Value]]:
        """What each kink changes of the derivative of the outputs; returns slopes and intercepts before the first."""
        p, lanes, below = self.p, self.p.lanes, self.spec.below
        starts = [
            (p.variable(p.constant(0.0, lanes)), p.variable(self.load(direction, self.output(k, self.width))))
            for k in self.outputs
        ]
        with p.loop(self.width) as unit:
            hidden = [self.load(self.sorted, unit * 2 + number) for number in range(2)]
            along = [self.load(direction, unit * 2 + number) for number in range(2)]
            falls = hidden[0] < 0.0
            for k, start in zip(self.outputs, starts, strict=True):
                w, dw = (self.load(array, self.output(k, unit)) for array in (self.sorted, direction))
                for quantity in range(2):
                    whole = p.fma(dw, hidden[quantity], w * along[quantity])
                    change = whole * (1.0 - below)
                    before = p.select(falls, whole, whole * below)
                    start[quantity].set(start[quantity].get() + before)
                    self.unit_changes.store(self._of_unit(unit, k, quantity), p.select(falls, -change, change))
        return [(slope.get(), intercept.get()) for slope, intercept in starts]

    def _sums_along(self, starts: list[tuple[Value, Value]]) -> Totals:
        """Sums over points of what the loss's second derivative makes of it; those before each kink are kept."""
        p, lanes = self.p, self.p.lanes
        lines = [(p.variable(slope), p.variable(intercept)) for slope, intercept in starts]
        sums = [(p.variable(p.constant(0.0, lanes)), p.variable(p.constant(0.0, lanes))) for _ in self.outputs]
        with p.loop(self.width) as unit:
            self._add_between(unit, lines, sums)
            for k in self.outputs:
                for quantity in range(2):
                    place = self._of_unit(unit, k, quantity)
                    self.unit_sums.store(place, sums[k][quantity].get())
                    lines[k][quantity].set(lines[k][quantity].get() + self.unit_changes.load(place, lanes))
        self._add_between(self.width, lines, sums)
        return [(of_inputs.get(), plain.get()) for of_inputs, plain in sums]

    def _add_between(self, unit: Value, lines: list, sums: list) -> None:
        """Add the points between a unit and the one before it."""
        p, lanes = self.p, self.p.lanes
        for number, (k, j) in enumerate(self.pairs):
            first = (unit * len(self.so_far) + MOMENTS * number) * lanes
            plain, of_x, of_squares = (self.between.load(first + power * lanes, lanes) for power in range(MOMENTS))
            slope, intercept = (part.get() for part in lines[j])
            sums[k][0].set(p.fma(slope, of_squares, p.fma(intercept, of_x, sums[k][0].get())))
            sums[k][1].set(p.fma(slope, of_x, p.fma(intercept, plain, sums[k][1].get())))

    def _take(self, direction: Array, totals: Totals, result: Array) -> None:
        """Write the product from the sums."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.width) as unit:
            a, c = (self.load(self.sorted, unit * 2 + number) for number in range(2))
            da, dc = (self.load(direction, unit * 2 + number) for number in range(2))
            of_hidden = [p.constant(0.0, lanes), p.constant(0.0, lanes)]
            for k, totals_of_k in zip(self.outputs, totals, strict=True):
                output = self.output(k, unit)
                w, dw = (self.load(array, output) for array in (self.sorted, direction))
                places = [self._of_unit(unit, k, quantity) for quantity in range(2)]
                slopes = [self.slopes.load(place, lanes) for place in places]
                bends = [
                    self.where_active(a, self.unit_sums.load(place, lanes), whole)
                    for place, whole in zip(places, totals_of_k, strict=True)
                ]
                of_hidden = [
                    p.fma(w, bend, p.fma(dw, slope, sum_))
                    for bend, slope, sum_ in zip(bends, slopes, of_hidden, strict=True)
                ]
                products = [a * bends[0], c * bends[1], da * slopes[0], dc * slopes[1]]
                result.store(output * lanes, total(products))
            for number, value in enumerate(of_hidden):
                result.store((unit * 2 + number) * lanes, value)
        for k, (_, plain) in zip(self.outputs, totals, strict=True):
            result.store(self.output(k, self.width) * lanes, plain)
