"""Every format of a table can be read again, and holds the same rows."""

from __future__ import annotations

import io
import json
import math
import re

import polars as pl
import pytest

from pipeline.cli.table_output import FORMATS, ROWS_OF_A_SLICE, print_table, typed_first
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


LATE = pl.DataFrame(
    {
        "trial": [f"{row:04}" for row in range(400)],
        "batch_size": [None] * 250 + [8] * 150,
        "slope": [None] * 150 + [0.5] * 250,
        "loss": [math.inf] * 120 + [math.nan] * 120 + [row / 7 for row in range(160)],
        "basis": [None] * 300 + ["cosine"] * 100,
        "seed": list(range(400)),
    }
)
"""A table whose first hundred rows do not tell what some of its columns hold."""
WITHOUT_OPTIONS = {
    "csv": pl.read_csv,
    "parquet": pl.read_parquet,
    "json": pl.read_json,
    "jsonl": pl.read_ndjson,
}


@pytest.mark.parametrize("format_", WITHOUT_OPTIONS)
def test_columns_of_numbers_are_read_as_such_without_an_option(format_, capfdbinary):
    print_table(LATE, format_, ordered=False)
    found = WITHOUT_OPTIONS[format_](io.BytesIO(capfdbinary.readouterr().out)).select(LATE.columns)
    types = {name: found.schema[name].is_numeric() for name in LATE.columns}
    assert types == {name: dtype.is_numeric() for name, dtype in LATE.schema.items()} | {"trial": format_ == "csv"}
    found, expected = (table.sort("seed").drop("trial").fill_nan(None) for table in (found, LATE))
    if format_.startswith("json"):
        expected = expected.with_columns(pl.when(pl.col("loss").is_finite()).then("loss").alias("loss"))
    assert found.cast(expected.schema).equals(expected)
    assert found.schema["batch_size"] == (pl.Float64 if format_ == "csv" else pl.Int64)


def test_the_order_that_was_asked_for_stays(capfdbinary):
    for format_ in ("json", "jsonl"):
        print_table(LATE, format_, ordered=True)
        said = capfdbinary.readouterr().out.decode()
        rows = json.loads(said) if format_ == "json" else [json.loads(line) for line in said.splitlines()]
        assert [row["seed"] for row in rows] == list(range(400))


def test_rows_are_moved_only_where_the_first_do_not_tell(capfdbinary):
    assert typed_first(LATE)["seed"].to_list()[:4] == [150, 240, 250, 300]
    assert typed_first(LATE).sort("seed").equals(LATE)
    assert typed_first(LATE.head(120)).equals(LATE.head(120))
    assert typed_first(LATE.drop("batch_size", "slope", "loss", "basis")).equals(LATE.select("trial", "seed"))


def test_on_a_terminal_columns_that_do_not_fit_are_named(monkeypatch, capsys):
    wide = pl.DataFrame({"trial": ["a", "b"]} | {f"column_{number}": [number, -number] for number in range(1, 20)})
    wide = wide.with_columns(grounds=pl.Series(["x" * 50, "y" * 50]), width=pl.lit(4))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(wide, "table", last=("grounds",))
    out, err = capsys.readouterr()
    assert out.startswith("width: 4\n")
    assert max(map(len, out.splitlines())) <= 80
    shown = [name for name in wide.columns if re.search(rf"\b{name}\b", out)]
    assert shown[:3] == ["trial", "column_1", "column_2"]
    left = [name for name in wide.columns if name not in shown]
    assert "grounds" in left
    assert err == (
        f"{len(left)} more columns (--select trial,{left[0]} shows one, --format csv writes all): {', '.join(left)}\n"
    )
    print_table(wide.select("trial", "grounds", "column_1"), "table", chosen=True)
    folded = capsys.readouterr().out
    assert "y" * 50 in folded.replace("\n", "")
    assert max(map(len, folded.splitlines())) <= 80
    monkeypatch.undo()
    print_table(wide, "table")
    assert "y" * 50 in capsys.readouterr().out


def test_every_format_but_the_table_for_people_has_a_reader():
    assert set(READERS) == set(FORMATS) - {"table"}


def test_binary_is_kept_from_a_terminal(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    with pytest.raises(PipelineError, match="^" + re.escape("--format parquet: parquet is binary, and standard")):
        print_table(numbers(3, math.inf), "parquet")
    assert not terminal.getvalue()
