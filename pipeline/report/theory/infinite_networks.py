"""Test errors of the infinitely wide networks of a run: at recorded steps, at the same fraction of the limit.

A learning rate means something else at every width, as the tangent kernel grows with it. So the limit is trained at the
rate over its own limit that the trials have over that of their kernels at the start, as the median over seeds.

Shape letters: E estimates, M test points, R learning rates.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch

from pipeline.definitions import canonical
from pipeline.experiment.trial import Shape
from pipeline.models.infinite_width import (
    MOST_POINTS,
    infinite_network,
    interpolation_errors,
    mean_squared_errors,
    reason_for_no_limit,
)
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan
from pipeline.problems.losses import Task
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.linearised_networks import can_be_linearised
from pipeline.report.theory.rule_on_quadratics import recurrence_of, stability_factor_of
from pipeline.report.theory.theory_folder import kept, on_all_cores

METHOD = "infinite_networks_2"
"""Raise the number when other numbers come out."""
DIGITS = 6
"""Of a rate over its limit: what two reports must agree in."""
SCHEMA = {"rate_over_limit": pl.Float64, "step": pl.Int64, "infinite_error": pl.Float64}
"""Rate and step are null after infinitely many steps, whose error is that of all stable rates."""
CURVE = pl.List(pl.Struct({"step": pl.Int64, "infinite_error": pl.Float64}))
NO_NETWORK = "no network"
UNSTABLE = "the rate is above the limit of the linearised network"


@dataclass(frozen=True)
class InfiniteTask:
    """Trials of one problem, network and rule.

    Args:
        shape: Of any width.
        times: When errors are asked for: rates over the limit, and steps.
    """

    shape: Shape
    times: tuple[tuple[float, int], ...]

    @property
    def content(self) -> dict[str, object]:
        """All that the errors depend on."""
        shape = self.shape
        rule, model = canonical(shape.optimizer, identity=True), canonical(shape.model, identity=True)
        named = {"problem": shape.problem.identity, "model": model, "optimizer": rule}
        return named | {"times": [list(time) for time in self.times]}


def reason_for_no_infinite_error(shape: Shape) -> str:
    """Why the error of the infinitely wide network of a shape is not known.

    Args:
        shape: Of a network.

    Returns:
        A phrase; empty where it is known.
    """
    assert isinstance(shape.model, Shallow), "only networks have a limit of infinite width"
    if not can_be_linearised(shape) or shape.problem.task is not Task.REGRESSION:
        return "known for the square loss of a regression on all points, and rules with a closed form"
    if shape.problem.train > MOST_POINTS:
        memory_mib = shape.problem.train**2 * 8 / 2**20
        return f"the kernel of {shape.problem.train} points ({memory_mib:.0f} MiB) is above {MOST_POINTS} points"
    return reason_for_no_limit(shape.model, shape.problem.num_inputs)


def infinite_errors(plan: Plan, cells: pl.DataFrame, run: Path | None) -> pl.DataFrame:
    """The test error of the infinitely wide network beside each cell.

    Args:
        plan: Of the run.
        cells: One row for each cell: ``trial``, one of its trials, ``rate_over_limit``, null where not known, and
            ``steps``, a list of those at which errors are asked for, the last one that of the end of training.
        run: Folder of the run, where errors are kept; ``None`` to keep nothing.

    Returns:
        The rows of networks with ``infinite_error``, a root mean square over initial weights and inputs, at the last
        step; ``infinite_curve``, ``step`` and ``infinite_error`` at each; ``interpolant_error``, that after infinitely
        many steps, null where the kernel is singular; and ``why``, empty or the reason where all these are null.
    """
    shapes = [plan.trials[trial].shape for trial in cells["trial"]]
    rates = [None if rate is None else float(f"{rate:.{DIGITS}g}") for rate in cells["rate_over_limit"]]
    reasons = [_reason(shape, rate) for shape, rate in zip(shapes, rates, strict=True)]
    names = ["" if why else _alike(shape) for shape, why in zip(shapes, reasons, strict=True)]
    asked = list(zip(names, shapes, rates, cells["steps"].to_list(), strict=True))
    known = _errors(
        run, [(name, shape, rate, steps) for name, shape, rate, steps in asked if name and rate is not None]
    )
    curves = [
        [{"step": step, "infinite_error": known.get((name, rate, step))} for step in steps if name]
        for name, _, rate, steps in asked
    ]
    columns = (
        pl.Series("infinite_error", [curve[-1]["infinite_error"] if curve else None for curve in curves], pl.Float64),
        pl.Series("infinite_curve", curves, CURVE),
        pl.Series("interpolant_error", [known.get((name, None, None)) for name in names], pl.Float64),
        pl.Series("why", reasons, pl.String),
    )
    return cells.with_columns(*columns).filter(pl.col("why") != NO_NETWORK)


def _errors(
    run: Path | None, asked: Sequence[tuple[str, Shape, float, list[int]]]
) -> dict[tuple[str, float | None, int | None], float]:
    """Errors by what is alike, the rate over the limit, and the step; the last two are null after infinitely many."""
    times: dict[str, tuple[Shape, set[tuple[float, int]]]] = {}
    for name, shape, rate, steps in asked:
        times.setdefault(name, (shape, set()))[1].update((rate, step) for step in steps)
    work = [InfiniteTask(shape, tuple(sorted(among))) for shape, among in times.values()]
    tables = zip(times, on_all_cores(functools.partial(_table, run), work), strict=True)
    return {(name, rate, step): error for name, table in tables for rate, step, error in table.iter_rows()}


def _reason(shape: Shape, rate: float | None) -> str:
    if not isinstance(shape.model, Shallow):
        return NO_NETWORK
    why = reason_for_no_infinite_error(shape)
    if why or rate is None:
        return why or "no linearised network was computed"
    return UNSTABLE if rate >= 1 else ""


def _alike(shape: Shape) -> str:
    """The name of what one eigenvalue decomposition serves."""
    return str(InfiniteTask(shape, ()).content)


def _table(run: Path | None, task: InfiniteTask) -> pl.DataFrame:
    return kept(run, METHOD, task.content, functools.partial(_computed, task))


def _computed(task: InfiniteTask) -> pl.DataFrame:
    shape, dataset = task.shape, dataset_of(task.shape.problem)
    recurrence, factor = recurrence_of(shape), stability_factor_of(shape)
    if dataset is None or recurrence is None or factor is None or not isinstance(shape.model, Shallow):
        return pl.DataFrame(schema=SCHEMA)
    network = infinite_network(shape.model, dataset.train_inputs_PD, dataset.test_inputs_PD)
    targets, weights_EP = (dataset.train_targets_PK, dataset.test_targets_PK), dataset.test_weights_EP
    rows: list[tuple[float | None, int | None, float]] = []
    for step in sorted({step for _, step in task.times}):
        rates = [rate for rate, among in task.times if among == step]
        squares_RM = mean_squared_errors(network, *targets, rates, step, factor, *recurrence)
        rows += [(rate, step, root) for rate, root in zip(rates, _roots(squares_RM, weights_EP), strict=True)]
    squares_M = interpolation_errors(network, *targets)
    if squares_M is not None:
        rows += [(None, None, root) for root in _roots(squares_M[None], weights_EP)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _roots(squares_RM: torch.Tensor, weights_EP: torch.Tensor | None) -> Sequence[float]:
    """Root mean squares over the test points, of a rule weighted."""
    means_R = squares_RM.mean(dim=1) if weights_EP is None else squares_RM @ weights_EP.mean(dim=0)
    roots: list[float] = means_R.sqrt().tolist()
    return roots
