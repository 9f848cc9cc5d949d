"""Columns are standardised whatever their scale, and only by the rows that are trained on."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.errors import PipelineError
from pipeline.problems.losses import Task
from pipeline.problems.table_rows import Rows


# A spread below 1e-300 cannot be divided by, nor one above 1e308 written; no measured column has either.
@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        (6, 2),
        elements=st.floats(-1e150, 1e150, allow_subnormal=False).map(lambda x: 0.0 if abs(x) < 1e-150 else x),
    )
)
def test_standardised_columns_are_finite_whatever_their_scale(values: np.ndarray) -> None:
    if (np.ptp(values, axis=0) == 0).any():
        return
    rows = np.arange(6)
    names = ("a", "b")
    train = Rows("file", values, values, names, names, Task.REGRESSION).split(rows, rows[:1])[0][0]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-14)


def test_classes_stay_zeros_and_ones() -> None:
    rows = Rows("file", np.array([[1.0], [2.0], [4.0]]), np.eye(3), ("a",), ("x", "y", "z"), Task.CLASSES)
    (inputs, outputs), (_, held_out) = rows.split(np.array([0, 1]), np.array([2]))
    assert rows.shape == (3, 1, 3)
    assert inputs[:, 0].tolist() == [-1, 1]
    assert (outputs.tolist(), held_out.tolist()) == ([[1, 0, 0], [0, 1, 0]], [[0, 0, 1]])


def test_a_column_that_does_not_change_in_training_is_named() -> None:
    rows = Rows("file", np.array([[1.0], [1.0], [4.0]]), np.eye(3), ("a",), ("x", "y", "z"), Task.CLASSES)
    what = "file: column 'a' is the same in all 2 training rows, so it cannot be standardised"
    with pytest.raises(PipelineError, match=f"^{re.escape(what)}\n  hint: "):
        rows.split(np.array([0, 1]), np.array([2]))
