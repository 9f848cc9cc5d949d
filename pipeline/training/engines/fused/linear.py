"""The forward and backward pass of linear models: weights on features that never change.

Weights of a trial lie in rows of features, one for each output. Lanes are points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from pipeline.problems.losses import Loss
from pipeline.training.engines.fused.lanes import Array, Dtype, Program, Value, total
from pipeline.training.engines.fused.step import Form, Step, Tile, padded

MOST_SLOPES = 24
"""Registers for the slopes of a tile in all its outputs: of the 32 of AVX-512 the rest is for what is worked on."""
SUMS_TOGETHER = 8
"""Sums that a tile works on together, so that no instruction waits for the one before."""


@final
@dataclass(frozen=True)
class Features(Form):
    """Linear models: as many weights for each output as there are features, the width."""

    num_outputs: int
    loss: Loss
    dtype: Dtype

    @property
    def tile_registers(self) -> int:
        return next((n for n in (4, 2) if n * self.num_outputs <= MOST_SLOPES), 1)

    def operations(self, width: int) -> int:
        return 4 * self.num_outputs * width

    def size(self, width: int, lanes: int) -> int:
        return self.num_outputs * padded(width, lanes)

    def places(self, width: int, lanes: int) -> np.ndarray:
        place_KW = np.arange(self.num_outputs)[:, None] * padded(width, lanes) + np.arange(width)
        return place_KW.ravel()

    def memory(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        return {
            "zeros": self.num_outputs * lanes,
            "sums": padded(width, lanes) * self.num_outputs * lanes,
            "batch_inputs": width * batch,
        }

    def step(self, p: Program, of: str) -> FeaturesStep:
        return FeaturesStep(p, self, of)


class FeaturesStep(Step):
    """The forward and backward pass of a linear model.

    Args:
        p: The program.
        features: What to compute.
        of: On which points: ``all`` or those of a ``batch``.
    """

    def __init__(self, p: Program, features: Features, of: str) -> None:
        super().__init__(p, features, of)
        self.num_inputs, self.inputs_in_registers = self.width, False

    @property
    def num_sums(self) -> int:
        return self.form.num_outputs

    def forward(self, tile: Tile) -> list[Value]:
        p, outputs = self.p, range(self.form.num_outputs)
        chains = range(max(1, SUMS_TOGETHER * p.lanes // (tile.lanes * len(outputs))))
        sums = [[p.variable(p.number(0.0, tile.lanes)) for _ in chains] for _ in outputs]

        def add(chain: int, feature: Value) -> None:
            x = tile.load(feature)
            for k in outputs:
                weight = self.weights.load(self.row * k + feature)
                sums[k][chain].set(p.fma(weight, x, sums[k][chain].get()))

        whole = self.width / len(chains) * len(chains)
        with p.loop(whole, step=len(chains)) as first:
            for chain in chains:
                add(chain, first + chain)
        with p.loop(self.width, start=whole) as feature:
            add(0, feature)
        return [total([sum_.get() for sum_ in of_output]) for of_output in sums]

    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        add = self.sums_of(tile)
        slope_parts = [slope.parts(self.p.lanes) for slope in slopes]
        with self.p.loop(self.width) as feature:
            x = tile.load(feature).parts(self.p.lanes)
            for k, parts in enumerate(slope_parts):
                add(feature, k, parts, x)

    def bring(self, point: Array, lane: Value) -> None:
        with self.p.loop(self.width) as feature:
            self.x.store(self.stride * feature + lane, point.load(feature))

    def collect(self, gradient: Array) -> Value:
        lanes = self.p.lanes
        with self.p.loop(self.row, step=lanes) as feature:
            for k in range(self.form.num_outputs):
                gradient.store(self.row * k + feature, self.summed(feature, k))
        return self.loss()
