"""A table on standard output in one of several formats, for people or for programs."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

from pipeline.cli.prose import print_json_rows
from pipeline.cli.streams import OUTPUT
from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import naming

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "csv", "parquet", "json", "jsonl")
ROWS_OF_A_SLICE = 1000
"""So many rows are texts at a time, of a table of however many."""


def print_table(table: pl.DataFrame, format_: str) -> None:
    """Print a table.

    CSV and Parquet keep infinite numbers and NaN; JSON has none, and null stands for them.

    Args:
        table: Any table.
        format_: One of ``FORMATS``.

    Raises:
        PipelineError: If it is binary, and standard output is a terminal.
    """
    from pipeline.report.tables.printing import as_json_rows, as_text

    match format_:
        case "json":
            print_json_rows(table)
        case "jsonl":
            for part in table.iter_slices(ROWS_OF_A_SLICE):
                print("".join(f"{json.dumps(row)}\n" for row in as_json_rows(part)), end="")
        case "csv":
            for number, part in enumerate(table.iter_slices(ROWS_OF_A_SLICE) if table.height else [table]):
                print(part.write_csv(include_header=not number), end="")
        case "parquet":
            _print_parquet(table)
        case _:
            print(as_text(table))


def _print_parquet(table: pl.DataFrame) -> None:
    if sys.stdout.isatty():
        raise PipelineError(
            "parquet is binary, and standard output is a terminal",
            where="--format parquet",
            hint="send it to a file: ... --format parquet > results.parquet",
        )
    content = io.BytesIO()  # Polars would not say "disk full" as an OSError
    table.write_parquet(content)
    with naming(OUTPUT):
        sys.stdout.buffer.write(content.getbuffer())
