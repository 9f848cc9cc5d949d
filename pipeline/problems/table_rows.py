"""The rows of a table as numbers, and how they are standardised on those that are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PipelineError, brief
from pipeline.problems.losses import Task

Matrix = NDArray[np.float64]
Split = tuple[Matrix, Matrix]
"""Inputs ``[P, D]`` and targets ``[P, K]``."""


@dataclass(frozen=True)
class Rows:
    """All rows of a table as numbers, not standardised yet: inputs ``[R, D]``, outputs ``[R, K]``."""

    source: str
    inputs_RD: Matrix
    outputs_RK: Matrix
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    """The columns, or the classes as they were written."""
    task: Task

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, inputs and outputs."""
        return len(self.inputs_RD), self.inputs_RD.shape[1], self.outputs_RK.shape[1]

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        inputs = self._standardised(self.inputs_RD[train_rows], self.inputs_RD[test_rows], self.input_names)
        outputs = self.outputs_RK[train_rows], self.outputs_RK[test_rows]
        if self.task is Task.REGRESSION:
            outputs = self._standardised(*outputs, self.output_names)
        return (inputs[0], outputs[0]), (inputs[1], outputs[1])

    def _standardised(self, train_PV: Matrix, test_PV: Matrix, names: tuple[str, ...]) -> Split:
        low_V, span_V = train_PV.min(axis=0), np.ptp(train_PV, axis=0)
        for name, span in zip(names, span_V, strict=True):
            if span == 0:
                same = f"the same in all {len(train_PV)} training rows"
                raise PipelineError(
                    f"column {brief(name)!r} is {same}, so it cannot be standardised",
                    hint="raise inputs.train, take another inputs.seed, or leave the column out",
                    where=self.source,
                )
        # To [0, 1] first: a mean taken of 1e9 + small would lose the small, and a square of 1e-200 everything.
        train_PV, test_PV = (train_PV - low_V) / span_V, (test_PV - low_V) / span_V
        mean_V, deviation_V = train_PV.mean(axis=0), train_PV.std(axis=0)
        return (train_PV - mean_V) / deviation_V, (test_PV - mean_V) / deviation_V
