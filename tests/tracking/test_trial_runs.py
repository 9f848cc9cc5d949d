"""The run of a trial is made of its records, its plan and its theory."""

from __future__ import annotations

import pytest
import torch
from arrivals import expected, measured
from recorded_run import write_run

from pipeline.report.theory import predicted_curves
from pipeline.tracking.content import STEP, RunContent
from pipeline.tracking.export import read_run
from pipeline.tracking.trial_runs import PREDICTED, Exportable, trial_runs


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    return read_run(folder)


def test_every_row_is_what_was_recorded_at_its_step(source: Exportable) -> None:
    wanted = expected(source.folder)
    found = {run.config["trial"]: run for run in trial_runs(source, list(source.plan.trials))}
    assert found.keys() == wanted.keys()
    for trial, run in found.items():
        assert [measured(dict(row)) for row in run.rows] == wanted[trial]


def test_the_curve_that_theory_predicts_is_beside_the_measured_one_where_there_is_one(source: Exportable) -> None:
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


def test_ids_are_of_the_experiment_and_the_trial_and_no_two_are_alike(source: Exportable) -> None:
    runs = list(trial_runs(source, list(source.plan.trials)))
    assert len({run.id for run in runs}) == len(runs)
    assert {run.group for run in runs} == {source.plan.folder_name}


def test_only_the_trials_that_are_asked_for_are_read(source: Exportable) -> None:
    some = list(source.plan.trials)[3:5]
    assert [run.config["trial"] for run in trial_runs(source, some)] == some


def test_a_run_is_the_same_by_one_thread_and_by_many_though_its_predictions_are_not(source: Exportable) -> None:
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
