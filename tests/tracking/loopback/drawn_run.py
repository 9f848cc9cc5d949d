"""A small finished run with known numbers, in which every figure of the report has something to show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from synthetic_run import BY_NAME, UNSHOWN, drawn, tables_of

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Trial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.figures.figure import FigureSpec

HOSTILE = "<script>alert(1)</script> | more"
X = np.linspace(-1, 1, 21)
PARTS = {"approximation": 0.5, "sampling": 0.375, "optimisation": 0.25, "rounding": -0.125}
"""Shares of the squared test error."""
EXPERIMENT = Experiment(
    "Does it work?",
    (Linear(), Shallow()),
    (2, 4),
    target=(AbsoluteValue(),),
    learning_rates=(0.5, 4.0),
    inputs=Inputs(seed="trial"),
    seeds=2,
    steps=10,
    record_at=(0, 10),
)
RATES = (0.5, 0.9, 1.5, 2.5)
PHASED = replace(EXPERIMENT, models=(Shallow(),), widths=(2, 4, 8, 16), learning_rates=TimesLimits(RATES))
"""Of networks at multiples of their limit: rates that are numbers have no phases."""


def status(trial: Trial) -> str:
    """Linear trials of the high rate diverged, those of the network failed."""
    if trial.learning_rate == 0.5:
        return "done"
    return "diverged" if trial.shape.model.linear else "failed"


def numbers(trial: Trial) -> list[tuple[int, str, float]]:
    end = {"done": 0.1, "diverged": 9.0, "failed": 1.0}[status(trial)] / trial.shape.width
    losses = [(step, name, value) for step, value in ((0, 1.0), (10, end)) for name in ("loss", "test_error")]
    for step, norm in ((0, 1.0), (10, 2.0)):
        losses += [(step, "weight_norm", norm), (step, "gradient_norm", 1 / norm)]
    losses += [(10, f"{part}_part", share * end**2) for part, share in PARTS.items()]
    if not trial.shape.model.linear:
        return losses + [(step, "stability_index", value) for step, value in ((0, 0.4), (10, 0.9))]
    exact = [("largest_stable_learning_rate", 2.0), ("condition_number", 3.0), ("least_squares_error", end / 2)]
    exact += [("gram_condition_number", 9.0 * trial.shape.width), ("predicted_steps", 2.0 * trial.shape.width)]
    losses += [(step, "excess_loss", 0.5**step) for step in (0, 10)]
    return losses + [(0, name, value) for name, value in exact]


def outcome(trial: Trial, pack: Pack) -> tuple[object, ...]:
    said = status(trial)
    step, reason = {"done": (10, ""), "diverged": (7, ""), "failed": (None, HOSTILE)}[said]
    where = ("fused", "cpu", "host", "0.1.0", pack.id, "", 1, "", "", "")
    return (trial.id, said, step, reason, trial.learning_rate, 0.5, *where)


def fit_of(x: np.ndarray, value: np.ndarray) -> pl.DataFrame:
    """A fit along a line, and, as if it were about the plane as well, over a grid and of hidden units."""
    across, up = (side.ravel() for side in np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)))
    parts = {
        "line": (x, np.full_like(x, np.nan), value),
        "plane": (across, up, across - up),
        "hidden": (across, up, across > 0),
    }
    tables = [
        pl.DataFrame({"x": one, "y": other, "value": values.astype(float)}).with_columns(space=pl.lit(space))
        for space, (one, other, values) in parts.items()
    ]
    return pl.concat(tables).with_columns(pl.col("y").fill_nan(None))


def write_run(folder: Path, name: str = "a_question", widths: tuple[int, ...] = EXPERIMENT.widths) -> Path:
    """Write it as training writes one: of two widths 16 trials, of which 8 are done, 4 diverged and 4 failed."""
    plan = make_plan(name, replace(EXPERIMENT, widths=widths))
    write_plan(plan, folder)
    for pack in plan.packs:
        rows = [(trial.id, *row, pack.id) for trial in pack.trials for row in numbers(trial)]
        store.write_records(folder, pack.id, 0, pl.DataFrame(rows, schema=RECORDS, orient="row"))
        outcomes = [outcome(trial, pack) for trial in pack.trials]
        store.write_outcomes(folder, pack.id, pl.DataFrame(outcomes, schema=OUTCOMES, orient="row"))
        fit = fit_of(X, np.abs(X) + 0.1)
        store.write_fitted_samples(folder, pack.id, fit.with_columns(trial=pl.lit(pack.trials[0].id)))
    return folder


def write_phases(folder: Path) -> None:
    """Write the figures that the run cannot have, of phases and of moved units, beside the others, as if its own."""

    def losses(trial: Trial) -> list[tuple[int, str, float]]:
        rises, moved = trial.learning_rate.times_limit > 1, 0.1 / trial.shape.width
        ends = [(0, "loss", 1.0), (1, "loss", 1.5 if rises else 0.9), (10, "loss", 0.1)]
        return [*ends, (1, "feature_change", moved), (10, "feature_change", 2 * moved)]

    for name in UNSHOWN:
        chart = drawn(name, tables_of(PHASED, losses)) | {"description": BY_NAME[name].caption}
        FigureSpec(BY_NAME[name], chart).write_json(folder / "figures")
