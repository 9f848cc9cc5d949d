"""A record is a row, chosen by what it says and by what the results say of its trial."""

from __future__ import annotations

import math
import re
from pathlib import Path

import polars as pl
import pytest
from synthetic_run import tables_of

from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.records_table import records_table
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.tables.table_query import TableQuery

ASKED = Experiment("?", (Shallow(),), (2, 4), (AbsoluteValue(),), learning_rates=(0.1, 0.2), seeds=3)
PLANNED = [diagnostic.name() for diagnostic in ASKED.diagnostics]


def numbers(trial: Trial) -> list[tuple[int, str, float]]:
    last = math.inf if trial.learning_rate == 0.2 else 1 / trial.shape.width
    return [(0, "loss", 1.0), (10, "loss", last), (0, "test_error", math.nan)]


@pytest.fixture(scope="module")
def tables() -> RunTables:
    return tables_of(ASKED, numbers)


def asked(tables: RunTables, *diagnostics: str, **query: str | int) -> pl.DataFrame:
    return records_table(lambda: PLANNED, tables.records, lambda: tables.results, diagnostics, TableQuery(**query))


def test_all_records_are_rows_in_their_order_with_their_numbers(tables: RunTables) -> None:
    table = asked(tables)
    assert table.equals(tables.records.select("trial", "step", "diagnostic", "value"))
    assert table["value"].is_infinite().any()
    assert table["value"].is_nan().any()


def test_records_are_chosen_by_the_axes_of_their_trials(tables: RunTables) -> None:
    table = asked(tables, "loss", where="width = 4 and step = 10 and learning_rate < 0.15", select="seed, width, value")
    assert sorted(table.rows()) == [(0, 4, 0.25), (1, 4, 0.25), (2, 4, 0.25)]
    assert asked(tables, where="value < 0.3").height == 3
    assert asked(tables, "loss", sort="learning_rate desc, width desc, seed desc, step", top=1)["value"].item() == 1.0


def test_the_step_is_that_of_the_record_not_the_last_of_the_trial(tables: RunTables) -> None:
    assert asked(tables, where="width = 2 and step = 0").height == 2 * 6


def test_results_are_not_made_where_nothing_of_them_is_asked_for(tables: RunTables) -> None:
    table = records_table(lambda: PLANNED, tables.records, pytest.fail, ("loss",), TableQuery("step > 0", sort="value"))
    assert table.height == 12
    assert table.columns == ["trial", "step", "value"]


def test_records_that_lie_on_disk_are_read_likewise(tables: RunTables, tmp_path: Path) -> None:
    tables.records.lazy().collect().write_parquet(tmp_path / "part.parquet")
    scanned = pl.scan_parquet(tmp_path / "part.parquet")
    query = TableQuery("width = 2", sort="trial")
    table = records_table(lambda: PLANNED, scanned, lambda: tables.results, ("loss",), query)
    assert table.equals(asked(tables, "loss", where="width = 2", sort="trial"))


def test_what_is_planned_and_not_recorded_yet_is_no_mistake(tables: RunTables) -> None:
    assert asked(tables, "gradient_norm").is_empty()
    with pytest.raises(PipelineError, match=r"^no diagnostic 'lossy' is recorded\n  hint: did you mean 'loss'"):
        asked(tables, "loss", "lossy")
    message = "where: there is no column 'widht'\n  hint: did you mean 'width'"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        asked(tables, where="widht = 2")
