"""The run of a trial is made of its records, its plan and its theory."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from arrivals import expected, measured
from drawn_run import HOSTILE
from recorded_run import write_run

from pipeline.report.theory.predicted_losses import predicted_curves
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.run_content import STEP, Destination, RunContent
from pipeline.tracking.export.trial_runs import PREDICTED, RecordedRun, trial_runs
from pipeline.tracking.wandb_files.run_records import as_records


def values(items: Any) -> dict[str, Any]:
    return {item.key: json.loads(item.value_json) for item in items}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    return read_run(folder)


def test_every_row_is_what_was_recorded_at_its_step(source: RecordedRun) -> None:
    wanted = expected(source.folder)
    found = {run.config["trial"]: run for run in trial_runs(source, list(source.plan.trials))}
    assert found.keys() == wanted.keys()
    for trial, run in found.items():
        assert [measured(dict(row)) for row in run.rows] == wanted[trial]


def test_the_curve_that_theory_predicts_is_beside_the_measured_one_where_there_is_one(source: RecordedRun) -> None:
    for run in trial_runs(source, list(source.plan.trials)):
        trial = source.plan.trials[run.config["trial"]]
        with_curve = [row for row in run.rows if PREDICTED in row]
        if not trial.shape.model.linear:
            assert not with_curve
            continue
        assert len(with_curve) == sum("loss" in row for row in run.rows)
        steps = sorted(row[STEP] for row in with_curve)
        curve = predicted_curves(trial.shape, {trial.id: run.config["learning_rate"]}, steps)[trial.id]
        assert [row[PREDICTED] for row in with_curve] == [curve[row[STEP]] for row in with_curve]


def test_ids_are_of_the_experiment_and_the_trial_and_no_two_are_alike(source: RecordedRun) -> None:
    runs = list(trial_runs(source, list(source.plan.trials)))
    assert len({run.id for run in runs}) == len(runs)
    assert {run.group for run in runs} == {source.plan.folder_name}


def test_only_the_trials_that_are_asked_for_are_read(source: RecordedRun) -> None:
    some = list(source.plan.trials)[3:5]
    assert [run.config["trial"] for run in trial_runs(source, some)] == some


def test_a_run_is_the_same_by_one_thread_and_by_many_though_its_predictions_are_not(source: RecordedRun) -> None:
    def runs(threads: int) -> list[RunContent]:
        torch.set_num_threads(threads)
        return list(trial_runs(source, list(source.plan.trials)))

    before = torch.get_num_threads()
    try:
        one, many = runs(1), runs(4)
    finally:
        torch.set_num_threads(before)
    assert repr([run.rows for run in one]) != repr([run.rows for run in many])
    assert [run.digest for run in one] == [run.digest for run in many]
    for run, other in zip(one, many, strict=True):
        assert repr(run.recorded_summary) == repr(other.recorded_summary)


def test_rows_have_the_times_at_which_the_pack_reached_their_steps(source: RecordedRun) -> None:
    """Half a second for each trial of a pack of four is two seconds for the pack, and 1000 updates."""
    for run in trial_runs(source, list(source.plan.trials)):
        finished = (source.folder / "outcomes" / f"{run.config['pack']}.parquet").stat().st_mtime
        pack = next(pack for pack in source.plan.packs if pack.id == run.config["pack"])
        assert (run.seconds, run.steps) == (0.5 * len(pack.trials), 1000)
        assert run.began_at + run.seconds == pytest.approx(finished, abs=1e-5)
        records = as_records(run, Destination("lab", "p"))
        rows = [values(record.history.item) for record in records if record.history.item]
        assert len({row["_timestamp"] for row in rows}) == len(rows)
        for row in rows:
            assert row["_runtime"] == pytest.approx(run.seconds * row[STEP] / 1000)
            assert row["_timestamp"] == pytest.approx(run.began_at + row["_runtime"])


def test_the_overview_has_the_command_and_the_commit(source: RecordedRun) -> None:
    (run,) = trial_runs(source, list(source.plan.trials)[:1])
    (record,) = [record.run for record in as_records(run, Destination("lab", "p")) if record.run.run_id]
    assert record.notes == "Does it arrive?\n\n    python -m pipeline run arrives.yaml"
    assert record.git.commit == run.commit == source.plan_provenance["code"].partition("+")[0]
    assert values(record.config.update)["command"] == "python -m pipeline run arrives.yaml"


def test_a_trial_that_failed_has_a_run_of_each_failure_that_says_so(drawn: Path) -> None:
    source = read_run(drawn)
    failed = [row["trial"] for row in source.rows.values() if row["status"] == "failed"]
    runs = list(trial_runs(source, failed))
    assert len(runs) == 4
    for run in runs:
        assert (run.exit_code, run.summary["status"], run.summary["reason"]) == (1, "failed", HOSTILE)
        assert "failed" in run.tags
        assert run.notes.endswith(f"failed: {HOSTILE}")
        assert run.id.startswith(f"{source.prefix}-{run.config['trial'][:16]}-failed-")
    again = dataclasses.replace(source, outcomes=source.outcomes.with_columns(attempt=pl.lit(2)))
    assert not {again.run_id_of(trial) for trial in failed} & {run.id for run in runs}


def test_a_trial_that_diverged_is_a_run_that_ended_well(source: RecordedRun) -> None:
    """Divergence is a result, found by its tag."""
    diverged = [row["trial"] for row in source.rows.values() if row["status"] == "diverged"]
    runs = list(trial_runs(source, diverged))
    assert [(run.exit_code, "diverged" in run.tags) for run in runs] == [(0, True)] * 4
