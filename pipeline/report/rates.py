"""How fast errors fall with the width, beside the rate that theory guarantees.

Theory is one-sided here: a bound says that a best approximation exists which is no worse, so
an error that falls faster contradicts nothing, and one that falls slower shows what training,
the number of points or noise added to it.

Errors are root mean squares, not squared. For a fixed basis the bound is Jackson's: width^(-s/D)
for a target of smoothness s in D dimensions, unless the basis itself is of a lower order. For a network it is
Barron's, width^(-1/2) in any dimension, where the target has a Barron constant.
"""

from __future__ import annotations

import math

import polars as pl
import torch

from pipeline.experiment.trial import Shape
from pipeline.models.activations import Identity
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.rate_windows import LEAST_POINTS
from pipeline.numerics.rates import Rate, Verdict, fit_rate, verdict
from pipeline.plan import Plan
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.report.tables import PROBLEM, at_best_rate, criterion

BARRON = 0.5
NO_BOUND = "no bound known"
COLUMNS = {
    "widths": pl.String,
    "rate": pl.Float64,
    "from": pl.Float64,
    "to": pl.Float64,
    "bound": pl.Float64,
    "theory": pl.String,
    "against the bound": pl.String,
}


def bound_of(problem: Problem, model: Model) -> tuple[float | None, str]:
    """The rate that theory guarantees for the best approximation, and why; ``None`` where it guarantees none."""
    if not isinstance(problem, FunctionProblem):
        return None, "of a table nothing is known"
    target, dimension = problem.target, problem.dimension
    if isinstance(model, Shallow) and not isinstance(model.activation, Identity):
        constant = target.barron_constant(dimension)
        known = constant is not None and math.isfinite(constant)
        return (BARRON, f"Barron: C = {constant:.3g}") if known else (None, "no Barron constant is known")
    if isinstance(model, Linear) and model.coordinates == "cartesian" and model.basis.order is not None:
        order = min(target.smoothness, model.basis.order)
        if math.isinf(order):
            return None, "faster than any power"
        why = "order of the basis" if model.basis.order < target.smoothness else "smoothness"
        return order / dimension, f"Jackson: {why} {order:g}" + (f" / {dimension} inputs" if dimension > 1 else "")
    return None, NO_BOUND


def rates(plan: Plan, results: pl.DataFrame) -> pl.DataFrame:
    """One row for every problem and model: the rate of the test error in the width, and what that says of a bound.

    Errors are those at the best learning rate of each width. No rows where fewer than five widths ran, or where the
    criterion is no error of a regression. ``from`` and ``to`` are the ends of the interval of 90 %.
    """
    axes = [*PROBLEM, "model"]
    shapes = {pack.trials[0].id: pack.shape for pack in plan.packs}
    best = at_best_rate(results).filter(pl.col("score").is_not_null())
    rows = []
    if criterion(results) == "test_error" and len(plan.experiment.widths) >= LEAST_POINTS:
        of_trial = {trial: key for key, trial in _first_trials(results, axes, shapes).items()}
        for trial, key in of_trial.items():
            shape = shapes[trial]
            trials = best.filter(*(pl.col(name).eq_missing(value) for name, value in zip(axes, key, strict=True)))
            if shape.problem.task is Task.REGRESSION and not trials.is_empty():
                rows.append((*key, *_row(shape, *_errors(trials))))
    return pl.DataFrame(rows, schema={**{name: results.schema[name] for name in axes}, **COLUMNS}, orient="row")


def _first_trials(results: pl.DataFrame, axes: list[str], shapes: dict[str, Shape]) -> dict[tuple[object, ...], str]:
    """A trial of each problem and model, by their columns."""
    firsts = results.filter(pl.col("trial").is_in(list(shapes))).unique(axes, keep="first", maintain_order=True)
    return {row[1:]: row[0] for row in firsts.select("trial", *axes).iter_rows()}


def _errors(trials: pl.DataFrame) -> tuple[list[float], torch.Tensor]:
    """Widths, and errors ``[S, W]``: one row where all seeds agree, as those of a model without randomness do."""
    by_width = trials.sort("width").group_by("width", maintain_order=True).agg(pl.col("score").sort_by("seed"))
    most = max(by_width["score"].list.len())
    rows = [list(errors) + [math.inf] * (most - len(errors)) for errors in by_width["score"]]
    errors_SW = torch.tensor(rows, dtype=torch.float64).mT
    alike = bool((errors_SW == errors_SW[:1]).all())
    return [float(width) for width in by_width["width"]], errors_SW[:1] if alike else errors_SW


def _row(shape: Shape, widths: list[float], errors_SW: torch.Tensor) -> tuple[object, ...]:
    fitted = fit_rate(widths, errors_SW)
    bound, why = bound_of(shape.problem, shape.model)
    known = () if fitted.refused else (fitted.rate, fitted.low, fitted.high)
    between = "" if fitted.refused else f"{fitted.first_width:g} to {fitted.last_width:g}"
    return (between, *(known or (None, None, None)), bound, why, _said(fitted, bound))


def _said(fitted: Rate, bound: float | None) -> str:
    if fitted.refused:
        return f"{Verdict.CANNOT_SAY.value}: {fitted.refused}"
    return NO_BOUND if bound is None else verdict(fitted, bound).value
