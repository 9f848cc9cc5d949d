"""Tables as a page shows them: columns, and cells with their class in the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.report.tables.printing import cell_texts, fitting, split_constants
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS

MOST_ROWS = 500
MOST_ROWS_IN_SIGHT = 30
"""A table of more rows scrolls within itself."""
MOST_LETTERS_OF_A_LINE = 30
"""A cell of more is broken into lines."""
LETTERS_OF_A_PAGE = 132
"""That stand beside each other in a table of a page as wide as it gets, in columns with some room between them."""


@dataclass(frozen=True)
class PageColumn:
    """The head of a column, and whether numbers stand under it, which are aligned to the right."""

    title: str
    is_number: bool


@dataclass(frozen=True)
class PageCell:
    """A cell as text, and its class in the style sheet; empty for none."""

    text: str
    css_class: str

    @property
    def is_verdict(self) -> bool:
        """Whether it has the colour of a verdict, which the reasons for no other one do not have."""
        return self.css_class.split(" ", 1)[0] in {AGREES, CONTRADICTS}


@dataclass(frozen=True)
class PageTable:
    """A table of a page.

    Args:
        constants: What is the same in every row, in words.
        columns: The others.
        rows: Cells in the order of the columns.
        num_rows: How many there are, with those that were cut off.
        is_tall: Whether it scrolls within itself.
    """

    constants: str
    columns: tuple[PageColumn, ...]
    rows: tuple[tuple[PageCell, ...], ...]
    num_rows: int
    is_tall: bool


def page_table(table: pl.DataFrame, keep: Sequence[str] = ()) -> PageTable:
    """A table for a page, cut after ``MOST_ROWS`` rows.

    Args:
        table: Any table.
        keep: Columns that stay columns although every row says the same.

    Returns:
        The table as a template shows it.
    """
    constants, varying = split_constants(table, keep)
    columns = tuple(PageColumn(name.replace("_", " "), dtype.is_numeric()) for name, dtype in varying.schema.items())
    rows = tuple(_row(cells, varying.schema) for cells in cell_texts(varying.head(MOST_ROWS)))
    above = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in constants.items())
    return PageTable(above, columns, rows, varying.height, varying.height > MOST_ROWS_IN_SIGHT)


def columns_that_fit(table: pl.DataFrame, last: Sequence[str]) -> list[str]:
    """Columns of a table that fit beside each other on a page.

    Args:
        table: Any table.
        last: Names of columns that are the first to be left out.

    Returns:
        Names in the order of the table.
    """
    return fitting(table, LETTERS_OF_A_PAGE, last, MOST_ROWS, _letters)


def _letters(name: str, cells: Sequence[str]) -> int:
    """Letters of a column whose name has a line for each word, and whose long cells are broken into lines."""
    return min(MOST_LETTERS_OF_A_LINE, max(map(len, (*name.split("_"), *cells))))


def page_table_or_none(table: pl.DataFrame | None, keep: Sequence[str]) -> PageTable | None:
    """The same, ``None`` without rows."""
    return None if table is None or table.is_empty() else page_table(table, keep)


def verdict_class(verdict: str) -> str:
    """The class of a verdict in the style sheet: its first word, none where it is neither."""
    first = verdict.split(" ", 1)[0]
    return first if first in {AGREES, CONTRADICTS} else ""


def _row(cells: Sequence[str], schema: pl.Schema) -> tuple[PageCell, ...]:
    return tuple(PageCell(text, _css_class(text, *column)) for text, column in zip(cells, schema.items(), strict=True))


def _css_class(text: str, column: str, dtype: pl.DataType) -> str:
    kind = verdict_class(text) if column == "verdict" else "number" if dtype.is_numeric() else ""
    return f"{kind} long".lstrip() if len(text) > MOST_LETTERS_OF_A_LINE else kind
