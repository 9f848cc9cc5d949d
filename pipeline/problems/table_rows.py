"""Rows of a table as numbers, and their standardisation on the training rows.

Shape letters: R rows of a table, V columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PipelineError, brief
from pipeline.problems.losses import Task

Matrix = NDArray[np.float64]
"""Rows of a table, float64."""
Split = tuple[Matrix, Matrix]
"""Inputs ``[P, D]`` and targets ``[P, K]``."""


@dataclass(frozen=True)
class Rows:
    """All rows of a table as numbers, not standardised yet."""

    source: str
    """Name of the table, for complaints."""
    inputs_RD: Matrix
    """Inputs."""
    outputs_RK: Matrix
    """Outputs: numbers, one-hot classes, or labels 0 and 1."""
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    """The columns, or the classes as they were written."""
    task: Task

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of rows, inputs and outputs."""
        return len(self.inputs_RD), self.inputs_RD.shape[1], self.outputs_RK.shape[1]

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        """Training and held-out rows, standardised to mean 0 and standard deviation 1 on the training rows.

        Args:
            train_rows: Indices of the training rows.
            test_rows: Indices of the held-out rows.

        Returns:
            Training inputs and targets, then held-out inputs and targets; labels and classes are not standardised.

        Raises:
            PipelineError: If a column to be standardised is constant in the training rows.
        """
        inputs = self._standardised(self.inputs_RD[train_rows], self.inputs_RD[test_rows], self.input_names)
        outputs = self.outputs_RK[train_rows], self.outputs_RK[test_rows]
        if self.task is Task.REGRESSION:
            outputs = self._standardised(*outputs, self.output_names)
        return (inputs[0], outputs[0]), (inputs[1], outputs[1])

    def _standardised(self, train_PV: Matrix, test_PV: Matrix, names: tuple[str, ...]) -> Split:
        """Columns less their mean, divided by their standard deviation, both of the training rows.

        Returns:
            Training and held-out rows.

        Raises:
            PipelineError: If a column is constant in the training rows.
        """
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
