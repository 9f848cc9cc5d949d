"""Tables as text: rows of JSON for programs, aligned columns for people."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import number_of

SHORT_ID = 12
"""Digits of a trial's id that tell the trials of a run apart for people."""
PADDING = 3
"""Spaces between two columns."""
NOT_FINITE = {math.inf: "inf", -math.inf: "-inf"}


def as_json_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain JSON types; infinite numbers and NaN, which JSON cannot write, are null.

    Text in their stead would make a column of numbers one of texts. What such a number means stands beside it: a
    status, ``diverged``, or a trust, ``dependent features``.

    Returns:
        A dictionary for each row.
    """
    floats = [pl.col(name) for name, dtype in table.schema.items() if dtype.is_float()]
    return table.with_columns(pl.when(number.is_finite()).then(number) for number in floats).to_dicts()


def json_number(value: float | None) -> float | str | None:
    """A number where JSON may hold texts beside numbers: ``inf``, ``-inf`` and ``nan`` are strings."""
    if value is None or math.isfinite(value):
        return value
    return NOT_FINITE.get(value, "nan")


def cell_text(value: Any) -> str:
    """One value for a reader: four significant digits, an empty cell for nothing, no control characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def cell_texts(table: pl.DataFrame) -> list[list[str]]:
    """Every value of a table for a reader, row by row, with short ids."""
    short = [pl.col("trial").str.slice(0, SHORT_ID)] if "trial" in table.columns else []
    return [[cell_text(value) for value in row] for row in table.with_columns(short).iter_rows()]


def split_constants(table: pl.DataFrame, keep: Sequence[str] = ()) -> tuple[dict[str, str], pl.DataFrame]:
    """The table without its constant columns, and the texts of these by name.

    Args:
        table: One of a single row has no constants.
        keep: Columns that stay although every row says the same.

    Returns:
        Texts, without those of nothing; and the rest of the table.
    """
    if table.height < 2:
        return {}, table
    constant = [name for name in table.columns if name not in keep and table[name].n_unique() == 1]
    texts = {name: cell_text(table[name][0]) for name in constant}
    return {name: text for name, text in texts.items() if text}, table.drop(constant)


def widest(name: str, cells: Sequence[str]) -> int:
    """Letters that a column takes where neither its name nor what stands in it is broken."""
    return max(map(len, (name, *cells)))


def fitting(
    table: pl.DataFrame,
    width: int,
    last: Sequence[str] = (),
    most_rows: int = 1000,
    letters: Callable[[str, Sequence[str]], int] = widest,
) -> list[str]:
    """Columns of a table that fit on a terminal or a page beside each other; constant ones take no room there.

    Args:
        table: Any table.
        width: Letters of a line.
        last: Names of columns that are the first to be left out, such as those of long texts.
        most_rows: Rows that are shown.
        letters: That a column takes, by its name and its cells.

    Returns:
        Names in the order of the table; the first column is always among them.
    """
    _, rest = split_constants(table)
    columns = zip(rest.columns, *cell_texts(rest.head(most_rows)), strict=True)
    needed = {name: letters(name, cells) + PADDING for name, *cells in columns}
    room, fits = width, set(table.columns) - needed.keys()
    for name in sorted(rest.columns, key=lambda name: name in last):
        if needed[name] <= room or name == rest.columns[0]:
            room -= needed[name]
            fits.add(name)
    return [name for name in table.columns if name in fits]


def as_text(table: pl.DataFrame, *, width: int | None = None, most_rows: int = 1000, keep: Sequence[str] = ()) -> str:
    """A table for a terminal; what is the same in every row stands above it, once.

    Args:
        table: Any table of this room.
        width: Columns of the terminal, to which cells are folded; by default as wide as the table needs.
        most_rows: Rows to show; a last line says how many were left out.
        keep: Columns that stay columns although every row says the same.

    Returns:
        Lines of text, each with its line feed.
    """
    same, rest = split_constants(table, keep)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in rest.schema.items():
        grid.add_column(Text(name), justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for cells in cell_texts(rest.head(most_rows)):
        grid.add_row(*(Text(cell) for cell in cells))
    natural = Console(width=100_000).measure(grid).maximum
    stream = io.StringIO()
    console = Console(file=stream, width=width or max(natural, 1), color_system=None, highlight=False)
    if same:
        console.print(Text(", ".join(f"{name}: {text}" for name, text in same.items())), soft_wrap=True)
    if rest.width:
        console.print(grid)
    elif table.width:
        console.print(Text(f"{number_of(table.height, 'row')}, all the same"), soft_wrap=True)
    if rest.height > most_rows:
        left_out = rest.height - most_rows
        console.print(Text(f"{number_of(left_out, 'more row')} not shown; --json writes all"), soft_wrap=True)
    return stream.getvalue()
