"""Tables in Markdown."""

from __future__ import annotations

import html
from collections.abc import Sequence

import polars as pl

from pipeline.report.tables.printing import cell_text


def as_markdown(table: pl.DataFrame) -> str:
    """A table in Markdown; what is in its cells is text, whatever it looks like."""
    rows: list[Sequence[object]] = [table.columns, ["---"] * table.width, *table.iter_rows()]
    return "\n".join(f"| {' | '.join(as_text(cell) for cell in row)} |" for row in rows)


def as_text(value: object) -> str:
    """A value so that Markdown shows it as it is, on one line."""
    text = " ".join((value if isinstance(value, str) else cell_text(value)).split())
    escaped = html.escape(text, quote=False)
    return "".join(f"\\{letter}" if letter in "\\|[]*`" else letter for letter in escaped)
