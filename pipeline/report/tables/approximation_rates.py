"""How fast errors fall with the width, beside the rate that theory guarantees.

Theory is one-sided here: a bound says that a best approximation exists which is no worse, so
an error that falls faster contradicts nothing, and one that falls slower shows what training,
the number of points or noise added to it. Errors that are all rounding, and those of the quadrature that measures
them, say nothing about a rate.

Shape letters: C curves, R repetitions by seed.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch

from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.experiment.trial import Shape
from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial
from pipeline.models.bases.random import RandomFeatures
from pipeline.models.linear import Linear
from pipeline.numerics.convergence_rates import Rate, Verdict, fit_rates, verdict
from pipeline.numerics.rate_windows import LEAST_POINTS
from pipeline.optimizers.rules import LeastSquares
from pipeline.plans import Plan
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem
from pipeline.report.answer.best import at_best_rate
from pipeline.report.tables.cells import curve_of, repeated_in
from pipeline.report.tables.results import criterion
from pipeline.report.theory.approximation_bounds import NO_BOUND, bound_of

BAR = TestErrorBar.name()
ROUNDINGS = 100.0
"""Errors of at most N units in the last place of the target are rounding; this is N."""
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


@dataclass(frozen=True)
class ErrorCurve:
    """Errors of one problem and model at all its widths.

    Args:
        shape: At any of the widths.
        widths: W widths, increasing.
        errors_RW: Errors in units of the target, ``[R, W]``.
    """

    shape: Shape
    widths: tuple[float, ...]
    errors_RW: torch.Tensor

    @property
    def floor(self) -> float | None:
        """What the errors cannot fall below, 0 for exact least squares; ``None`` where that is not known."""
        noiseless = getattr(self.shape.problem, "noise", None) == 0
        return 0.0 if isinstance(self.shape.optimizer, LeastSquares) and noiseless else None

    @property
    def exact(self) -> bool:
        """Whether the errors are without chance."""
        return without_chance(self.shape)

    @property
    def stable(self) -> ErrorCurve:
        """The curve up to the width where least squares is sure to be near the best approximation."""
        most = most_stable_width(self.shape)
        widths = tuple(width for width in self.widths if width <= most)
        return ErrorCurve(self.shape, widths, self.errors_RW[:, : len(widths)])

    @property
    def less_sampling(self) -> ErrorCurve:
        """The curve without what finitely many points may have added to it."""
        return ErrorCurve(self.shape, self.widths, self.errors_RW / sampling(self.shape, list(self.widths)))


def rates(plan: Plan, results: pl.DataFrame) -> pl.DataFrame:
    """One row for every problem and model: the rate of the test error in the width, and what that says of a bound.

    Errors are those at the best learning rate of each width. No rows where fewer than five widths ran, or where the
    criterion is no error of a regression. ``from`` and ``to`` are the ends of the interval of 90 %.

    Args:
        plan: Of the run.
        results: One row for every trial.

    Returns:
        A table with a verdict in each row.
    """
    axes = curve_of(results)
    keys, curves = [], []
    if criterion(results) == "test_error" and len(plan.experiment.widths) >= LEAST_POINTS:
        shapes = {pack.trials[0].id: pack.shape for pack in plan.packs}
        best = at_best_rate(results).filter(pl.col("score").is_not_null())
        for key, trial in _first_trials(results, axes, shapes).items():
            shape = shapes[trial]
            trials = best.filter(*(pl.col(name).eq_missing(value) for name, value in zip(axes, key, strict=True)))
            if shape.problem.task is Task.REGRESSION and not trials.is_empty():
                keys.append(key)
                curves.append(ErrorCurve(shape, *_errors(trials, rounding_of(shape))))
    rows = [(*key, *_row(curve, rate)) for key, curve, rate in zip(keys, curves, _fitted(curves), strict=True)]
    return pl.DataFrame(rows, schema={**{name: results.schema[name] for name in axes}, **COLUMNS}, orient="row")


def _first_trials(results: pl.DataFrame, axes: list[str], shapes: dict[str, Shape]) -> dict[tuple[object, ...], str]:
    """A trial of each problem and model, by their columns."""
    firsts = results.filter(pl.col("trial").is_in(list(shapes))).unique(axes, keep="first", maintain_order=True)
    return {row[1:]: row[0] for row in firsts.select("trial", *axes).iter_rows()}


def _errors(trials: pl.DataFrame, rounding: float) -> tuple[tuple[float, ...], torch.Tensor]:
    """Widths, and errors ``[R, W]``: one row where all seeds agree, as those of a model without randomness do.

    Rounding is 0, and what the quadrature does not know to a digit is NaN.

    Returns:
        Widths in increasing order, and errors in units of the target.
    """
    unsure = pl.col("score") <= ABOVE_BAR * pl.col(BAR) if BAR in trials.columns else pl.lit(False)
    is_rounding = pl.col("score") <= rounding
    known = trials.with_columns(
        pl.when(is_rounding).then(0.0).when(unsure).then(math.nan).otherwise("score").alias("score")
    )
    by_width = (
        known.sort("width").group_by("width", maintain_order=True).agg(pl.col("score").sort_by(repeated_in(known)))
    )
    most = max(by_width["score"].list.len())
    rows = [list(errors) + [math.inf] * (most - len(errors)) for errors in by_width["score"]]
    errors_RW = torch.tensor(rows, dtype=torch.float64).mT
    alike = bool(torch.isclose(errors_RW, errors_RW[:1], rtol=0, atol=0, equal_nan=True).all())
    return tuple(float(width) for width in by_width["width"]), errors_RW[:1] if alike else errors_RW


def rounding_of(shape: Shape) -> float:
    """The error below which nothing but rounding is left: ``100 eps`` times the root mean square of the target.

    Args:
        shape: Its dtype sets eps; a table is taken to have targets of size 1.

    Returns:
        In units of the target.
    """
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
    equally spaced, and errors that fall exponentially are lost in that first. Of other models it is infinite.

    Args:
        shape: Model, optimizer and number of points.

    Returns:
        A width, or infinity.

    Source: Cohen, Davenport, Leviatan, "On the stability and accuracy of least squares approximations" (2013).
    """
    solved = isinstance(shape.optimizer, LeastSquares)
    return math.sqrt(shape.problem.train) if polynomial(shape) and solved else math.inf


