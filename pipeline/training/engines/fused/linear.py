"""The forward and backward pass of linear models: weights on features that never change.

Weights of a trial lie in rows of features, one for each output. Lanes are points.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import final

import numpy as np

from pipeline.problems.losses import Loss
from pipeline.training.engines.fused.lanes import Array, Dtype, Program, Value, total
from pipeline.training.engines.fused.step import Form, Step, Tile, padded

MOST_ROWS = 6
"""Rows of weights worked on at a time: so many have 24 registers of sums or slopes in a tile, of the 32 of AVX-512."""
MOST_TOGETHER = 4
"""Trials worked on together. Measured on one core, at 256 points, 64 features, 1 output, in GF/s: 59 for
one by itself, 102 for four."""
SUMS_AT_ONCE = 16
"""Sums of registers of points that a tile works on, so that no instruction waits for the one before."""


@final
@dataclass(frozen=True)
class Features(Form):
    """Linear models: as many weights for each output as there are features, the width.

    Trials of few outputs are worked on together, so that a feature that is loaded serves them all. Of each it is
    the same arithmetic in the same order as if it were alone.
    """

    num_outputs: int
    loss: Loss
    dtype: Dtype
    together: int = 1

    @property
    def most_together(self) -> int:
        """Trials that can be worked on together."""
        return max(1, min(MOST_TOGETHER, MOST_ROWS // self.num_outputs))

    @property
    def grouped(self) -> Features:
        return dataclasses.replace(self, together=self.most_together)

    def operations(self, width: int) -> int:
        return 4 * self.num_outputs * width

    def size(self, width: int, lanes: int) -> int:
        return self.num_outputs * padded(width, lanes)

    def places(self, width: int, lanes: int) -> np.ndarray:
        place_KW = np.arange(self.num_outputs)[:, None] * padded(width, lanes) + np.arange(width)
        return place_KW.ravel()

    def memory(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        sums = self.together * self.num_outputs * lanes
        return {"zeros": sums, "sums": padded(width, lanes) * sums, "batch_inputs": width * batch}

    def step(self, p: Program, of: str) -> FeaturesStep:
        return FeaturesStep(p, self, of)


class FeaturesStep(Step):
    """The forward and backward pass of linear models.

    Args:
        p: The program.
        features: What to compute.
        of: On which points: ``all`` or those of a ``batch``.
    """

    with_biases = False

    def __init__(self, p: Program, features: Features, of: str) -> None:
        super().__init__(p, features, of)
        self.features, self.num_inputs, self.inputs_in_registers = features, self.width, False

    @property
    def num_sums(self) -> int:
        return self.together * self.form.num_outputs

    def forward(self, tile: Tile) -> list[Value]:
        return list(itertools.chain.from_iterable(self.outputs(tile, rows) for rows in self.rows()))

    def rows(self) -> list[range]:
        """The rows of weights, as many at a time as registers allow, and about as many each time."""
        count = -(-self.num_sums // MOST_ROWS)
        bounds = [self.num_sums * number // count for number in range(count + 1)]
        return [range(first, last) for first, last in itertools.pairwise(bounds)]

    def outputs(self, tile: Tile, rows: range) -> list[Value]:
        """The outputs of some rows of weights."""
        p = self.p
        most_rows = min(MOST_ROWS, self.features.most_together * self.form.num_outputs)  # together or alone
        chains = range(max(1, SUMS_AT_ONCE * p.lanes // (tile.lanes * most_rows)))
        sums = [[p.variable(p.number(0.0, tile.lanes)) for _ in chains] for _ in rows]

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

    def bring(self, point: Array, lane: Value) -> None:
        with self.p.loop(self.width) as feature:
            self.x.store(self.stride * feature + lane, point.load(feature))

    def collect(self, gradient: Array) -> list[Value]:
        lanes = self.p.lanes
        with self.p.loop(self.row, step=lanes) as feature:
            for row in range(self.num_sums):
                gradient.store(self.row * row + feature, self.summed(feature, row))
        return self.losses()
