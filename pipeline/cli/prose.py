"""Prose for people on standard error, rows for people and programs on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def say(text: str) -> None:
    """Prose goes to stderr; stdout is for rows."""
    print(text, file=sys.stderr, flush=True)


def print_json(content: object) -> None:
    """Rows for a program."""
    import json

    print(json.dumps(content, indent=1))


def print_json_rows(table: pl.DataFrame) -> None:
    """The rows of one table for a program, one a line: as many as there are, and never all of them in memory."""
    import json

    from pipeline.report.tables.printing import as_json_rows

    before = "[\n"
    for part in table.iter_slices(1000):
        print(before + ",\n".join(json.dumps(row) for row in as_json_rows(part)), end="")
        before = ",\n"
    print("[]" if table.is_empty() else "\n]")


def counted(num_trials: int, num_packs: int) -> str:
    """The number of trials and packs, in words."""
    from pipeline.errors import number_of

    return f"{number_of(num_trials, 'trial')} in {number_of(num_packs, 'pack')}"
