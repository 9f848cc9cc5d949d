"""A query gives the rows, columns and order that SQL would give, and says what it does not understand."""

from __future__ import annotations

import math
import re
import sqlite3

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.report.tables.table_query import TableQuery

TABLE = pl.DataFrame(
    {
        "trial": [f"{number:02x}" for number in range(12)],
        "width": [2, 4, 8, 16] * 3,
        "status": ["done", "done", "diverged", "pending", "done", "failed"] * 2,
        "loss": [0.5, 0.1, math.inf, None, 0.3, None, 0.2, 0.1, math.nan, None, 0.7, 0.0],
    }
)
CONDITIONS = (
    "width >= 8",
    "status = 'done' and loss < 0.4",
    "width in (2, 16) or status = 'failed'",
    "loss is null",
    "loss is not null and not width = 4",
    "status like 'd%' and width between 3 and 9",
    "trial > '05'",
    "width * 2 = 8",
)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_let_through_what_sqlite_lets_through(condition):
    rows = TABLE.filter(pl.col("loss").is_nan().fill_null(False).not_())  # sqlite has no NaN
    database = sqlite3.connect(":memory:")
    database.execute("create table results (trial, width, status, loss)")
    database.executemany("insert into results values (?, ?, ?, ?)", rows.rows())
    expected = database.execute(f"select trial from results where {condition}").fetchall()
    assert [(trial,) for trial in TableQuery(where=condition).of(rows)["trial"]] == expected
    assert 0 < len(expected) < rows.height


def test_double_quotes_are_those_of_a_text_unless_a_column_is_called_so():
    expected = TableQuery("status = 'done' and width = 2").of(TABLE)
    assert TableQuery('status == "done" and "width" == 2').of(TABLE).equals(expected)
    assert TableQuery("status = 'say \"done\"' or trial = '00'").of(TABLE).height == 1
    assert TableQuery('status = "it\'s"').of(TABLE).is_empty()


def test_names_are_all_that_is_asked_about():
    query = TableQuery('width > 2 and status = "done"', "trial, loss", "step desc")
    assert query.names() == {"width", "status", "done", "trial", "loss", "step"}
    assert TableQuery().names() == set()


def test_a_query_of_nothing_is_the_table():
    assert TableQuery().of(TABLE).equals(TABLE)


def test_select_takes_columns_in_its_order_also_of_rows_chosen_by_others():
    found = TableQuery(where="status = 'failed'", sort="trial desc", select=" loss,width ").of(TABLE)
    assert (found.columns, found["width"].to_list()) == (["loss", "width"], [16, 4])


@pytest.mark.parametrize(
    ("order", "losses"), [("loss", [0.0, 0.1, 0.1, 0.2]), ("loss DESC", [math.inf, 0.7, 0.5, 0.3])]
)
def test_numbers_come_before_what_is_none_in_either_order(order, losses):
    ordered = TableQuery(sort=order).of(TABLE)
    assert ordered["loss"].head(4).to_list() == losses
    assert ordered["loss"].tail(4).fill_nan(None).null_count() == 4


def test_equal_rows_stay_in_the_order_of_the_table():
    assert TableQuery(sort="width desc, status").of(TABLE)["trial"].to_list()[:3] == ["07", "0b", "03"]
    assert TableQuery(sort="width").of(TABLE)["trial"].to_list()[:6] == ["00", "04", "08", "01", "05", "09"]


def test_top_takes_the_first_rows_of_the_order():
    assert TableQuery(sort="trial desc", top=2).of(TABLE)["trial"].to_list() == ["0b", "0a"]
    assert TableQuery(top=0).of(TABLE).shape == (0, 4)
    assert TableQuery(top=10**30).of(TABLE).equals(TABLE)


WRONG = {
    "another column": ({"where": "widht >= 2"}, "where: there is no column 'widht'\n  hint: did you mean 'width'"),
    "half a condition": ({"where": "width >="}, "where: 'width >=' is no condition: "),
    "a number": ({"where": "width"}, "where: 'width' is no condition: filter predicate must be of type"),
    "a text for a number": ({"where": "width > 'a'"}, "where: \"width > 'a'\" is no condition: cannot compare"),
    "two statements": ({"where": "width > 1; drop"}, "where: 'width > 1; drop' is no condition: "),
    "another function": ({"where": "read_csv('x')"}, "where: \"read_csv('x')\" is no condition: "),
    "another query": ({"where": "width > (select 1)"}, "where: 'width > (select 1)' is no condition: "),
    "no column to select": ({"select": "width,los"}, "select: there is no column 'los'\n  hint: did you mean"),
    "a column twice": ({"select": "width,loss,width"}, "select: 'width' is named twice\n  hint: delete one"),
    "no column to sort by": ({"sort": "loss down"}, "sort: there is no column 'loss down'"),
}


@pytest.mark.parametrize(("query", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_a_table_cannot_answer_is_named(query, words):
    with pytest.raises(PipelineError, match="^" + re.escape(words)):
        TableQuery(**query).of(TABLE)


def test_names_may_be_a_list():
    expected = TableQuery(select="trial, loss", sort="width desc, trial").of(TABLE)
    assert TableQuery(select=["trial", "loss"], sort=("width desc", "trial")).of(TABLE).equals(expected)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"where": pl.col("width") > 2}, "where: .* is no text\n  hint: write a condition in SQL, or filter the fr"),
        ({"select": [pl.col("width")]}, "select: not all are names of columns"),
        ({"top": -1}, "top: -1 is not an integer of at least 0"),
        ({"top": "3"}, "top: '3' is not an integer of at least 0"),
    ],
)
def test_what_python_may_give_and_no_query_is_gets_a_complaint(asked, message):
    with pytest.raises(PipelineError, match=f"^{message}"):
        TableQuery(**asked)
