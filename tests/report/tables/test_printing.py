"""What is printed is what the table says, readable by people or by programs."""

from __future__ import annotations

import json
import math

import polars as pl

from pipeline.report.tables.printing import as_json_rows, as_text
from pipeline.report.tables.summary import summary


def test_json_rows_are_json_and_null_where_a_number_is_not_finite(run):
    rows = as_json_rows(run.results)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert len(rows) == 24
    assert sum(row["condition_number_trust"] == "dependent features" for row in rows) == 4
    assert all(row["condition_number"] is None for row in rows if row["condition_number_trust"] == "dependent features")
    assert run.results["test_error"].is_nan().sum() == 1
    assert sum(row["test_error"] is None for row in rows) == 1 + run.results["test_error"].null_count()
    assert rows[0]["trial"] == next(iter(run.plan.trials))


def test_column_of_numbers_stays_one_in_json():
    table = pl.DataFrame({"value": [math.inf, -math.inf, math.nan, None, 0.5], "reason": ["inf", "nan", "", None, "x"]})
    rows = as_json_rows(table)
    assert [row["value"] for row in rows] == [None, None, None, None, 0.5]
    assert pl.read_json(json.dumps(rows).encode()).schema == table.schema


def test_text_shows_short_ids_four_digits_and_hostile_text_as_it_is(run):
    text = as_text(run.results)
    first = next(iter(run.plan.trials))
    assert first[:12] in text
    assert first[:13] not in text
    assert "<script>alert(1)</script> & [red]more[/red]" in text
    assert len({len(line.rstrip()) for line in text.splitlines()} - {0}) < 30


def test_text_says_once_what_is_the_same_in_every_row(run):
    text = as_text(run.results)
    assert text.splitlines()[0] == "problem: absolute_value, dimension: 1, train: 256, noise: 0, precision: float32"
    assert text.count("absolute_value") == 1


def test_text_says_how_many_rows_it_left_out(run):
    text = as_text(run.results, most_rows=5)
    assert text.splitlines()[-1] == "19 more rows not shown; --json writes all"


def test_one_row_left_out_is_one_row():
    table = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert as_text(table, most_rows=1).splitlines()[-1] == "1 more row not shown; --json writes all"


def test_text_fits_the_terminal(run):
    assert max(len(line) for line in as_text(summary(run.results), width=100).splitlines()[1:]) <= 100


def test_control_characters_do_not_reach_the_terminal():
    assert "\x1b" not in as_text(pl.DataFrame({"reason": ["\x1b[31mred", "b"]}))


def test_an_empty_table_prints_its_head():
    assert "width" in as_text(pl.DataFrame({"width": [], "model": []}))


def test_rows_that_are_all_the_same_are_counted():
    text = as_text(pl.DataFrame({"width": [8] * 5, "status": ["done"] * 5}))
    assert text.splitlines() == ["width: 8, status: done", "5 rows, all the same"]