def _row(curve: ErrorCurve, fitted: Rate) -> tuple[object, ...]:
    bound, why = bound_of(curve.shape.problem, curve.shape.model)
    known = (None, None, None) if fitted.refused or fitted.decays else (fitted.rate, fitted.low, fitted.high)
    between = "" if fitted.refused else f"{fitted.first_width:g} to {fitted.last_width:g}"
    exact_from = _exact_from(list(curve.widths), curve.errors_RW)
    return (between, *known, bound, why, _verdict(fitted, bound, exact_from))


def _fitted(curves: Sequence[ErrorCurve]) -> list[Rate]:
    """The rates, whether or not the finite number of points has added to the errors what it adds on average."""
    found = _rates_of(curves)
    stable = {place: curve.stable for place, curve in enumerate(curves) if not found[place].decays}
    stable = {place: curve for place, curve in stable.items() if 0 < len(curve.widths) < len(curves[place].widths)}
    for place, there in zip(stable, _rates_of(list(stable.values())), strict=True):
        found[place] = there if there.decays else found[place]
    sampled = {
        place: curve.less_sampling
        for place, curve in enumerate(curves)
        if curve.shape.model.linear and not (found[place].refused or found[place].decays)
    }
    for place, less in zip(sampled, _rates_of(list(sampled.values())), strict=True):
        if not less.refused:
            low, high = min(found[place].low, less.low), max(found[place].high, less.high)
            found[place] = dataclasses.replace(found[place], low=low, high=high)
    return found


def _rates_of(curves: Sequence[ErrorCurve]) -> list[Rate]:
    """The rate of each curve; those that are fitted alike are fitted in one stack, which takes as long as one."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, curve in enumerate(curves):
        alike.setdefault((curve.widths, len(curve.errors_RW), curve.floor, curve.exact), []).append(place)
    found: dict[int, Rate] = {}
    for places in alike.values():
        first, errors_CRW = curves[places[0]], torch.stack([curves[place].errors_RW for place in places])
        fits = fit_rates(first.widths, errors_CRW, first.floor, exact=first.exact)
        found |= dict(zip(places, fits, strict=True))
    return [found[place] for place in range(len(curves))]


def sampling(shape: Shape, widths: list[float]) -> torch.Tensor:
    """By which factor P points may raise the errors of least squares: ``sqrt(1 + K / P)``.

    K is the largest sum of squares of m orthonormal functions: about m of bounded ones, m^2 of polynomials at the ends,
    which descent from small weights does not reach.

    Args:
        shape: Model, optimizer and number of points.
        widths: W widths.

    Returns:
        Shape ``[W]``.

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


def _verdict(fitted: Rate, bound: float | None, exact_from: float | None) -> str:
    if fitted.decays:
        return f"{Verdict.EXPONENTIAL.value}, exp(-{fitted.decay:.2g} m)"
    if fitted.refused and exact_from is not None:
        return f"exact to rounding from width {exact_from:g} on"
    if fitted.refused:
        return f"{Verdict.CANNOT_SAY.value}: {fitted.refused}"
    return NO_BOUND if bound is None else verdict(fitted, bound).value
