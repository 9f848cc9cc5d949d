"""No trial may lie below the bound of the best network by more than rounding."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.report.theory.best_network_verdicts import BELOW, EPS, best_network_verdict, rounding
from pipeline.report.theory.verdicts import CONTRADICTS


@pytest.mark.parametrize(
    ("error", "least", "status", "expected"),
    [
        (0.10, 0.11, "done", CONTRADICTS),
        (0.11, 0.10, "done", None),
        (0.0999, 0.10, "done", None),  # within the rounding
        (0.10, 0.11, "diverged", None),
        (None, 0.11, "done", None),
        (0.10, None, "done", None),
        (float("inf"), 0.11, "done", None),
        (float("nan"), 0.11, "done", None),
    ],
)
def test_only_a_finished_trial_below_the_bound_contradicts(error, least, status, expected):
    row = {"test_error": error, "least_network_error": least, "status": status, "network_rounding": 1e-3}
    types = {"test_error": pl.Float64, "least_network_error": pl.Float64}
    said = best_network_verdict()
    verdict, grounds = pl.DataFrame([row], schema_overrides=types).select(said.verdict.alias("v"), said.grounds).row(0)
    assert (verdict, grounds) == (expected, BELOW if expected else None)


def test_the_coarser_the_numbers_the_more_rounding_is_allowed():
    assert rounding("float64", 1.0) < rounding("float32", 1.0) < rounding("tf32", 1.0) < 0.1
    assert rounding("float32", 2.0) == 2 * rounding("float32", 1.0)
    assert min(EPS.values()) == EPS["float64"]
