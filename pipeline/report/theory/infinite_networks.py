"""Test errors of the infinitely wide networks of a run: at the end of training, at the same fraction of the limit.

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
    mean_squared_errors,
    reason_for_no_limit,
)
from pipeline.models.shallow import Shallow
from pipeline.plan import Plan
from pipeline.problems.losses import Task
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.linearised_networks import can_be_linearised
from pipeline.report.theory.theory_folder import kept, on_all_cores

METHOD = "infinite_networks_1"
"""Raise the number when other numbers come out."""
DIGITS = 6
"""Of a rate over its limit: what two reports must agree in."""
SCHEMA = {"rate_over_limit": pl.Float64, "infinite_error": pl.Float64}
NO_NETWORK = "no network"
UNSTABLE = "the rate is above the limit of the linearised network"


@dataclass(frozen=True)
class InfiniteTask:
    """Trials of one problem, network and rule, at several rates over the limit.

    Args:
        shape: Of any width.
        rates: Rates over the limit.
    """

    shape: Shape
    rates: tuple[float, ...]

    @property
    def content(self) -> dict[str, object]:
        """All that the errors depend on."""
        shape = self.shape
        rule, model = canonical(shape.optimizer, identity=True), canonical(shape.model, identity=True)
        named = {"problem": shape.problem.identity, "model": model, "optimizer": rule, "steps": shape.steps}
        return named | {"rates": list(self.rates)}


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
        cells: One row for each cell: ``trial``, one of its trials, and ``rate_over_limit``, null where not known.
        run: Folder of the run, where errors are kept; ``None`` to keep nothing.

    Returns:
        The rows of networks with ``infinite_error``, a root mean square over initial weights and inputs, and ``why``,
        empty or the reason where it is null.
    """
    shapes = [plan.trials[trial].shape for trial in cells["trial"]]
    rates = [None if rate is None else float(f"{rate:.{DIGITS}g}") for rate in cells["rate_over_limit"]]
    reasons = [_reason(shape, rate) for shape, rate in zip(shapes, rates, strict=True)]
    tasks: dict[str, tuple[Shape, set[float]]] = {}
    for shape, rate, why in zip(shapes, rates, reasons, strict=True):
        if not why and rate is not None:
            tasks.setdefault(_alike(shape), (shape, set()))[1].add(rate)
    work = [InfiniteTask(shape, tuple(sorted(among))) for shape, among in tasks.values()]
    tables = on_all_cores(functools.partial(_table, run), work)
    known = {
        (name, rate): error for name, table in zip(tasks, tables, strict=True) for rate, error in table.iter_rows()
    }
    pairs = zip(shapes, rates, strict=True)
    errors = [None if rate is None else known.get((_alike(shape), rate)) for shape, rate in pairs]
    columns = (pl.Series("infinite_error", errors, pl.Float64), pl.Series("why", reasons, pl.String))
    return cells.with_columns(*columns).filter(pl.col("why") != NO_NETWORK)


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
    recurrence, factor = shape.optimizer.on_quadratics(), shape.optimizer.stability_factor()
    if dataset is None or recurrence is None or factor is None or not isinstance(shape.model, Shallow):
        return pl.DataFrame(schema=SCHEMA)
    network = infinite_network(shape.model, dataset.train_inputs_PD, dataset.test_inputs_PD)
    rates, targets = list(task.rates), (dataset.train_targets_PK, dataset.test_targets_PK)
    squares_RM = mean_squared_errors(network, *targets, rates, shape.steps, factor, *recurrence)
    return pl.DataFrame({"rate_over_limit": rates, "infinite_error": _roots(squares_RM, dataset.test_weights_EP)})


def _roots(squares_RM: torch.Tensor, weights_EP: torch.Tensor | None) -> Sequence[float]:
    """Root mean squares over the test points, of a rule weighted."""
    means_R = squares_RM.mean(dim=1) if weights_EP is None else squares_RM @ weights_EP.mean(dim=0)
    roots: list[float] = means_R.sqrt().tolist()
    return roots
