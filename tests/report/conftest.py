"""A small run with known numbers, written as training writes one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from drawn_run import fit_of

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Trial
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan, write_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

HOSTILE = "<script>alert(1)</script> & [red]more[/red] Donaudampfschifffahrt" + "sgesellschaft" * 9
LIMIT = 2.0
X = np.linspace(-1, 1, 201)
PARTS = {"approximation": 0.5, "sampling": 0.375, "optimisation": 0.25, "rounding": -0.125}
"""Fractions of the squared test error."""
MODELS = (Linear(Monomial()), Linear(), Shallow())

EXPERIMENT = Experiment(
    f"Does it work? {HOSTILE}",
    MODELS,
    (2, 4),
    target=(AbsoluteValue(),),
    inputs=Inputs(seed="trial"),
    learning_rates=(0.5, 4.0),
    seeds=2,
    steps=10,
    record_at=(0, 1, 10),
)


def final_error(trial: Trial) -> float:
    """The test error at the end: falls with the width, differs by model and seed."""
    return 0.1 * (MODELS.index(trial.shape.model) + 1) / trial.shape.width * (1 + 0.1 * trial.seed)


def is_pending(pack: Pack) -> bool:
    return not pack.shape.model.linear and pack.shape.width == 4


def status(trial: Trial) -> str:
    """Above the limit linear trials diverge; one rate of the narrow network failed."""
    if trial.learning_rate == 0.5:
        return "done"
    return "diverged" if trial.shape.model.linear else "failed"


def numbers(trial: Trial, pending: bool) -> Iterator[tuple[int, str, float]]:
    """What is recorded of a trial; the first steps only where it still runs, diverges or failed."""
    for step, loss in ((0, 1.0), (1, 9.0 if status(trial) == "diverged" else 0.5)):
        yield step, "loss", loss
        yield step, "test_error", math.sqrt(2 * loss)
    if status(trial) == "done" and not pending:
        error = final_error(trial)
        yield 10, "loss", error**2 / 2
        yield 10, "test_error", math.nan if not trial.shape.model.linear and trial.seed else error
        yield 10, "test_error_bar", error / 100
        for part, fraction in PARTS.items():
            yield 10, f"{part}_part", fraction * error**2
    if not trial.shape.model.linear:
        for step, norm in ((0, 1.0), (1, 2.0)):
            yield step, "weight_norm", norm
            yield step, "gradient_norm", 1 / norm
        yield 0, "stability_index", math.nan if trial.seed else 0.4
        yield 1, "stability_index", 0.9 + 0.1 * trial.seed
    if trial.shape.model.linear:
        yield 0, "largest_stable_learning_rate", LIMIT
        conditions = {("linear(legendre)", 4): math.inf, ("linear(monomial)", 4): 3e15}
        yield 0, "condition_number", conditions.get((trial.shape.model.label(), trial.shape.width), 10.0)
        yield 0, "least_squares_error", final_error(trial) / 2
        yield 0, "gram_condition_number", 10.0 * trial.shape.width * (MODELS.index(trial.shape.model) + 1)
        yield 0, "predicted_steps", 5.0 * trial.shape.width
        reached = (0, 1, 10) if status(trial) == "done" and not pending else (0, 1)
        yield from ((step, "excess_loss", 0.5**step) for step in reached)


def outcome(trial: Trial, pack: Pack) -> tuple[object, ...]:
    state = status(trial)
    step = {"done": 10, "diverged": 7, "failed": None}[state]
    reason = HOSTILE if state == "failed" else ""
    return (
        trial.id,
        state,
        step,
        reason,
        trial.learning_rate,
        0.5,
        "fused",
        "cpu",
        "host<1>",
        "0.1.0",
        pack.id,
        "",
        1,
        "",
        "",
        "",
    )


def write_run(run: Path, plan: Plan) -> None:
    write_plan(plan, run)
    for pack in plan.packs:
        pending = is_pending(pack)
        rows = [(trial.id, *row, pack.id) for trial in pack.trials for row in numbers(trial, pending)]
        store.write_records(run, pack.id, 0, pl.DataFrame(rows, schema=RECORDS, orient="row"))
        if not pending:
            outcomes = [outcome(trial, pack) for trial in pack.trials]
            store.write_outcomes(run, pack.id, pl.DataFrame(outcomes, schema=OUTCOMES, orient="row"))
            best = pack.trials[0]
            fit = fit_of(X, np.abs(X) + final_error(best))
            store.write_fitted_samples(run, pack.id, fit.with_columns(trial=pl.lit(best.id)))


@dataclass(frozen=True)
class Run:
    """The run's folder and what is read from it."""

    folder: Path
    plan: Plan
    records: pl.DataFrame
    outcomes: pl.DataFrame
    results: pl.DataFrame
    tables: RunTables


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 24 trials: 10 done, 8 diverged, 2 failed, 4 pending."""
    folder, plan = tmp_path_factory.mktemp("run"), make_plan("a_question", EXPERIMENT)
    write_run(folder, plan)
    records, outcomes = store.read_records(folder), store.read_outcomes(folder)
    table = results(plan, records, outcomes)
    tables = RunTables(plan, table, records, store.read_fitted_samples(folder))
    return Run(folder, plan, records, outcomes, table, tables)
