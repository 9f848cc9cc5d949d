"""Tables in Markdown."""

from __future__ import annotations

import html
from collections.abc import Sequence

import polars as pl

from pipeline.report.tables.printing import cell_text


def as_markdown(table: pl.DataFrame) -> str:
    """A table in Markdown; cells are escaped.

    Args:
        table: Any.

    Returns:
        Lines of names, of dashes and of cells.
    """
    rows: list[Sequence[object]] = [table.columns, ["---"] * table.width, *table.iter_rows()]
    return "\n".join(f"| {' | '.join(as_text(cell) for cell in row)} |" for row in rows)


def as_text(value: object) -> str:
    """A value as escaped text on one line, which Markdown shows as it is.

    Args:
        value: Text, or a value that is rounded to four digits.

    Returns:
        One line.
    """
    text = " ".join((value if isinstance(value, str) else cell_text(value)).split())
    escaped = html.escape(text, quote=False)
    return "".join(f"\\{letter}" if letter in "\\|[]*`" else letter for letter in escaped)
