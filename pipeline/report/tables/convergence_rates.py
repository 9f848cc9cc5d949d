"""How fast errors fall with the width, beside the rate that theory guarantees.

Theory is one-sided here: a bound says that a best approximation exists which is no worse, so
an error that falls faster contradicts nothing, and one that falls slower shows what training,
the number of points or noise added to it. Errors that are all rounding, and those of the quadrature that measures
them, say nothing about a rate.

Errors are root mean squares, not squared. For a fixed basis the bound is Jackson's: width^(-s/D)
for a target of smoothness s in D dimensions, unless the basis itself is of a lower order. It is one of the mean square
over a box, where the basis has its order: inside [-1, 1]^D, and for polynomials anywhere. For a network the bound is
Barron's, width^(-1/2) in any dimension, where the target has a Barron constant and the inputs are bounded. What a bound
supposes, the classes of target, measure and basis claim; elsewhere there is none.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import polars as pl
import torch

from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.experiment.trial import Shape
from pipeline.models.activations import Identity, LeakyRelu, Relu
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial
from pipeline.models.bases.random import RandomFeatures, RandomRelu
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.convergence_rates import Rate, Verdict, fit_rate, verdict
from pipeline.numerics.rate_windows import LEAST_POINTS
from pipeline.numerics.subset_selection import ridge_rate
from pipeline.optimizers.rules import LeastSquares
from pipeline.plan import Plan
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.results import PROBLEM, at_best_rate, criterion

BARRON = 0.5
RANDOM = 0.5
BAR = TestErrorBar.name()
NO_BOUND = "no bound known"
ROUNDINGS = 100.0
"""Errors of so many units in the last place of the target are rounding."""
ABOVE_BAR = 10.0
"""Errors of fewer uncertainties of their own are left out."""
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
    if problem.task is not Task.REGRESSION:
        return None, NO_BOUND
    target, dimension = problem.target, problem.dimension
    if isinstance(model, Shallow) and not isinstance(model.activation, Identity):
        if isinstance(target, AbsoluteValue) and dimension == 1 and isinstance(model.activation, Relu | LeakyRelu):
            return None, "two units hold |x| exactly"
        if not math.isfinite(max(map(abs, problem.bounds))):
            return None, f"{NO_BOUND} under the law {problem.measure.label()}"
        constant = target.barron_constant(dimension)
        known = constant is not None and math.isfinite(constant)
        return (BARRON, f"Barron: C = {constant:.3g}") if known else (None, "no Barron constant is known")
    if isinstance(model, Greedy):
        return _greedy(problem, model)
    if not isinstance(model, Linear) or model.coordinates != "cartesian":
        return None, NO_BOUND
    if isinstance(model.basis, RandomFeatures):
        inside = -1 <= problem.bounds[0] <= problem.bounds[1] <= 1
        known = inside and model.basis.holds_with_bounded_weights(target, dimension)
        return (RANDOM, "Rahimi, Recht: bounded weights, in the mean") if known else (None, NO_BOUND)
    order = model.basis.approximation_order()
    return (None, NO_BOUND) if order is None else _jackson(problem, model.basis, order)


def _greedy(problem: FunctionProblem, model: Greedy) -> tuple[float | None, str]:
    """None, but for ridges what holds if the dictionary has all of them, and not some that were drawn."""
    barron = problem.target.barron_constant(problem.dimension)
    smooth = math.isinf(problem.target.smoothness) and barron is not None and math.isfinite(barron)
    inside = -1 <= problem.bounds[0] <= problem.bounds[1] <= 1
    if not (isinstance(model.dictionary, RandomRelu) and smooth and inside):
        return None, NO_BOUND
    rate = ridge_rate(problem.dimension, power=1)
    return None, f"{NO_BOUND} of ridges that are drawn; of all ridges Siegel, Xu have {rate:.3g}"


def _jackson(problem: FunctionProblem, basis: Basis, order: float) -> tuple[float | None, str]:
    """The bound in the mean square over a box, by functions that have their order there."""
    (low, high), dimension = problem.bounds, problem.dimension
    if not problem.measure.fills_the_box:
        return None, f"{NO_BOUND} under the law {problem.measure.label()}"
    if not (basis.order_holds_everywhere or -1 <= low < high <= 1):
        return None, f"{NO_BOUND} for {basis.name()} on [{low:g}, {high:g}]"
    smoothness = problem.target.smoothness_on(low, high)
    least = min(smoothness, order)
    if math.isinf(least):
        return None, "faster than any power"
    why = "order of the basis" if order < smoothness else "smoothness"
    return least / dimension, f"Jackson: {why} {least:g}" + (f" / {dimension} inputs" if dimension > 1 else "")


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
                rows.append((*key, *_row(shape, *_errors(trials, rounding_of(shape)))))
    return pl.DataFrame(rows, schema={**{name: results.schema[name] for name in axes}, **COLUMNS}, orient="row")


def _first_trials(results: pl.DataFrame, axes: list[str], shapes: dict[str, Shape]) -> dict[tuple[object, ...], str]:
    """A trial of each problem and model, by their columns."""
    firsts = results.filter(pl.col("trial").is_in(list(shapes))).unique(axes, keep="first", maintain_order=True)
    return {row[1:]: row[0] for row in firsts.select("trial", *axes).iter_rows()}


def _errors(trials: pl.DataFrame, rounding: float) -> tuple[list[float], torch.Tensor]:
    """Widths, and errors ``[S, W]``: one row where all seeds agree, as those of a model without randomness do.

    Rounding is 0, and what the quadrature does not know to a digit is NaN.
    """
    unsure = pl.col("score") <= ABOVE_BAR * pl.col(BAR) if BAR in trials.columns else pl.lit(False)
    is_rounding = pl.col("score") <= rounding
    known = trials.with_columns(
        pl.when(is_rounding).then(0.0).when(unsure).then(math.nan).otherwise("score").alias("score")
    )
    by_width = known.sort("width").group_by("width", maintain_order=True).agg(pl.col("score").sort_by("seed"))
    most = max(by_width["score"].list.len())
    rows = [list(errors) + [math.inf] * (most - len(errors)) for errors in by_width["score"]]
    errors_RW = torch.tensor(rows, dtype=torch.float64).mT
    alike = bool(torch.isclose(errors_RW, errors_RW[:1], rtol=0, atol=0, equal_nan=True).all())
    return [float(width) for width in by_width["width"]], errors_RW[:1] if alike else errors_RW


def rounding_of(shape: Shape) -> float:
    """The error below which nothing but rounding is left of a target."""
    problem = shape.problem
    square = problem.target.mean_square(problem.dimension) if isinstance(problem, FunctionProblem) else None
    unit = torch.finfo(torch.float32 if shape.stored == "float32" else torch.float64).eps
    return ROUNDINGS * unit * math.sqrt(1.0 if square is None else square)


def without_chance(shape: Shape) -> bool:
    """Whether errors at all widths are functions of the same points alone: models that draw nothing themselves."""
    model = shape.model
    return model.linear and not (isinstance(model, Linear) and isinstance(model.basis, RandomFeatures))


def most_stable_width(shape: Shape) -> float:
    """The width up to which least squares on the training points is sure to be near the best approximation.

    Of polynomials it is the root of the number of points: beyond it they may swing between points that are random or
    equally spaced, and errors that fall exponentially are lost in that first.

    Source: Cohen, Davenport, Leviatan, "On the stability and accuracy of least squares approximations" (2013).
    """
    solved = isinstance(shape.optimizer, LeastSquares)
    return math.sqrt(shape.problem.train) if polynomial(shape) and solved else math.inf


def _row(shape: Shape, widths: list[float], errors_RW: torch.Tensor) -> tuple[object, ...]:
    fitted = _fitted(shape, widths, errors_RW)
    bound, why = bound_of(shape.problem, shape.model)
    known = (None, None, None) if fitted.refused or fitted.decays else (fitted.rate, fitted.low, fitted.high)
    between = "" if fitted.refused else f"{fitted.first_width:g} to {fitted.last_width:g}"
    return (between, *known, bound, why, _said(fitted, bound, _exact_from(widths, errors_RW)))


def _fitted(shape: Shape, widths: list[float], errors_RW: torch.Tensor) -> Rate:
    """The rate, whether or not the finite number of points has added to the errors what it adds on average."""
    noiseless = getattr(shape.problem, "noise", None) == 0
    floor = 0.0 if isinstance(shape.optimizer, LeastSquares) and noiseless else None
    measured = fit_rate(widths, errors_RW, floor, exact=without_chance(shape))
    stable = [width for width in widths if width <= most_stable_width(shape)]
    if not measured.decays and 0 < len(stable) < len(widths):
        there = (
            fit_rate(stable, errors_RW[:, : len(stable)], floor, exact=without_chance(shape)) if stable else measured
        )
        measured = there if there.decays else measured
    if measured.refused or measured.decays or not shape.model.linear:
        return measured
    less = fit_rate(widths, errors_RW / sampling(shape, widths), floor, exact=without_chance(shape))
    if less.refused:
        return measured
    return dataclasses.replace(measured, low=min(measured.low, less.low), high=max(measured.high, less.high))


def sampling(shape: Shape, widths: list[float]) -> torch.Tensor:
    """By which factor N points may raise the errors of least squares: ``sqrt(1 + K / N)``, ``[W]``.

    K is the largest sum of squares of m orthonormal functions: about m of bounded ones, m^2 of polynomials at the ends,
    which descent from small weights does not reach.

    Source: Cohen, Davenport, Leviatan, "On the stability and accuracy of least squares approximations" (2013).
    """
    widths_W = torch.tensor(widths, dtype=torch.float64)
    largest_W = widths_W.square() if math.isfinite(most_stable_width(shape)) else widths_W
    return (1 + largest_W / shape.problem.train).sqrt()


def polynomial(shape: Shape) -> bool:
    """Whether a model is a polynomial of one input."""
    basis = shape.model.basis if isinstance(shape.model, Linear) else None
    return isinstance(basis, Monomial | Legendre | Chebyshev) and shape.problem.num_inputs == 1


def _exact_from(widths: list[float], errors_RW: torch.Tensor) -> float | None:
    """The width from which on every error is rounding."""
    exact = (errors_RW == 0).all(dim=0).tolist()
    tail = list(itertools.takewhile(lambda pair: pair[1], zip(reversed(widths), reversed(exact), strict=True)))
    return tail[-1][0] if tail else None


def _said(fitted: Rate, bound: float | None, exact_from: float | None) -> str:
    if fitted.decays:
        return f"{Verdict.EXPONENTIAL.value}, exp(-{fitted.decay:.2g} m)"
    if fitted.refused and exact_from is not None:
        return f"exact to rounding from width {exact_from:g} on"
    if fitted.refused:
        return f"{Verdict.CANNOT_SAY.value}: {fitted.refused}"
    return NO_BOUND if bound is None else verdict(fitted, bound).value
