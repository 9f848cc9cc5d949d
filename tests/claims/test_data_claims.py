"""A table that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.claims import data_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.problems.datasets import Data
from pipeline.problems.losses import Task
from pipeline.problems.table_rows import Split

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Parity(Data):
    """Whether a number is odd, of which each test breaks one thing."""

    task: ClassVar[Task] = Task.CLASSES
    num_rows: ClassVar[int] = 20
    num_inputs: ClassVar[int] = 1
    num_outputs: ClassVar[int] = 2
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def split(self, train_rows: Rows, test_rows: Rows) -> tuple[Split, Split]:
        return self.rows(train_rows), self.rows(test_rows)

    def rows(self, rows: Rows) -> Split:
        return rows[:, None] / 20, np.eye(2)[rows % 2]


class Flat(Parity):
    """Inputs without a column."""

    def rows(self, rows: Rows) -> Split:
        return rows / 20, np.eye(2)[rows % 2]


class Gap(Parity):
    """A value is missing."""

    def rows(self, rows: Rows) -> Split:
        return np.where(rows == 3, np.nan, rows / 20)[:, None], np.eye(2)[rows % 2]


class Both(Parity):
    """Every row is of both classes."""

    def rows(self, rows: Rows) -> Split:
        return rows[:, None] / 20, np.ones((len(rows), 2))


class Graded(Parity):
    """Half a class."""

    def rows(self, rows: Rows) -> Split:
        return rows[:, None] / 20, np.full((len(rows), 2), 0.5)


class Large(Parity):
    """Inputs beyond the bounds."""

    def rows(self, rows: Rows) -> Split:
        return rows[:, None] / 2, np.eye(2)[rows % 2]


class Drawn(Parity):
    """Other rows every time."""

    def rows(self, rows: Rows) -> Split:
        return np.random.default_rng().uniform(0, 1, (len(rows), 1)), np.eye(2)[rows % 2]


@pytest.mark.parametrize(
    ("claim", "data", "what"),
    [
        (claims.has_the_rows_it_says, Parity(), ""),
        (claims.has_targets_of_its_task, Parity(), ""),
        (claims.has_the_rows_it_says, Flat(), "they are [10], float64, not [10, 1]"),
        (claims.has_the_rows_it_says, Gap(), "a value is not finite"),
        (claims.gives_the_same_rows_again, Drawn(), "they are others the second time"),
        (claims.has_targets_of_its_task, Both(), "a row has not exactly one class"),
        (claims.has_targets_of_its_task, Graded(), "a target is neither 0 nor 1"),
        (claims.lies_in_its_bounds, Large(), "inputs go from 0 to 9.5"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, data: Data, what: str) -> None:
    (finding,) = examine(data, [claim])
    assert (finding.verdict, finding.what) == ("fails" if what else "holds", what)
