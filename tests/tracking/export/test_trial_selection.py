"""Which trials have a run of their own does not depend on chance, and the best are among them."""

from __future__ import annotations

import polars as pl
import pytest
from recorded_run import write_run

from pipeline.experiment.wandb_tracking import ChosenRuns, Tracking
from pipeline.records.store import read_outcomes, read_records
from pipeline.report.tables.results import results
from pipeline.tracking.export.trial_selection import MOST_RUNS, selected_trials


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    run = tmp_path_factory.mktemp("run")
    return results(write_run(run), read_records(run), read_outcomes(run))


def test_all_of_a_small_sweep_are_exported_by_default(table: pl.DataFrame) -> None:
    assert selected_trials(Tracking(), table) == table["trial"].to_list()


def test_a_few_of_a_large_sweep_are_exported_by_default(table: pl.DataFrame) -> None:
    copies = MOST_RUNS // table.height + 1
    trial = pl.col("trial").str.slice(2)
    many = pl.concat([table.with_columns((pl.lit(f"{copy:02d}") + trial).alias("trial")) for copy in range(copies)])
    few = ChosenRuns()
    chosen = selected_trials(Tracking(), many)
    assert 0 < len(chosen) <= 2 * few.best + few.diverged + few.random


def test_nothing_is_exported_of_trials_if_none_is_asked_for(table: pl.DataFrame) -> None:
    assert selected_trials(Tracking(runs="none"), table) == []


def test_trials_that_are_not_finished_are_not_exported(table: pl.DataFrame) -> None:
    waiting = table.with_columns(pl.lit("pending").alias("status"))
    assert selected_trials(Tracking(runs="all"), waiting) == []


def test_trials_that_failed_are_exported_as_well(table: pl.DataFrame) -> None:
    failed = table.with_columns(pl.lit("failed").alias("status"))
    assert selected_trials(Tracking(), failed) == table["trial"].to_list()
    assert len(selected_trials(Tracking(runs=ChosenRuns(best=1, diverged=2, random=0)), failed)) == 2


def test_the_best_of_each_model_is_chosen(table: pl.DataFrame) -> None:
    chosen = selected_trials(Tracking(runs=ChosenRuns(best=1, diverged=0, random=0)), table)
    done = table.filter(pl.col("status") == "done")
    least = done.group_by("model").agg(pl.col("test_error").min())
    assert sorted(table.filter(pl.col("trial").is_in(chosen))["test_error"]) == sorted(least["test_error"])
