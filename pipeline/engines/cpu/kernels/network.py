"""The training step of networks with one hidden layer, ``f = V g(U x + b) + c``.

Forward, a tile of points at a time: ``z = U x + b``, ``h = g(z)``, ``f = V h + c``. Backward, with the slopes
``s = dl/df``: ``q = V^T s * g'(z)``, and the gradient is the sum over points of ``q x^T``, ``q``, ``s h^T``, ``s``.

The hidden values of a tile are kept for its way back. In the sums for the weights of many
inputs lanes are inputs, since those of all lanes would be too many.

Weights of a trial lie in rows of hidden units: one row for each input, one for the biases b,
one for each output; then the biases c of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS, round_up
from pipeline.engines.cpu.codegen.processor import FEW_REGISTERS
from pipeline.engines.cpu.codegen.simd import Array, FloatDtype, Number, Program, Value
from pipeline.engines.cpu.kernels.activations import activate, times_derivative
from pipeline.engines.cpu.kernels.training_step import KernelSpec, Tile, TrainingStep
from pipeline.models.activations import PIECEWISE_LINEAR, Activation
from pipeline.problems.losses import Loss

MOST_WRITTEN_OUT = 8
"""Inputs that are kept in registers, or where the processor has too few, on the stack."""
UNITS_TOGETHER = 2 if FEW_REGISTERS else 4

MOST_SUMS_OF_LANES = 32
"""Inputs up to which a sum is kept for each lane of points; of more, all these sums would not stay in the cache."""
REGISTERS_TOGETHER = 2 if FEW_REGISTERS else 4
"""Registers of inputs that are summed together: with the units, half as many sums as there are registers, or fewer."""


@final
@dataclass(frozen=True)
class NetworkSpec(KernelSpec):
    """Kernels of networks with one hidden layer.

    Args:
        num_inputs: D.
        num_outputs: K.
        activation: g.
        loss: l.
        dtype: Of the arithmetic.
    """

    num_inputs: int
    num_outputs: int
    activation: Activation
    loss: Loss
    dtype: FloatDtype

    @property
    def units_together(self) -> int:
        """Hidden units worked on together: each of many inputs is then loaded once for all of them."""
        return 1 if self.num_inputs <= MOST_WRITTEN_OUT else UNITS_TOGETHER

    @property
    def rows(self) -> int:
        """Rows of weights of hidden units."""
        return self.num_inputs + 1 + self.num_outputs

    @property
    def derived(self) -> bool:
        """Whether the gradient of the output weights follows from that of the hidden ones.

        It is the sum over points of slope times value, ``sum s h``; the value of a piecewise linear activation is
        ``h = g'(z) (u x + b)``, so that it is ``u sum s g'(z) x + b sum s g'(z)``.
        """
        return self.num_outputs == 1 and isinstance(self.activation, PIECEWISE_LINEAR)

    @property
    def inputs_in_lanes(self) -> bool:
        return self.num_inputs > MOST_SUMS_OF_LANES

    @property
    def place_of_bias(self) -> int:
        """The place of the sum for the bias among those with points in their lanes."""
        return 0 if self.inputs_in_lanes else self.num_inputs

    @property
    def sums(self) -> int:
        """Sums over points that are taken for each hidden unit, with points in their lanes."""
        return self.place_of_bias + 1 + (0 if self.derived else self.num_outputs)

    def input_rows(self, of: str) -> int:
        return self.num_inputs

    def operations(self, width: int) -> int:
        return (4 * self.num_inputs + 6 * self.num_outputs + 4) * width

    def size(self, width: int, lanes: int) -> int:
        return self.rows * round_up(width, lanes) + round_up(self.num_outputs, lanes)

    def places(self, width: int, lanes: int) -> np.ndarray:
        row, inputs, outputs = round_up(width, lanes), self.num_inputs, self.num_outputs
        hidden_WA = np.arange(inputs + 1)[None, :] * row + np.arange(width)[:, None]
        output_KF = np.empty((outputs, width + 1), dtype=np.int64)
        output_KF[:, :width] = (inputs + 1 + np.arange(outputs))[:, None] * row + np.arange(width)
        output_KF[:, width] = self.rows * row + np.arange(outputs)
        return np.concatenate([hidden_WA.ravel(), output_KF.ravel()])

    def buffer_sizes(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        row, column = round_up(width, lanes), round_up(self.num_inputs, lanes) if self.inputs_in_lanes else 0
        return {
            "zeros": max(self.sums * lanes, column),
            "sums": row * self.sums * lanes,
            "input_sums": row * column,
            "hidden": width * TILE_REGISTERS * lanes,
            "batch_columns": batch * column,
            "batch_inputs": self.num_inputs * batch,
        }

    def step(self, p: Program, of: str) -> NetworkStep:
        return NetworkStep(p, self, of)


class NetworkStep(TrainingStep):
    """The forward and backward pass of a network, written into a program.

    Args:
        p: The program.
        network: The spec.
        of: Prefix of the parameters of its points: ``all``, or those of a ``batch``.
    """

    def __init__(self, p: Program, network: NetworkSpec, of: str) -> None:
        super().__init__(p, network, of)
        self.network, self.num_inputs = network, network.num_inputs
        self.inputs_in_registers = network.num_inputs <= MOST_WRITTEN_OUT
        self.hidden = p.array_parameter("hidden")
        self.output_biases = self.row * network.rows
        if self.inputs_in_lanes:
            self.columns, self.input_sums = p.array_parameter(f"{of}_columns"), p.array_parameter("input_sums")
            self.column = round_up(network.num_inputs, p.lanes)

    @property
    def inputs_in_lanes(self) -> bool:
        """Whether lanes are inputs, not points, in the sums for the weights of inputs."""
        return self.network.inputs_in_lanes

    @property
    def num_sums(self) -> int:
        return self.network.sums

    def over_units(self, work: Callable[[Value, int], None]) -> None:
        """Call ``work(unit, count)`` for all hidden units, ``count`` neighbours at a time."""
        p, together = self.p, self.network.units_together
        whole = self.width / together * together
        with p.loop(whole, step=together) as unit:
            work(unit, together)
        if together > 1:
            with p.loop(self.width, start=whole) as unit:
                work(unit, 1)

    def forward(self, tile: Tile) -> list[Value]:
        p, inputs, outputs = self.p, self.network.num_inputs, self.network.num_outputs
        biases = [self.weights.load(self.output_biases + k) for k in range(outputs)]
        f = [p.variable(p.broadcast(bias, tile.lanes)) for bias in biases]

        def work(unit: Value, count: int) -> None:
            biases = [self.weights.load(self.row * inputs + unit + n) for n in range(count)]
            z = [p.variable(p.broadcast(bias, tile.lanes)) for bias in biases]

            def add_input(i: Number, x: Value) -> None:
                for n in range(count):
                    z[n].set(p.fma(self.weights.load(self.row * i + unit + n), x, z[n].get()))

            tile.for_each_input(add_input)
            h = [activate(p, self.network.activation, value.get()) for value in z]
            for n in range(count):
                self.hidden.store((unit + n) * tile.lanes, h[n])
            for k in range(outputs):
                for n in range(count):
                    weight = self.weights.load(self.row * (inputs + 1 + k) + unit + n)
                    f[k].set(p.fma(weight, h[n], f[k].get()))

        self.over_units(work)
        return [output.get() for output in f]

    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        p, network, bias = self.p, self.network, self.network.place_of_bias
        add = self.sums_of(tile)
        slope_parts = [slope.parts(p.lanes) for slope in slopes]

        def work(unit: Value, count: int) -> None:
            units = [unit + n for n in range(count)]
            h = [self.hidden.load(own * tile.lanes, tile.lanes) for own in units]
            slope = [self.slope_of_hidden(own, slopes) for own in units]
            whole = [times_derivative(p, network.activation, s, value) for s, value in zip(slope, h, strict=True)]
            q = [value.parts(p.lanes) for value in whole]

            def add_input(i: Number, x: Value) -> None:
                for n, own in enumerate(units):
                    add(own, i, q[n], x.parts(p.lanes))

            if not self.inputs_in_lanes:
                tile.for_each_input(add_input)
            for n, own in enumerate(units):
                add(own, bias, q[n], None)
                if not network.derived and len(slopes) == 1:  # a product that the derivative has taken already
                    add(own, bias + 1, (slopes[0] * h[n]).parts(p.lanes), None)
                elif not network.derived:
                    for k, parts in enumerate(slope_parts):
                        add(own, bias + 1 + k, parts, h[n].parts(p.lanes))
                if self.inputs_in_lanes:
                    self.hidden.store(own * tile.lanes, whole[n])  # its value is not needed any more

        self.over_units(work)
        if self.inputs_in_lanes:
            self.over_units(self.input_sums_of(tile))

    def input_sums_of(self, tile: Tile) -> Callable[[Value, int], None]:
        """The function that adds a tile to the sums for the weights of many inputs.

        Args:
            tile: The tile, whose slopes q stand where its hidden values were.

        Returns:
            ``work(unit, count)``, which adds ``q x^T`` of ``count`` neighbouring units.
        """
        p, lanes = self.p, self.p.lanes
        is_first = p.compare("==", tile.first, tile.start)
        base = Array(p, p.builder.select(is_first.ir, self.zeros.address, self.input_sums.address), p.real)
        pace = p.select(is_first, p.int_constant(0), p.int_constant(self.column))

        def work(unit: Value, count: int) -> None:
            units = [unit + n for n in range(count)]
            for start in range(0, self.column, REGISTERS_TOGETHER * lanes):
                places = range(start, min(start + REGISTERS_TOGETHER * lanes, self.column), lanes)
                sums = [[p.variable(base.load(pace * own + place, lanes)) for place in places] for own in units]
                with p.loop(tile.lanes) as point:
                    x = [self.columns.load((tile.first + point) * self.column + place, lanes) for place in places]
                    for own, of_unit in zip(units, sums, strict=True):
                        slope = self.hidden.load(own * tile.lanes + point)
                        for value, sum_ in zip(x, of_unit, strict=True):
                            sum_.set(p.fma(slope, value, sum_.get()))
                for own, of_unit in zip(units, sums, strict=True):
                    for place, sum_ in zip(places, of_unit, strict=True):
                        self.input_sums.store(own * self.column + place, sum_.get())

        return work

    def slope_of_hidden(self, unit: Value, slopes: list[Value]) -> Value:
        """The slope ``V^T s`` in a hidden value; of one output s alone: its weight comes in once points are summed."""
        if len(slopes) == 1:
            return slopes[0]
        first = self.row * (self.network.num_inputs + 1) + unit
        slope = slopes[0] * self.weights.load(first)
        for k in range(1, len(slopes)):
            slope = self.p.fma(slopes[k], self.weights.load(first + self.row * k), slope)
        return slope

    def gather_inputs(self, point: Array, lane: Value) -> None:
        for i in range(self.network.num_inputs):
            value = point.load(i)
            self.x.store(self.stride * i + lane, value)
            if self.inputs_in_lanes:
                self.columns.store(lane * self.column + i, value)

    def collect(self, gradient: Array) -> list[Value]:
        p, network, lanes = self.p, self.network, self.p.lanes
        inputs, outputs = network.num_inputs, network.num_outputs
        with p.loop(self.row, step=lanes) as unit:
            last = self.row * (inputs + 1) + unit
            factor = self.weights.load(last, lanes) if outputs == 1 else p.constant(1.0, lanes)
            derived = p.variable(p.constant(0.0, lanes))

            def take(number: Number, value: Value, unit: Value = unit) -> None:
                if network.derived:
                    derived.set(p.fma(self.weights.load(self.row * number + unit, lanes), value, derived.get()))
                gradient.store(self.row * number + unit, factor * value)

            if self.inputs_in_lanes:
                with p.loop(inputs) as number:
                    take(
                        number,
                        p.from_scalars([self.input_sums.load((unit + n) * self.column + number) for n in range(lanes)]),
                    )
                take(inputs, self.summed(unit, network.place_of_bias))
            else:
                with p.loop(inputs + 1) as number:
                    take(number, self.summed(unit, number))
            if network.derived:
                gradient.store(last, derived.get())
            else:
                with p.loop(outputs) as number:
                    gradient.store(last + self.row * number, self.summed(unit, number + (network.place_of_bias + 1)))
        for k in range(outputs):
            gradient.store(self.output_biases + k, self.output_sums.load(k * lanes, lanes).sum())
        return self.losses()
