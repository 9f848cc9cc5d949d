"""A finished run with known numbers, and the verb that exports it."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import polars as pl
import preloaded

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan, write_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS

ROOT = Path(__file__).parents[3]
EXPERIMENT = Experiment(
    "Does it arrive?",
    (Linear(Monomial()), Shallow()),
    (2, 4),
    target=(AbsoluteValue(),),
    learning_rates=(0.1, 4.0),
    inputs=Inputs(seed="trial"),
    seeds=2,
    steps=1000,
    record_at=tuple(range(0, 1000, 50)),
)


def value(trial: Trial, step: int) -> float:
    """A number that only this trial has at this step, with all that is not a number among them."""
    odd = {100: math.nan, 150: math.inf, 200: -math.inf}
    return odd.get(step, 1 / (1 + step) + int(trial.id[:8], 16) / 1e12)


def write_run(run: Path, experiment: Experiment = EXPERIMENT, name: str = "arrives") -> Plan:
    """A finished run of 16 trials, each with a number of rows of its own; a quarter has diverged."""
    plan = make_plan(name, experiment)
    write_plan(plan, run)
    for pack in plan.packs:
        rows, outcomes = [], []
        for number, trial in enumerate(pack.trials):
            diverged = trial.learning_rate == 4.0 and pack.shape.model.linear
            last = 500 if diverged else 1000
            for step in range(0, last - 50 * number, 50):
                rows += [(trial.id, step, "loss", value(trial, step), pack.id)]
                rows += [(trial.id, step, "test_error", 2 * value(trial, step), pack.id)] if step % 100 == 0 else []
            rows.append((trial.id, 0, "condition_number", 3e15, pack.id))
            said = "diverged" if diverged else "done"
            place = ("reference", "cpu", "host", "0.1.0", pack.id, "", 1, "", "", "")
            outcomes.append((trial.id, said, last, "", trial.learning_rate, 0.5, *place))
        store.write_records(run, pack.id, 0, pl.DataFrame(rows, schema=RECORDS, orient="row"))
        store.write_outcomes(run, pack.id, pl.DataFrame(outcomes, schema=OUTCOMES, orient="row"))
    return plan


def sync(*words: str) -> subprocess.CompletedProcess[str]:
    """The verb as a person types it."""
    return preloaded.run("sync", *words, cwd=ROOT)
