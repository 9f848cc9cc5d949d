"""The tables of a run have the columns that runs on disk have had since they were first written."""

import polars as pl

from pipeline.records.schema import FITTED_SAMPLES, HIDDEN, LINE, OUTCOMES, PLANE, RECORDS


def test_columns_and_types_of_the_tables_are_those_of_runs_on_disk():
    assert dict(RECORDS) == {
        "trial": pl.String,
        "step": pl.Int64,
        "diagnostic": pl.String,
        "value": pl.Float64,
        "pack": pl.String,
    }
    assert dict(FITTED_SAMPLES) == {
        "trial": pl.String,
        "space": pl.String,
        "x": pl.Float64,
        "y": pl.Float64,
        "value": pl.Float64,
    }
    assert list(OUTCOMES)[:6] == ["trial", "status", "step", "reason", "learning_rate", "seconds"]


def test_spaces_are_named_as_on_disk():
    assert (LINE, PLANE, HIDDEN) == ("line", "plane", "hidden")
