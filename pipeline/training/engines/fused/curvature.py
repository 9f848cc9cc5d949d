"""Products of the Hessian of a network's loss with a direction, as arithmetic on lanes of points.

The formulas are those of ``pipeline/models/curvature.py``, a tile of points at a time: of a trial nothing is written
but what its hidden units and their sums are at the points of one tile.
"""

from __future__ import annotations

from pipeline.training.engines.fused.activations import STRAIGHT, activate, times_derivative, times_second_derivative
from pipeline.training.engines.fused.lanes import Array, Number, Program, Value, total
from pipeline.training.engines.fused.losses import loss_and_slopes, times_curvature
from pipeline.training.engines.fused.network import Network, Step, Tile, Trial


class Product(Step):
    """One product: the derivative of the gradient along a direction, which lies in rows as the weights do."""

    def __init__(self, p: Program, network: Network) -> None:
        super().__init__(p, network, "all")
        self.tangents = p.array("tangents")
        self.direction: Array  # told once the trials are there

    @property
    def inputs_in_lanes(self) -> bool:
        return False

    @property
    def num_sums(self) -> int:
        return self.network.num_inputs + 1 + self.network.num_outputs

    def tile(self, first: Value, lanes: int, start: Value) -> None:
        p, outputs = self.p, self.network.num_outputs
        tile = Tile(p, self, first, lanes, start)
        f, along = self.both_forward(tile)
        y = [self.y.load(self.stride * k + first, lanes) for k in range(outputs)]
        share = self.share.load(first, lanes)
        _, slopes = loss_and_slopes(p, self.network.loss, f, y, share)
        bends = times_curvature(p, self.network.loss, f, y, along, share)
        for place, summand in enumerate(bends):
            before = self.output_sums.load(place * p.lanes, p.lanes)
            self.output_sums.store(place * p.lanes, total([before, *summand.parts(p.lanes)]))
        self.both_backward(tile, slopes, bends)

    def both_forward(self, tile: Tile) -> tuple[list[Value], list[Value]]:
        """The outputs and their derivatives along the direction; hidden values and tangents are kept."""
        p, inputs, outputs = self.p, self.network.num_inputs, self.network.num_outputs
        rows = (self.weights, self.direction)
        f, along = (
            [p.variable(p.spread(row.load(self.output_biases + k), tile.lanes)) for k in range(outputs)] for row in rows
        )

        def work(unit: Value, count: int) -> None:
            z, dz = (
                [p.variable(p.spread(row.load(self.row * inputs + unit + n), tile.lanes)) for n in range(count)]
                for row in rows
            )

            def add_input(i: Number, x: Value) -> None:
                for n in range(count):
                    for row, sums in zip(rows, (z, dz), strict=True):
                        sums[n].set(p.fma(row.load(self.row * i + unit + n), x, sums[n].get()))

            tile.for_each_input(add_input)
            for n in range(count):
                h, tangent = activate(p, self.network.activation, z[n].get()), dz[n].get()
                dh = times_derivative(p, self.network.activation, tangent, h)
                self.hidden.store((unit + n) * tile.lanes, h)
                self.tangents.store((unit + n) * tile.lanes, tangent)
                for k in range(outputs):
                    place = self.row * (inputs + 1 + k) + unit + n
                    f[k].set(p.fma(self.weights.load(place), h, f[k].get()))
                    step = p.fma(self.direction.load(place), h, along[k].get())
                    along[k].set(p.fma(self.weights.load(place), dh, step))

        self.over_units(work)
        return [output.get() for output in f], [output.get() for output in along]

    def both_backward(self, tile: Tile, slopes: list[Value], bends: list[Value]) -> None:
        """Add the tile to the sums over points."""
        p, activation, inputs = self.p, self.network.activation, self.network.num_inputs
        sums = self.sums_of(tile)

        def work(unit: Value, count: int) -> None:
            for own in [unit + n for n in range(count)]:
                h, tangent = (rows.load(own * tile.lanes, tile.lanes) for rows in (self.hidden, self.tangents))
                dh = times_derivative(p, activation, tangent, h)
                back, error = self._back(own, slopes, bends)
                back = times_derivative(p, activation, back, h)
                if not isinstance(activation, STRAIGHT):
                    back = back + times_second_derivative(p, activation, error * tangent, h)
                parts = back.parts(p.lanes)
                tile.for_each_input(lambda i, x, own=own, parts=parts: sums(own, i, parts, x.parts(p.lanes)))  # type: ignore[misc]
                sums(own, inputs, parts, None)
                for k, (slope, bend) in enumerate(zip(slopes, bends, strict=True)):
                    products = p.fma(bend, h, slope * dh)
                    sums(own, inputs + 1 + k, products.parts(p.lanes), None)

        self.over_units(work)

    def _back(self, unit: Value, slopes: list[Value], bends: list[Value]) -> tuple[Value, Value]:
        """What reaches a hidden unit through the outputs: of the product, and of the gradient itself."""
        p, first = self.p, self.row * (self.network.num_inputs + 1) + unit
        back = error = p.as_value(0.0, slopes[0])
        for k, (slope, bend) in enumerate(zip(slopes, bends, strict=True)):
            weight, along = (rows.load(first + self.row * k) for rows in (self.weights, self.direction))
            back = p.fma(bend, weight, p.fma(slope, along, back))
            error = p.fma(slope, weight, error)
        return back, error

    def collect(self, gradient: Array) -> Value:
        """Add up the lanes of all sums into rows of the result; there is no loss to return."""
        p, outputs = self.p, self.network.num_outputs
        with p.loop(self.row, step=p.lanes) as unit, p.loop(self.num_sums) as number:
            gradient.store(self.row * number + unit, self.summed(unit, number))
        for k in range(outputs):
            gradient.store(self.output_biases + k, self.output_sums.load(k * p.lanes, p.lanes).sum())
        return p.number(0.0)


def product_program(network: Network) -> Program:
    """The Hessian of each trial's loss at its weights, times its direction."""
    p = Program(network.dtype)
    step = Product(p, network)
    trials = Trial(p, step, 1)
    step.direction = trials.own[1]
    flat_products = p.array("products")
    num_trials = p.size("num_trials")
    with p.loop(num_trials) as trial:
        trials.fetch(trial)
        step.value_and_gradient()
        with p.loop(trials.num_weights) as n:
            flat_products.store(trial * trials.num_weights + n, step.gradient.load(trials.places.load(n)))
    return p
