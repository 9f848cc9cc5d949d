"""Fitted functions are drawn over the target they were fitted to."""

from __future__ import annotations

import numpy as np
from synthetic_run import drawn, rows_with


def test_fitted_functions_lie_over_the_target(run):
    spec = drawn("fitted", run.tables)
    targets = [rows for rows in spec["datasets"].values() if set(rows[0]) == {"x", "value"}]
    assert targets
    for rows in targets:
        np.testing.assert_allclose([row["value"] for row in rows], [abs(row["x"]) for row in rows], atol=1e-6)
    fits = [row for row in rows_with(spec, "x", "value", "width") if row["x"] == 0]
    assert {(row["width"], round(row["value"], 4)) for row in fits} == {
        (2, 0.05),
        (4, 0.025),
        (2, 0.1),
        (4, 0.05),
        (2, 0.15),
    }
