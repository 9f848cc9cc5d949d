"""The figure of the condition number shows what is predicted, and what was measured where training got there."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import polars as pl
import pytest

from pipeline.report.figures.steps_by_condition import steps_by_condition, steps_table
from pipeline.report.tables.run_tables import RunTables


def changed(run, **columns):
    """The tables of the run with other numbers."""
    return RunTables(run.plan, run.results.with_columns(**columns), run.records, run.tables.fitted_samples)


def test_each_model_and_width_has_its_condition_number_and_both_steps(run):
    table = steps_table(run.tables)
    rows = {(row["name"], row["width"]): row for row in table.iter_rows(named=True)}
    assert set(rows) == {(f"linear({basis})", width) for basis in ("monomial", "legendre") for width in (2, 4)}
    row = rows["linear(legendre)", 4]
    assert (row["condition"], row["predicted"], row["measured"]) == (80.0, 20.0, 10.0)


def test_what_was_not_reached_or_never_will_be_has_no_point(run):
    table = steps_table(changed(run, measured_steps=pl.lit(None, pl.Float64)))
    assert table["measured"].null_count() == 4
    assert table["predicted"].null_count() == 0
    nothing = changed(run, measured_steps=pl.lit(None, pl.Float64), predicted_steps=pl.lit(math.inf))
    assert steps_by_condition(nothing) is None


@pytest.mark.parametrize("condition", [1e24, math.inf, math.nan, None])
def test_condition_numbers_that_float64_cannot_tell_are_left_out(run, condition):
    assert steps_table(changed(run, gram_condition_number=pl.lit(condition, pl.Float64))).is_empty()


def test_without_predictions_there_is_no_figure(run):
    assert steps_by_condition(replace(run.tables, results=run.results.drop("predicted_steps"))) is None


def test_predictions_are_dashed_and_measurements_are_points(run):
    spec = json.loads(json.dumps(steps_by_condition(run.tables).to_dict(), allow_nan=False))
    line, ring, point = spec["layer"]
    assert line["encoding"]["strokeDash"]["scale"] == {"domain": ["predicted"], "range": [[5, 4]]}
    assert (ring["mark"]["filled"], point["mark"]["filled"]) == (False, True)
    assert point["encoding"]["y"]["field"] == "measured"
