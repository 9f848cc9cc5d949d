"""Products of the Hessian of a network's loss with a direction, as SIMD arithmetic on lanes of points.

The product is the derivative of the gradient along the direction (Pearlmutter's R-operator); the formulas are
those of ``pipeline/models/curvature.py``, a tile of points at a time.

Source: Pearlmutter, Fast exact multiplication by the Hessian (Neural Computation 6, 1994).
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS
from pipeline.engines.cpu.codegen.simd import Array, Number, Program, Value, total
from pipeline.engines.cpu.kernels.activations import times_derivative, times_second_derivative
from pipeline.engines.cpu.kernels.losses import loss_and_slopes, times_curvature
from pipeline.engines.cpu.kernels.network import NetworkSpec, NetworkStep
from pipeline.engines.cpu.kernels.training_step import Tile
from pipeline.models.activations import PIECEWISE_LINEAR


class HessianProduct(NetworkStep):
    """Products of one Hessian with directions, which lie in rows as the weights do.

    Hidden values and outputs at all points are the same in every product, and remembered.

    Args:
        p: The program.
        network: The spec.
    """

    def __init__(self, p: Program, network: NetworkSpec) -> None:
        super().__init__(p, network, "all")
        self.values, self.outputs, self.tangents = (
            self.hidden,
            p.array_parameter("outputs"),
            p.array_parameter("tangents"),
        )
        self.direction: Array  # told before each product

    @property
    def inputs_in_lanes(self) -> bool:
        return False

    @property
    def num_sums(self) -> int:
        return self.network.num_inputs + 1 + self.network.num_outputs

    def remember(self) -> None:
        """Write the forward pass over all points, whose values every product needs."""
        p, wide = self.p, self.p.lanes * TILE_REGISTERS
        with p.loop(self.wide_tiles) as number:
            self._remember(number * wide, wide)
        with p.loop(self.narrow_tiles) as number:
            self._remember(self.wide_tiles * wide + number * p.lanes, p.lanes)

    def _remember(self, first: Value, lanes: int) -> None:
        self._go_to(first)
        for k, f in enumerate(self.forward(Tile(self.p, self, first, lanes, first))):
            self.outputs.store(self.stride * k + first, f)

    def _go_to(self, first: Value) -> None:
        """The hidden values are now those of the tile that starts at a point."""
        self.hidden = Array(self.p, self.values.at(self.width * first), self.p.real)

    def tile(self, first: Value, lanes: int, start: Value) -> None:
        p, outputs = self.p, self.network.num_outputs
        tile = Tile(p, self, first, lanes, start)
        self._go_to(first)
        along = self.along(tile)
        f, y = ([rows.load(self.stride * k + first, lanes) for k in range(outputs)] for rows in (self.outputs, self.y))
        point_weight = self.point_weight.load(first, lanes)
        _, slopes = loss_and_slopes(p, self.network.loss, f, y, point_weight)
        bends = times_curvature(p, self.network.loss, f, y, along, point_weight)
        for place, summand in enumerate(bends):
            before = self.output_sums.load(place * p.lanes, p.lanes)
            self.output_sums.store(place * p.lanes, total([before, *summand.parts(p.lanes)]))
        self.both_backward(tile, slopes, bends)

    def along(self, tile: Tile) -> list[Value]:
        """The derivatives of the outputs along the direction at the points of a tile; those of z are kept."""
        p, inputs, outputs = self.p, self.network.num_inputs, self.network.num_outputs
        biases = [self.direction.load(self.output_biases + k) for k in range(outputs)]
        along = [p.variable(p.broadcast(bias, tile.lanes)) for bias in biases]

        def work(unit: Value, count: int) -> None:
            biases = [self.direction.load(self.row * inputs + unit + n) for n in range(count)]
            dz = [p.variable(p.broadcast(bias, tile.lanes)) for bias in biases]

            def add_input(i: Number, x: Value) -> None:
                for n in range(count):
                    dz[n].set(p.fma(self.direction.load(self.row * i + unit + n), x, dz[n].get()))

            tile.for_each_input(add_input)
            for n in range(count):
                h, tangent = self.hidden.load((unit + n) * tile.lanes, tile.lanes), dz[n].get()
                dh = times_derivative(p, self.network.activation, tangent, h)
                self.tangents.store((unit + n) * tile.lanes, tangent)
                for k in range(outputs):
                    place = self.row * (inputs + 1 + k) + unit + n
                    step = p.fma(self.direction.load(place), h, along[k].get())
                    along[k].set(p.fma(self.weights.load(place), dh, step))

        self.over_units(work)
        return [output.get() for output in along]

    def both_backward(self, tile: Tile, slopes: list[Value], bends: list[Value]) -> None:
        """Add a tile to the sums over points, given the slopes of the loss and their change along the direction."""
        p, activation, inputs = self.p, self.network.activation, self.network.num_inputs
        sums = self.sums_of(tile)

        def work(unit: Value, count: int) -> None:
            for own in [unit + n for n in range(count)]:
                h, tangent = (rows.load(own * tile.lanes, tile.lanes) for rows in (self.hidden, self.tangents))
                dh = times_derivative(p, activation, tangent, h)
                back, error = self._back(own, slopes, bends)
                back = times_derivative(p, activation, back, h)
                if not isinstance(activation, PIECEWISE_LINEAR):
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

    def collect(self, gradient: Array) -> list[Value]:
        """Add up the lanes of all sums into rows of the result; there is no loss to return."""
        p, outputs = self.p, self.network.num_outputs
        with p.loop(self.row, step=p.lanes) as unit, p.loop(self.num_sums) as number:
            gradient.store(self.row * number + unit, self.summed(unit, number))
        for k in range(outputs):
            gradient.store(self.output_biases + k, self.output_sums.load(k * p.lanes, p.lanes).sum())
        return [p.constant(0.0)]
