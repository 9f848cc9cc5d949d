"""Errors that are known exactly at every width, to hold the error of any model against.

Three of them, all root mean squares over [-1, 1]^D under the uniform law:

- the mean of m random cosines, of the bell: its squared error is a constant over m in expectation, in any dimension;
- the best ReLU network of m units, of the parabola, below which no such network comes;
- the best continuous line of m + 1 pieces, which is what m ReLUs of one input make: the limit for large m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch

from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.experiment.trial import Shape
from pipeline.models.activations import Relu
from pipeline.models.best_errors import best_error, free_knot_constant
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.plan import Plan
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.problems.targets import Gaussian
from pipeline.report.tables.results import PROBLEM, at_best_rate, criterion
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS

RANDOM_COSINES = "mean of random cosines"
BEST_NETWORK = "best ReLU network"
BEST_PIECES = "best linear pieces (limit)"
DASHES = {RANDOM_COSINES: [10, 3], BEST_NETWORK: [1, 0], BEST_PIECES: [3, 2]}
BARS = 3
"""Error bars that a measured error may lie below an exact one."""
ROUNDINGS = 8
"""Roundings of outputs of size 1 that it may lie below."""
NO_BAR = f"cannot say: no {TestErrorBar.name()} is recorded"
EPS = {"float32": torch.finfo(torch.float32).eps, "float64": torch.finfo(torch.float64).eps}
COLUMNS = {
    "yardstick": pl.String,
    "width": pl.Int64,
    "test_error": pl.Float64,
    "yardstick_error": pl.Float64,
    "ratio": pl.Float64,
    "verdict": pl.String,
}


@dataclass(frozen=True)
class Yardstick:
    """An error at each width.

    Args:
        name: One of the keys of ``DASHES``.
        errors: Root mean squares by width, where they are known.
    """

    name: str
    errors: dict[int, float]

    def bounds(self, model: Model) -> bool:
        """Whether no model of this kind has a lower error."""
        return self.name == BEST_NETWORK and isinstance(model, Shallow) and isinstance(model.activation, Relu)


def yardsticks_of(problem: Problem, widths: Sequence[int]) -> list[Yardstick]:
    """Those that are known for a problem, without the widths at which they are not."""
    if not isinstance(problem, FunctionProblem) or problem.measure != Uniform():
        return []
    target, found = problem.target, []
    if isinstance(target, Gaussian):
        constant = target.random_cosine_constant(problem.dimension)
        found.append(Yardstick(RANDOM_COSINES, {width: math.sqrt(constant / width) for width in widths}))
    best = {width: best_error(problem, Shallow(Relu()), width) for width in widths}
    known = {width: error for width, error in best.items() if error is not None}
    if known:
        found.append(Yardstick(BEST_NETWORK, known))
    elif limit := free_knot_constant(target):
        found.append(Yardstick(BEST_PIECES, {width: limit / (width + 1) ** 2 for width in widths}))
    return found


def against_yardsticks(plan: Plan, results: pl.DataFrame) -> pl.DataFrame:
    """One row for every problem, model and yardstick that is known there; empty where there is none.

    ``test_error`` is the median at the best learning rate, at the greatest ``width`` at which both are known,
    and ``ratio`` how many times the yardstick it is. The verdict is ``agrees`` or ``contradicts``, over all trials at
    such widths, where no error of the model can be lower, within its error bar; elsewhere ``below`` or ``above``:
    nothing forbids either. Without an error bar no trial contradicts.
    """
    axes = [*PROBLEM, "model"]
    rows = []
    if criterion(results) == "test_error":
        known = at_best_rate(results).filter(pl.col("score").is_finite())
        for key, trials in known.group_by(axes, maintain_order=True):
            shape = plan.trials[trials["trial"][0]].shape
            for yardstick in yardsticks_of(shape.problem, sorted(trials["width"].unique())):
                at_width = trials.filter(pl.col("width").is_in(list(yardstick.errors)))
                rows.append((*key, *_row(yardstick, shape, at_width)))
    return pl.DataFrame(rows, schema={**{name: results.schema[name] for name in axes}, **COLUMNS}, orient="row")


def _bounded(yardstick: Yardstick, trials: pl.DataFrame, rounding: float) -> str:
    """Whether no trial lies below an error that none can lie below, by more than its error bar."""
    bar = pl.col(TestErrorBar.name()) if TestErrorBar.name() in trials.columns else pl.lit(None, pl.Float64)
    rows = trials.select("width", "score", bar.alias("bar")).iter_rows()
    kept = []
    for width, error, known_bar in rows:
        above = error >= yardstick.errors[width] - rounding
        if not above and known_bar is None:
            return NO_BAR
        kept.append(above or error + BARS * known_bar >= yardstick.errors[width] - rounding)
    good, total = sum(kept), len(kept)
    verdict, number = (AGREES, good) if good == total else (CONTRADICTS, total - good)
    return f"{verdict} ({number} of {total} trial{'s' if total > 1 else ''})"


def _row(yardstick: Yardstick, shape: Shape, trials: pl.DataFrame) -> tuple[object, ...]:
    width = max(trials["width"])
    error = trials.filter(pl.col("width") == width)["score"].median()
    assert isinstance(error, float)
    ratio = error / yardstick.errors[width]
    said = "below" if ratio < 1 else "above"
    if yardstick.bounds(shape.model):
        said = _bounded(yardstick, trials, ROUNDINGS * EPS[shape.stored])
    return yardstick.name, width, error, yardstick.errors[width], ratio, said
