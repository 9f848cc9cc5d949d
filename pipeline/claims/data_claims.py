"""What is true of every table of data."""

from __future__ import annotations

import numpy as np

from pipeline.claims.claim import Claim
from pipeline.problems.datasets import Data
from pipeline.problems.losses import Task


def has_the_rows_it_says(data: Data) -> str:
    """num_rows, num_inputs, num_outputs: rows are split into arrays of these shapes, float64 and finite."""
    train, test = np.arange(0, data.num_rows, 2), np.arange(1, data.num_rows, 2)
    for rows, part in zip((train, test), data.split(train, test), strict=True):
        for values, columns in zip(part, (data.num_inputs, data.num_outputs), strict=True):
            if values.shape != (len(rows), columns) or values.dtype != np.float64:
                return f"they are {list(values.shape)}, {values.dtype}, not [{len(rows)}, {columns}]"
            if not np.isfinite(values).all():
                return "a value is not finite"
    return ""


def gives_the_same_rows_again(data: Data) -> str:
    """the same rows are the same every time."""
    rows = np.arange(data.num_rows)
    (first, _), (again, _) = data.split(rows, rows[:1])[0], data.split(rows, rows[:1])[0]
    return "" if np.array_equal(first, again) else "they are others the second time"


def has_targets_of_its_task(data: Data) -> str | None:
    """task: classes are one-hot, labels 0 or 1."""
    if data.task is Task.REGRESSION:
        return None
    rows = np.arange(data.num_rows)
    targets_PK = data.split(rows, rows[:1])[0][1]
    if not np.isin(targets_PK, (0.0, 1.0)).all():
        return "a target is neither 0 nor 1"
    one_hot = bool((targets_PK.sum(axis=1) == 1).all())
    return "a row has not exactly one class" if data.task is Task.CLASSES and not one_hot else ""


def lies_in_its_bounds(data: Data) -> str:
    """bounds: every input lies between them."""
    rows = np.arange(data.num_rows)
    inputs_PD, (low, high) = data.split(rows, rows[:1])[0][0], data.bounds
    inside = low <= inputs_PD.min() and inputs_PD.max() <= high
    return "" if inside else f"inputs go from {inputs_PD.min():.4g} to {inputs_PD.max():.4g}"


DATA_GRANTED: tuple[Claim, ...] = (has_the_rows_it_says, gives_the_same_rows_again)
"""What training takes for granted: where one fails, every number would be false."""

DATA_CLAIMS: tuple[Claim, ...] = (
    *DATA_GRANTED,
    has_targets_of_its_task,
    lies_in_its_bounds,
)
