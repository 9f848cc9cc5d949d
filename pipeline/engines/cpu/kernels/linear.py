"""The training step of linear models, ``f = W x``: weights on features that never change.

The gradient is the sum over points of ``s x^T`` with the slopes ``s = dl/df``.

Weights of a trial lie in rows of features, one for each output. Of all points lanes are points. Those of a
batch are gathered a whole point at a time, its features in full registers; so of a batch lanes are features.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import final

import numpy as np

from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS, round_up
from pipeline.engines.cpu.codegen.processor import FEW_REGISTERS
from pipeline.engines.cpu.codegen.simd import Array, FloatDtype, Program, Value, total
from pipeline.engines.cpu.kernels.training_step import KernelSpec, Tile, TrainingStep
from pipeline.problems.losses import Loss

MOST_ROWS = 2 if FEW_REGISTERS else 6
"""Rows of weights worked on at a time: they have 8 or 24 registers of sums or slopes in a tile, of 16 or 32. In
AVX2, at 256 points, 64 features and 1 output, 2, 3 and 6 rows run at 84, 57 and 68 GFLOP/s on one core.
"""
MOST_TOGETHER = min(4, MOST_ROWS)
"""Trials worked on together. Measured on one core with AVX-512, at 256 points, 64 features, 1 output, in GF/s: 59 for
one by itself, 102 for four."""
SUMS_AT_ONCE = 8 if FEW_REGISTERS else 16
"""Sums of registers of points that a tile works on, so that no instruction waits for the one before."""

REGISTERS_TOGETHER = 4
"""Registers of features whose sums over a batch are taken together."""
OUTPUTS_TOGETHER = 2 if FEW_REGISTERS else 4
"""Outputs for which they are: with the registers of features, half as many sums as there are registers."""


@final
@dataclass(frozen=True)
class LinearSpec(KernelSpec):
    """Kernels of linear models: as many weights for each output as there are features, the width.

    Trials of few outputs are worked on together, so that a feature that is loaded serves them all. Of each it is
    the same arithmetic in the same order as if it were alone.

    Args:
        num_outputs: K.
        loss: l.
        dtype: Of the arithmetic.
        together: Trials worked on together.
    """

    num_outputs: int
    loss: Loss
    dtype: FloatDtype
    together: int = 1

    @property
    def most_together(self) -> int:
        """Trials that can be worked on together."""
        return max(1, min(MOST_TOGETHER, MOST_ROWS // self.num_outputs))

    @property
    def grouped(self) -> LinearSpec:
        return dataclasses.replace(self, together=self.most_together)

    def multiple_in_points(self, lanes: int) -> int:
        return lanes

    def input_rows(self, of: str) -> str:
        return "width" if of == "all" else "row"  # a batch is gathered a whole point at a time

    def operations(self, width: int) -> int:
        return 4 * self.num_outputs * width

    def size(self, width: int, lanes: int) -> int:
        return self.num_outputs * round_up(width, lanes)

    def places(self, width: int, lanes: int) -> np.ndarray:
        place_KW = np.arange(self.num_outputs)[:, None] * round_up(width, lanes) + np.arange(width)
        return place_KW.ravel()

    def buffer_sizes(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        sums, row = self.together * self.num_outputs * lanes, round_up(width, lanes)
        outputs = self.num_outputs * TILE_REGISTERS * lanes
        return {"zeros": sums, "sums": row * sums, "batch_inputs": row * batch, "outputs": outputs}

    def step(self, p: Program, of: str) -> TrainingStep:
        return LinearStep(p, self, of) if of == "all" else LinearBatchStep(p, self, of)


class LinearStep(TrainingStep):
    """The forward and backward pass of linear models on all points, with points in lanes.

    Args:
        p: The program.
        features: The spec.
        of: Prefix of the parameters of its points.
    """

    with_biases = False

    def __init__(self, p: Program, features: LinearSpec, of: str) -> None:
        super().__init__(p, features, of)
        self.features, self.num_inputs, self.inputs_in_registers = features, self.width, False

    @property
    def num_sums(self) -> int:
        return self.together * self.spec.num_outputs

    def forward(self, tile: Tile) -> list[Value]:
        return list(itertools.chain.from_iterable(self.outputs(tile, rows) for rows in self.rows()))

    def rows(self) -> list[range]:
        """The rows of weights in groups, as large as registers allow and about equal."""
        count = -(-self.num_sums // MOST_ROWS)
        bounds = [self.num_sums * number // count for number in range(count + 1)]
        return [range(first, last) for first, last in itertools.pairwise(bounds)]

    def outputs(self, tile: Tile, rows: range) -> list[Value]:
        """The outputs ``w x`` of some rows of weights w, each as a few partial sums that are added at the end."""
        p = self.p
        most_rows = min(MOST_ROWS, self.features.most_together * self.spec.num_outputs)  # together or alone
        chains = range(max(1, SUMS_AT_ONCE * p.lanes // (tile.lanes * most_rows)))
        sums = [[p.variable(p.constant(0.0, tile.lanes)) for _ in chains] for _ in rows]

        def add(chain: int, feature: Value) -> None:
            x = tile.load(feature)
            for row, of_row in zip(rows, sums, strict=True):
                weight, sum_ = self.weights.load(self.row * row + feature), of_row[chain]
                sum_.set(p.fma(weight, x, sum_.get()))

        whole = self.width / len(chains) * len(chains)
        with p.loop(whole, step=len(chains)) as first:
            for chain in chains:
                add(chain, first + chain)
        with p.loop(self.width, start=whole) as feature:
            add(0, feature)
        return [total([sum_.get() for sum_ in of_row]) for of_row in sums]

    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        add = self.sums_of(tile)
        slope_parts = [slope.parts(self.p.lanes) for slope in slopes]
        for rows in self.rows():
            with self.p.loop(self.width) as feature:
                x = tile.load(feature).parts(self.p.lanes)
                for row in rows:
                    add(feature, row, slope_parts[row], x)

    def collect(self, gradient: Array) -> list[Value]:
        lanes = self.p.lanes
        with self.p.loop(self.row, step=lanes) as feature:
            for row in range(self.num_sums):
                gradient.store(self.row * row + feature, self.summed(feature, row))
        return self.losses()


class LinearBatchStep(TrainingStep):
    """The forward and backward pass of linear models on a batch, with features in lanes.

    Args:
        p: The program.
        features: The spec, of one trial at a time.
        of: Prefix of the parameters of its points: ``batch``.
    """

    with_biases = False

    def __init__(self, p: Program, features: LinearSpec, of: str) -> None:
        super().__init__(p, features, of)
        self.num_inputs, self.inputs_in_registers = self.row, False
        self.outputs = p.array_parameter("outputs")

    @property
    def num_sums(self) -> int:
        return self.spec.num_outputs

    def gather_inputs(self, point: Array, lane: Value) -> None:
        with self.p.loop(self.row, step=self.p.lanes) as feature:
            self.x.store(self.row * lane + feature, point.load(feature, self.p.lanes))

    def value_and_gradient(self) -> list[Value]:
        """Write the pass; the zeros that fill up the weights are put there again, as an update may have left NaN."""
        with self.p.loop(self.spec.num_outputs) as output, self.p.loop(self.row, start=self.width) as feature:
            self.weights.store(self.row * output + feature, self.p.constant(0.0))
        return super().value_and_gradient()

    def forward(self, tile: Tile) -> list[Value]:
        """As many points at a time as there are lanes, whose sums over features then stand in one register."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.spec.num_outputs) as output, p.loop(tile.lanes, step=lanes) as first:
            sums = [p.variable(p.constant(0.0, lanes)) for _ in range(lanes)]
            with p.loop(self.row, step=lanes) as feature:
                weights = self.weights.load(self.row * output + feature, lanes)
                for n, sum_ in enumerate(sums):
                    x = self.x.load(self.row * (tile.first + first + n) + feature, lanes)
                    sum_.set(p.fma(weights, x, sum_.get()))
            self.outputs.store(output * tile.lanes + first, p.horizontal_sums([sum_.get() for sum_ in sums]))
        return [self.outputs.load(k * tile.lanes, tile.lanes) for k in range(self.spec.num_outputs)]

    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        """Add the points of the tile to the gradient, some outputs and registers of features at a time."""
        p, together = self.p, REGISTERS_TOGETHER * self.p.lanes
        for k, slope in enumerate(slopes):
            self.outputs.store(k * tile.lanes, slope)
        whole = self.row / together * together
        whole_outputs = len(slopes) // OUTPUTS_TOGETHER * OUTPUTS_TOGETHER
        for first, last, count in ((0, whole_outputs, OUTPUTS_TOGETHER), (whole_outputs, len(slopes), 1)):
            with p.loop(last, start=first, step=count) as output:
                with p.loop(whole, step=together) as feature:
                    self.add(tile, output, count, feature, REGISTERS_TOGETHER)
                with p.loop(self.row, start=whole, step=p.lanes) as feature:
                    self.add(tile, output, count, feature, 1)

    def add(self, tile: Tile, output: Value, num_outputs: int, feature: Value, registers: int) -> None:
        """Add the points of a tile to some registers of the gradient; the first tile adds to zeros.

        Args:
            tile: The tile.
            output: The first output.
            num_outputs: Number of neighbouring outputs.
            feature: The first feature.
            registers: Registers of features.
        """
        p, lanes = self.p, self.p.lanes
        is_first = p.compare("==", tile.first, tile.start)
        base = Array(p, p.builder.select(is_first.ir, self.zeros.address, self.gradient.address), p.real)
        pace = p.select(is_first, p.int_constant(0), p.int_constant(1))
        places = [[self.row * (output + k) + feature + n * lanes for n in range(registers)] for k in range(num_outputs)]
        sums = [[p.variable(base.load(pace * place, lanes)) for place in of_output] for of_output in places]
        with p.loop(tile.lanes) as point:
            x = [self.x.load(self.row * (tile.first + point) + feature + n * lanes, lanes) for n in range(registers)]
            for k, of_output in enumerate(sums):
                slope = self.outputs.load((output + k) * tile.lanes + point)
                for value, sum_ in zip(x, of_output, strict=True):
                    sum_.set(p.fma(slope, value, sum_.get()))
        for place, sum_ in zip(itertools.chain(*places), itertools.chain(*sums), strict=True):
            self.gradient.store(place, sum_.get())

    def collect(self, gradient: Array) -> list[Value]:
        """Batches come in one chunk, whose gradient has been added to where it belongs."""
        return self.losses()
