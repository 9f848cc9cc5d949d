"""Decomposition of the squared test error into fractions: the largest of them, and what would lower it.

``error^2 = approximation + features + sampling + optimisation + rounding``, each the difference of two
squared errors on the way from the target to the outputs of a trial, up to the error of the quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import polars as pl

from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.diagnostics.error_parts import ApproximationPart, OptimisationPart, RoundingPart, SamplingPart
from pipeline.experiment.trial import Shape
from pipeline.models.best_errors import best_error
from pipeline.models.greedy import Greedy
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import Task
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.verdicts import CANNOT_SAY

PARTS = ("approximation", "features", "sampling", "optimisation", "rounding", "quadrature")
"""In the order in which they lie on each other; ``quadrature`` is what is not known of their sum."""
RECORDED = {
    "approximation": ApproximationPart.name(),
    "sampling": SamplingPart.name(),
    "optimisation": OptimisationPart.name(),
    "rounding": RoundingPart.name(),
}
BAR = TestErrorBar.name()
AXES = ["panel_problem", "name", "width"]
LEAST_SAMPLING = -0.01
"""A fraction that no projection leaves to sampling, which is a square: below it, what projects is rounding."""
GREATEST_FRACTION = 2.0
"""A fraction beyond which parts cancel: what one adds another takes back, so that none is a part of the error."""
MOST_OFF = 1e-3
"""Of the squared error: what the parts may sum to beside it, and beside what the quadrature leaves open."""
THRESHOLD = 0.5, 2.0
"""Features for each training point between which least squares is near to where it begins to interpolate."""
CANCELLING = "parts cancel"
COLUMNS = {
    "error": pl.Float64,
    **dict.fromkeys(PARTS, pl.Float64),
    "mostly": pl.String,
    "advice": pl.String,
    "why": pl.String,
}


def error_parts(tables: RunTables) -> pl.DataFrame:
    """For each problem, model and width the parts of the squared test error of one trial, in fractions of it.

    Columns: ``panel_problem``, ``name``, ``width``; ``error``, the test error itself; a fraction for each of
    ``PARTS``, null where it is not known; ``mostly``, the largest of them, and ``advice``, what would lower it;
    ``why``, empty but where fractions say nothing: they cancel, or do not add up, or least squares is lost in
    rounding. The trial is that of the median error at the best learning rate, so that its fractions add up to 1. No
    rows where the parts are not recorded. Where the test error is no mean square, as of classes, fractions are of
    the mean square.

    Where the best model of a width is known, ``approximation`` is its error, and ``features`` what the features
    of the trial are worse. Elsewhere it is that of the features, which are the best only of a linear model.

    Args:
        tables: Of the run.

    Returns:
        A table in the order of the plan.
    """
    if not {"test_error", *RECORDED.values()} <= set(tables.best.columns):
        return pl.DataFrame()
    recorded = [pl.col(name).is_finite() for name in RECORDED.values()]
    known = tables.best.filter(pl.col("test_error").is_finite(), pl.col("test_error") > 0, *recorded)
    middle = (pl.len() - 1) // 2
    chosen = known.sort("test_error", "trial").group_by(AXES, maintain_order=True).agg(pl.all().get(middle))
    chosen = chosen.sort(AXES)
    rows = [_row(tables.plan.trials[row["trial"]].shape, row) for row in chosen.iter_rows(named=True)]
    parts = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    return pl.concat([chosen.select(AXES), parts], how="horizontal")


def _row(shape: Shape, recorded: dict[str, Any]) -> tuple[float | str | None, ...]:
    """The row of a trial, in the order of ``COLUMNS``."""
    squares = {part: recorded[name] for part, name in RECORDED.items()}
    whole = sum(squares.values())
    if shape.problem.task is Task.REGRESSION:
        error, bar = recorded["test_error"], recorded.get(BAR)
    else:  # whose test error is a fraction of answers
        error, bar = math.sqrt(max(whole, 0.0)) or math.nan, None
    fractions = _fractions(shape, error, squares, bar)
    adds_up = abs(whole / error**2 - 1) <= MOST_OFF + fractions.get("quadrature", 0)
    mostly, why = _largest(shape, fractions, adds_up=adds_up)
    of_parts = (fractions.get(part) for part in PARTS)
    return (recorded["test_error"], *of_parts, mostly, advice(shape, mostly), why)


def _fractions(shape: Shape, error: float, squares: dict[str, float], bar: float | None) -> dict[str, float]:
    """Parts in units of the squared error, those that are known."""
    parts = dict(squares)
    best = None if shape.model.linear else best_error(shape.problem, shape.model, shape.width)
    if best is not None:
        parts["approximation"], parts["features"] = best**2, squares["approximation"] - best**2
    if bar is not None:
        parts["quadrature"] = (2 * error + bar) * bar
    return {part: value / error**2 for part, value in parts.items()}


def _largest(shape: Shape, fractions: dict[str, float], *, adds_up: bool) -> tuple[str, str]:
    """The largest part; or that there is none to be named, and why."""
    if fractions["sampling"] <= LEAST_SAMPLING:
        return CANNOT_SAY, "the features depend on each other to rounding"
    if not adds_up:
        return CANNOT_SAY, f"the parts do not add up to the error: {_LOST}"
    most, least = max(fractions, key=lambda part: fractions[part]), min(fractions, key=lambda part: fractions[part])
    if fractions[most] <= GREATEST_FRACTION or fractions[least] >= 0:
        return most, ""
    added, taken_back = fractions[most], -fractions[least]
    why = f"{most} adds {added:.2g} times the squared error, of which {least} takes back {taken_back:.2g}"
    features, points = num_features(shape), shape.problem.train
    if most == "sampling" and THRESHOLD[0] <= features / points <= THRESHOLD[1]:
        why += f": with {points} training points for {features} features, near the interpolation threshold, "
        why += "least squares on these points is no measure of what was trained"
    return CANCELLING, why


_LOST = "least squares on the training points is lost in rounding"


def num_features(shape: Shape) -> int:
    """Weights of each output that least squares chooses: those of the hidden units and a bias, or of the functions."""
    return shape.width + isinstance(shape.model, Shallow)


def advice(shape: Shape, part: str) -> str:
    """What lowers a part of the error.

    Args:
        shape: What the trials have in common.
        part: One of ``PARTS``, or why there is no largest.

    Returns:
        A phrase that begins in lower case, without a full stop.
    """
    network, float32 = isinstance(shape.model, Shallow), shape.stored == "float32"
    match part:
        case "approximation" if network:
            return "more width, or other hidden units: train them longer"
        case "approximation":
            return f"more width, or another {'dictionary' if isinstance(shape.model, Greedy) else 'basis'}"
        case "features" if network:
            return "other hidden units: train them longer, or from more seeds"
        case "features":
            return "more training points, so that better functions are chosen"
        case "sampling":
            return "more training points" + (", or less noise" if getattr(shape.problem, "noise", 0) else "")
        case "optimisation":
            solver = "variable_projection" if network else "least_squares"
            solved = shape.optimizer.name() == solver
            return "train longer" if solved else f"train longer, or by {solver}"
        case "rounding":
            return "dtype: float64" if float32 else "a basis of a lower condition number"
        case "quadrature":
            return "more test points: until then nothing can be said of the parts"
        case _ if part == CANCELLING:
            return "more training points, or fewer features"
        case _:
            return "features that do not depend on each other to rounding"


def sentences(table: pl.DataFrame) -> Iterator[str]:
    """What most of the error is at the greatest width of each problem and model, and what to do."""
    for row in table.group_by("panel_problem", "name", maintain_order=True).last().iter_rows(named=True):
        where, most = f"{row['panel_problem']}, {row['name']}, width {row['width']}", row["mostly"]
        if most == CANNOT_SAY:
            yield f"{where}: {most}, {row['why']}."
        elif most == CANCELLING:
            yield f"{where}: {row['why']}. What helps: {row['advice']}."
        else:
            yield f"{where}: {100 * row[most]:.0f} % of the squared error is {most}. What lowers it: {row['advice']}."


def in_percent(table: pl.DataFrame) -> pl.DataFrame:
    """The table for a reader: fractions in percent of the squared error, where they are parts of it."""
    percents = [pl.when(pl.col("why") == "").then(100 * pl.col(part)).round(2) for part in PARTS]
    percent = [  # no zero below zero
        pl.when(value != 0).then(value).when(value == 0).then(0.0).alias(f"{part} %")
        for part, value in zip(PARTS, percents, strict=True)
    ]
    return table.select(
        pl.col("panel_problem").cast(pl.String).alias("problem"),
        pl.col("name").cast(pl.String).alias("model"),
        "width",
        pl.col("error").alias("test_error"),
        "mostly",
        *percent,
        pl.col("advice").alias("what lowers it"),
    ).rename({"quadrature %": "quadrature +- %"})
