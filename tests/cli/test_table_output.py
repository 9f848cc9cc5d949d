"""Every format of a table can be read again, and holds the same rows."""

from __future__ import annotations

import io
import json
import math
import re

import polars as pl
import pytest

from pipeline.cli.table_output import FORMATS, ROWS_OF_A_SLICE, print_table
from pipeline.errors import PipelineError

SIZES = (0, 3, ROWS_OF_A_SLICE, 2 * ROWS_OF_A_SLICE + 1)
SCHEMA = {"trial": pl.String, "width": pl.Int64, "loss": pl.Float64}
READERS = {
    "csv": lambda said: pl.read_csv(said, schema=SCHEMA),
    "parquet": pl.read_parquet,
    "json": lambda said: pl.DataFrame(json.loads(said), SCHEMA),
    "jsonl": lambda said: pl.DataFrame([json.loads(line) for line in said.splitlines()], SCHEMA),
}


def numbers(num_rows: int, infinite: float | None) -> pl.DataFrame:
    losses = [infinite if row % 3 == 1 else row / 7 for row in range(num_rows)]
    return pl.DataFrame(
        {"trial": [f"a,{row}\n" for row in range(num_rows)], "width": list(range(num_rows)), "loss": losses}, SCHEMA
    )


@pytest.mark.parametrize("num_rows", SIZES)
@pytest.mark.parametrize("format_", READERS)
def test_what_is_printed_is_read_back_as_it_was(format_, num_rows, capfdbinary):
    print_table(numbers(num_rows, math.inf), format_)
    said = capfdbinary.readouterr().out
    in_json = format_.startswith("json")
    assert READERS[format_](said).equals(numbers(num_rows, None if in_json else math.inf))


def test_every_format_but_the_table_for_people_has_a_reader():
    assert set(READERS) == set(FORMATS) - {"table"}


def test_binary_is_kept_from_a_terminal(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    with pytest.raises(PipelineError, match="^" + re.escape("--format parquet: parquet is binary, and standard")):
        print_table(numbers(3, math.inf), "parquet")
    assert not terminal.getvalue()
