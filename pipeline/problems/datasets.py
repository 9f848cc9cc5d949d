"""Real tables: those that scikit-learn ships, and any CSV, Parquet or NPZ file."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from pipeline.definitions import Definition, table
from pipeline.problems.losses import Task

Split = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Inputs ``[P, D]`` and targets ``[P, K]``."""


class Data(Definition, ABC):
    """A table with named inputs and outputs."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the outputs mean."""

    @property
    @abstractmethod
    def num_rows(self) -> int:
        """Rows of the whole table."""

    @property
    @abstractmethod
    def num_inputs(self) -> int:
        """D."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """K."""

    @abstractmethod
    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        """The training and the held-out rows; what is standardised is standardised on the training rows only."""


DATA = table(Data, sys.modules[__name__])
