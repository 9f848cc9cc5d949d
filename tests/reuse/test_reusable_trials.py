"""A trial of another run stands for one that is asked for if it was computed and recorded as it would be now."""

import dataclasses
import json
import re
from pathlib import Path

import polars as pl
import pytest

from pipeline.diagnostics import DEFAULT_DIAGNOSTICS
from pipeline.diagnostics.convergence import TestError
from pipeline.diagnostics.prediction import PredictedSteps
from pipeline.errors import PipelineError
from pipeline.experiment.axes import LogSpacedSteps
from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine
from pipeline.provenance import numerics_version
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes
from pipeline.reuse.request import Reuse
from pipeline.reuse.reusable_trials import finished_here, in_words, planned_with_reuse, refusal, reusable_trials

ASKED = Experiment("?", (Shallow(),), (2,), (Sine(),), learning_rates=(0.1,), steps=100, seeds=3)


def row(asked_then: Experiment = ASKED, **changes: str | None) -> dict[str, str | None]:
    how = {"engine": "one_input", "device": "x86_64", "numerics": numerics_version()}
    return {**how, "observed": json.dumps(asked_then.observed()), **changes}


def asked(**changes: object) -> Experiment:
    return dataclasses.replace(ASKED, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("there", "now"),
    [
        (row(), ASKED),
        (row(engine="reference", device="NVIDIA H200"), ASKED),
        (row(device="NVIDIA H200"), asked(accelerator="cuda")),
        (row(engine="fused"), asked(engine="fused", accelerator="cpu")),
        (row(asked(record_at=(1, 2, 3))), asked(record_at=(2,))),
        (row(), asked(diagnostics=(TestError(),))),
    ],
)
def test_a_trial_is_taken_that_was_computed_and_recorded_as_it_is_asked_for(there, now):
    assert refusal(there, now, [100]) == ""


@pytest.mark.parametrize(
    ("there", "now", "reason"),
    [
        (row(numerics="0"), ASKED, "by another version of the code that computes them"),
        (row(numerics=None), ASKED, "by another version of the code that computes them"),
        (row(), asked(engine="reference"), "by the engine one_input, and reference is asked for"),
        (row(engine="closed_form"), ASKED, "by the engine closed_form, and auto is asked for"),
        (row(), asked(accelerator="cuda"), "on x86_64, and accelerator is cuda"),
        (row(device="NVIDIA H200"), asked(accelerator="cpu"), "on NVIDIA H200, and accelerator is cpu"),
        (row(asked(diagnostics=(TestError(),))), asked(diagnostics=DEFAULT_DIAGNOSTICS[:1]), "without .* as it is .*"),
        (
            row(asked(diagnostics=(PredictedSteps(),))),
            asked(diagnostics=(PredictedSteps(tolerance=0.5),)),
            "without predicted_steps as it is asked for",
        ),
        (row(), asked(record_at=LogSpacedSteps(50)), "recorded at other steps"),
        (row(asked(record_at=(7,))), asked(record_at=(8,)), "recorded at other steps"),
        (row(observed="null"), ASKED, "with nothing said of what was recorded"),
        (row(observed=None), ASKED, "with nothing said of what was recorded"),
    ],
)
def test_another_trial_is_trained_again_and_the_reason_is_said(there, now, reason):
    assert re.fullmatch(reason, refusal(there, now, [100]))


def finished(run: Path, experiment: Experiment, **changes: str | None) -> Path:
    """A run of which everything is finished, with no records."""
    plan = write_plan(make_plan(run.name, experiment), run)
    for pack in plan.packs:
        ends = [
            dict.fromkeys(OUTCOMES.names())
            | {"trial": trial.id, "status": "done", "pack": pack.id}
            | {name: value for name, value in row(**changes).items() if name != "observed"}
            for trial in pack.trials
        ]
        write_outcomes(run, pack.id, pl.DataFrame(ends, schema=OUTCOMES))
    return run


def test_the_run_that_has_most_of_the_trials_is_taken_from_and_what_is_not_taken_is_said(tmp_path: Path) -> None:
    finished(tmp_path / "a-one", asked(seeds=1))
    two = finished(tmp_path / "two", asked(seeds=2))
    finished(tmp_path / "three", asked(seeds=3), numerics="0")
    plan, run = make_plan("five", asked(seeds=5)), tmp_path / "five"
    found = reusable_trials(plan, [tmp_path], run)
    assert {source.run for source in found.sources.values()} == {two}
    assert in_words(found, 5) == [
        "2 of 5 trials are trained already and are taken: 2 in two, by one_input on x86_64",
        "1 trial of three is not taken: trained by another version of the code that computes them",
    ]


def test_what_a_run_has_finished_itself_is_not_looked_for(tmp_path: Path) -> None:
    finished(tmp_path / "one", ASKED)
    run = finished(tmp_path / "two", ASKED)
    assert finished_here(run) == make_plan("two", ASKED).trials.keys()
    assert not reusable_trials(make_plan("two", ASKED), [tmp_path], run).sources
    assert finished_here(tmp_path / "nowhere") == set()


def test_packs_are_laid_out_so_that_what_is_there_can_be_taken_unless_the_plan_is_written(tmp_path: Path) -> None:
    finished(tmp_path / "two", asked(seeds=2))
    whole, run = make_plan("five", asked(seeds=5)), tmp_path / "five"
    plan, found = planned_with_reuse(whole, run)
    assert [len(pack.trials) for pack in plan.packs] == [2, 3]
    assert found.whole_packs(plan) == [plan.packs[0].id]
    assert plan.trials == whole.trials
    write_plan(whole, run)
    assert planned_with_reuse(whole, run)[0] == whole
    assert planned_with_reuse(whole, run, Reuse(fresh=True)) == (whole, type(found)())


def test_other_folders_are_looked_into_and_one_without_runs_is_refused(tmp_path: Path) -> None:
    finished(tmp_path / "there" / "two", asked(seeds=2))
    plan, run = make_plan("five", asked(seeds=5)), tmp_path / "here" / "five"
    for folder in (tmp_path / "there", tmp_path / "there" / "two"):
        assert len(planned_with_reuse(plan, run, Reuse(folders=(folder,)))[1].sources) == 2
    with pytest.raises(PipelineError, match=rf"^reuse: '{re.escape(str(tmp_path))}' is no folder of runs in which"):
        planned_with_reuse(plan, run, Reuse(folders=(tmp_path,)))
