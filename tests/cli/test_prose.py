"""What verbs print for programs is JSON, however much there is of it."""

import json
import math

import polars as pl
import pytest

from pipeline.cli.prose import print_json_rows
from pipeline.report.tables.printing import as_json_rows


@pytest.mark.parametrize("num_rows", [0, 1, 1000, 2001])
def test_rows_printed_a_slice_at_a_time_are_one_list(num_rows, capsys):
    values = [math.inf if row % 2 else row / 3 for row in range(num_rows)]
    table = pl.DataFrame({"trial": [str(row) for row in range(num_rows)], "value": pl.Series(values, dtype=pl.Float64)})
    print_json_rows(table)
    printed = capsys.readouterr().out
    assert json.loads(printed) == as_json_rows(table)
    assert printed.count("\n") == (num_rows + 2 if num_rows else 1)
