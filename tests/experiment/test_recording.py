"""What is recorded of a trial, and when, is known before it is trained."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.experiment.axes import Inputs, LogSpacedSteps
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.recording import recorded_steps, steps_of_records
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine
from pipeline.records.store import read_outcomes, read_records
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan


@pytest.mark.parametrize("record_at", [(1, 5, 700), LogSpacedSteps(4), ()])
@pytest.mark.parametrize("steps", [1, 6, 1000])
def test_the_first_and_the_last_step_are_recorded_and_none_beyond(record_at, steps):
    recorded = recorded_steps(record_at, steps)
    assert recorded[0] == 0
    assert recorded[-1] == steps
    assert list(recorded) == sorted(set(recorded))


def test_a_trial_has_a_record_at_each_step_that_was_foretold_and_no_other(tmp_path: Path):
    """Linear models, with what no step changes, and networks, with what is recorded at the ends only; one diverges."""
    experiment = Experiment(
        "?", (Linear(), Shallow()), (3,), (Sine(),), inputs=Inputs(train=(16,), test=16),
        learning_rates=(0.1, 1e3), steps=30, seeds=1, record_at=LogSpacedSteps(5),
    )  # fmt: skip
    plan = make_plan("small", experiment)
    run_plan(plan, tmp_path, TrainingProgress(io.StringIO()))
    records, ends = read_records(tmp_path), read_outcomes(tmp_path)
    assert set(ends["status"]) == {"done", "diverged"}
    for pack in plan.packs:
        foretold = steps_of_records(pack.shape, experiment.diagnostics, experiment.recorded_steps(30))
        for trial in pack.trials:
            status, end = ends.filter(pl.col("trial") == trial.id).select("status", "step").row(0)
            found = np.sort(records.filter(pl.col("trial") == trial.id)["step"].to_numpy())
            assert found.tolist() == foretold[foretold < (31 if status == "done" else end)].tolist()
