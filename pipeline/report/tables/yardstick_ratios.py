"""Test errors beside yardsticks: how many times an error that is known exactly each model has."""

from __future__ import annotations

from types import MappingProxyType

import polars as pl
import torch

from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.experiment.trial import Shape
from pipeline.models.best_networks import is_piecewise_linear
from pipeline.plans import Plan
from pipeline.report.answer.best import at_best_rate
from pipeline.report.tables.cells import curve_of
from pipeline.report.tables.results import criterion
from pipeline.report.theory.best_network_brackets import NONE_KNOWN, Brackets
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS
from pipeline.report.theory.yardsticks import (
    BEST_NETWORK,
    BEST_PIECES,
    NETWORK_FOUND,
    NO_NETWORK_BELOW,
    Yardstick,
    yardsticks_of,
)

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


def yardstick_ratios(plan: Plan, results: pl.DataFrame, brackets: Brackets = MappingProxyType({})) -> pl.DataFrame:
    """One row for every problem, model and yardstick that is known there; empty where there is none.

    ``test_error`` is the median at the best learning rate, at the greatest ``width`` at which both are known,
    and ``ratio`` how many times the yardstick it is. The verdict is ``agrees`` or ``contradicts``, over all trials at
    such widths, where no error of the model can be lower, within its error bar; elsewhere ``below`` or ``above``:
    nothing forbids either. Without an error bar no trial contradicts. Of networks that a bracket is known for,
    ``network_ratios`` tells more.

    Args:
        plan: Of the run.
        results: One row for every trial.
        brackets: Of the best networks of its problems.

    Returns:
        A table with a verdict in each row.
    """
    axes = curve_of(results)
    rows = []
    if criterion(results) == "test_error":
        known = at_best_rate(results).filter(pl.col("score").is_finite())
        for key, trials in known.group_by(axes, maintain_order=True):
            shape = plan.trials[trials["trial"][0]].shape
            networks = brackets.get(shape.problem.identity, NONE_KNOWN)
            told = {NO_NETWORK_BELOW} | ({BEST_NETWORK, BEST_PIECES} if networks.by_width else set())
            told |= {NETWORK_FOUND} if is_piecewise_linear(shape.model) else set()
            for yardstick in yardsticks_of(shape.problem, sorted(trials["width"].unique()), networks):
                if yardstick.name in told:
                    continue
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
    verdict = "below" if ratio < 1 else "above"
    if yardstick.bounds(shape.model):
        verdict = _bounded(yardstick, trials, ROUNDINGS * EPS[shape.stored])
    return yardstick.name, width, error, yardstick.errors[width], ratio, verdict
