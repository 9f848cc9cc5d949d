"""A table on standard output in one of several formats, for people or for programs."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.cli.prose import print_json_rows, say
from pipeline.cli.streams import OUTPUT
from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import naming

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "csv", "parquet", "json", "jsonl")
ROWS_READ_FIRST = 100
"""From so many rows readers guess what a column holds."""
ROWS_OF_A_SLICE = 1000
"""So many rows are texts at a time, of a table of however many."""


def print_table(
    table: pl.DataFrame, format_: str, *, ordered: bool = True, chosen: bool = False, last: Sequence[str] = ()
) -> None:
    """Print a table, so that polars and pandas read it without an option, each column as what it is.

    CSV and Parquet keep infinite numbers and NaN; JSON has none, and null stands for them. For people, columns that do
    not fit on the terminal are left out, and named.

    Args:
        table: Any table.
        format_: One of ``FORMATS``.
        ordered: Whether the order of the rows was asked for; else JSON may have another.
        chosen: Whether the columns were asked for; then none is left out, and long cells are folded.
        last: Names of columns that are left out first where not all fit on a terminal.

    Raises:
        PipelineError: If it is binary, and standard output is a terminal.
    """
    from pipeline.report.tables.printing import as_json_rows

    match format_:
        case "json":
            print_json_rows(table if ordered else typed_first(table))
        case "jsonl":
            for part in (table if ordered else typed_first(table)).iter_slices(ROWS_OF_A_SLICE):
                print("".join(f"{json.dumps(row)}\n" for row in as_json_rows(part)), end="")
        case "csv":
            table = numbers_from_the_start(table)
            for number, part in enumerate(table.iter_slices(ROWS_OF_A_SLICE) if table.height else [table]):
                print(part.write_csv(include_header=not number), end="")
        case "parquet":
            _print_parquet(table)
        case _:
            _print_text(table, chosen, last)


def numbers_from_the_start(table: pl.DataFrame) -> pl.DataFrame:
    """The table with NaN for null in columns of numbers of which the first rows have none.

    A reader of CSV looks at the first 100 rows (polars 2.1.0), and takes a column that is empty there for one of texts.

    Args:
        table: Any table.

    Returns:
        The same numbers; whole ones of such a column as floats.
    """
    import polars as pl

    first = table.head(ROWS_READ_FIRST)
    late = [name for name, dtype in table.schema.items() if dtype.is_numeric() and not first[name].count()]
    return table.with_columns(pl.col(name).cast(pl.Float64).fill_null(math.nan) for name in late)


def typed_first(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a row in front for each column of which the first rows have no value, where a later one has.

    A reader of JSON looks at the first 100 rows, and gives up where a column is null there and not null later.

    Args:
        table: Any table.

    Returns:
        The same rows, a few of them in another place.
    """
    import polars as pl

    first = table.head(ROWS_READ_FIRST)
    values = {name: _written(table, name) for name in table.columns}
    late = [name for name in table.columns if not first.select(_written(first, name).sum()).item()]
    found = table.select(values[name].arg_max().alias(name) for name in late if table.select(values[name].any()).item())
    front = sorted({row for row in found.row(0) if row is not None}) if found.width else []
    rest = table.with_row_index("row").filter(~pl.col("row").is_in(front)).drop("row")
    return pl.concat([table[front], rest]) if front else table


def _written(table: pl.DataFrame, name: str) -> pl.Expr:
    """Whether a column has a value that JSON has."""
    import polars as pl

    column = pl.col(name)
    return column.is_finite().fill_null(False) if table.schema[name].is_float() else column.is_not_null()


def _print_text(table: pl.DataFrame, chosen: bool, last: Sequence[str]) -> None:
    """Print the columns that fit on the terminal, and name the others; all where it is no terminal."""
    from pipeline.report.tables.printing import as_text, fitting

    if not sys.stdout.isatty():
        print(as_text(table))
        return
    width = shutil.get_terminal_size().columns
    if chosen:
        print(as_text(table, width=width))
        return
    shown = fitting(table, width, last)
    print(as_text(table.select(shown)))
    if left := [name for name in table.columns if name not in shown]:
        more = "1 more column" if len(left) == 1 else f"{len(left)} more columns"
        say(f"{more} (--select {','.join(shown[:1] + left[:1])} shows one, --format csv writes all): {', '.join(left)}")


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
        sys.stdout.buffer.write(content.getvalue())
