"""A table of a page says once what is the same in every row, and aligns numbers."""

from __future__ import annotations

import polars as pl
from jinja2 import Environment, FileSystemLoader

from pipeline.report.html.page_tables import (
    LETTERS_OF_A_PAGE,
    MOST_ROWS,
    PageColumn,
    columns_that_fit,
    page_table,
    page_table_or_none,
    verdict_class,
)
from pipeline.report.html.rendering import TEMPLATES

TABLE = pl.DataFrame(
    {"model": ["a", "b"], "mean_loss": [1.0, 0.5], "seed": [3, 3], "verdict": ["agrees", "still moving"]}
)


def test_a_constant_column_stands_above_the_table_unless_it_is_to_be_kept() -> None:
    assert page_table(TABLE).constants == "seed 3"
    kept = page_table(TABLE, keep=("seed",))
    assert kept.constants == ""
    assert [column.title for column in kept.columns] == ["model", "mean loss", "seed", "verdict"]


def test_numbers_are_aligned_to_the_right_and_a_verdict_has_its_colour() -> None:
    table = page_table(TABLE)
    assert table.columns[1] == PageColumn("mean loss", is_number=True)
    assert [[cell.css_class for cell in row] for row in table.rows] == [["", "number", "agrees"], ["", "number", ""]]


def test_a_long_cell_is_broken_into_lines_and_keeps_its_colour() -> None:
    verdicts = ["agrees (30 of 40 trials)", "agrees (30 of 40 trials), 7 diverged, 3 still moving"]
    rows = page_table(pl.DataFrame({"verdict": verdicts})).rows
    assert [row[0].css_class for row in rows] == ["agrees", "agrees long"]


def test_only_what_is_decided_has_the_colour_of_a_verdict() -> None:
    texts = ["agrees (3 of 4 trials), 1 diverged", "still moving (2 of 3 trials), 1 failed"]
    cells = [row[0] for row in page_table(pl.DataFrame({"verdict": texts})).rows]
    assert [cell.is_verdict for cell in cells] == [True, False]
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    templates.filters |= {"one_line": str, "script_json": str}
    parts = templates.get_template("parts.html").module
    assert [parts.cell_of(cell.text, cell.is_verdict) for cell in cells] == [
        'agrees (3 of 4 trials)<span class="reasons">, 1 diverged</span>',
        "still moving (2 of 3 trials), 1 failed",
    ]
    assert parts.verdict(texts[0], "agrees") == '<b class="agrees">agrees (3 of 4 trials)</b>, 1 diverged'
    assert parts.verdict("agrees (2 of 2 trials)", "agrees") == '<b class="agrees">agrees (2 of 2 trials)</b>'


def test_the_class_of_a_verdict_is_its_first_word() -> None:
    assert verdict_class("contradicts (1 of 2 trials)") == "contradicts"
    assert verdict_class("still moving (2 of 2 trials)") == ""


def test_a_long_table_is_cut_and_scrolls() -> None:
    table = page_table(pl.DataFrame({"n": range(MOST_ROWS + 1)}))
    assert len(table.rows) == MOST_ROWS
    assert table.num_rows == MOST_ROWS + 1
    assert table.is_tall
    assert not page_table(TABLE).is_tall


def test_a_table_without_rows_is_no_table() -> None:
    assert page_table_or_none(None, keep=()) is None
    assert page_table_or_none(TABLE.clear(), keep=()) is None
    assert page_table_or_none(TABLE, keep=()) == page_table(TABLE)


def test_columns_beyond_the_room_of_a_page_are_left_out_long_texts_first() -> None:
    columns = {f"mean_of_loss_{number}": [0.1234 + number, 1.5] for number in range(30)}
    table = pl.DataFrame({"trial": ["a" * 64, "b" * 64], "grounds": ["why " * 20, ""], "same": [1, 1], **columns})
    shown = columns_that_fit(table, last=("grounds",))
    assert shown[:3] == ["trial", "same", "mean_of_loss_0"]
    assert "grounds" not in shown
    letters = 12 + 3 + (len(shown) - 2) * (5 + 3)  # of short ids and of numbers; words of names are no longer
    assert LETTERS_OF_A_PAGE - 8 < letters <= LETTERS_OF_A_PAGE
    assert columns_that_fit(table.select("trial", "grounds"), last=("grounds",)) == ["trial", "grounds"]
