"""What theory says the loss of a linear model is on the way, for the panels of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import torch

from pipeline.experiment.trial import Shape
from pipeline.numerics.descent import loss_curve
from pipeline.report.tables.run_tables import Sources
from pipeline.report.theory.initial_modes import start_of

PREDICTED = {"rate_axis": pl.Float64, "step": pl.Int64, "loss": pl.Float64}


def predicted_losses(sources: Sources, curves: pl.DataFrame) -> pl.DataFrame:
    """The loss that descent on the quadratic has at every learning rate and step of one panel's curves.

    No rows where theory says nothing exact, or where the data cannot be read any more.

    Args:
        sources: The run.
        curves: Rows of one problem, model and width, with ``rate_axis`` and ``step``.
    """
    nothing = pl.DataFrame(schema=PREDICTED)
    columns = ["panel_problem", "name", "width", "rate_axis"]
    ran = sources.named.join(curves.select(columns).unique(maintain_order=True), on=columns, how="semi")
    ran = ran.filter(pl.col("learning_rate").is_not_null())
    if ran.is_empty():
        return nothing
    shape = sources.plan.trials[ran["trial"][0]].shape
    rates = ran.group_by("rate_axis", maintain_order=True).agg(pl.col("learning_rate").first()).sort("rate_axis")
    steps = curves["step"].unique().sort()
    losses_RH = predicted_losses_of(shape, rates["learning_rate"].to_list(), steps.to_list())
    if losses_RH is None:
        return nothing
    table = rates.select("rate_axis").join(pl.DataFrame({"step": steps}), how="cross", maintain_order="left_right")
    table = table.with_columns(loss=pl.Series(losses_RH.flatten().tolist(), dtype=pl.Float64))
    return table.filter(pl.col("loss").is_finite() & (pl.col("loss") > 0))


def predicted_losses_of(shape: Shape, rates: Sequence[float], steps: Sequence[int]) -> torch.Tensor | None:
    """The loss of descent on the quadratic of a shape, shape ``[R, H]``; ``None`` where theory says nothing exact.

    Args:
        shape: What is trained.
        rates: R learning rates.
        steps: H steps.
    """
    start, recurrence = start_of(shape), shape.optimizer.on_quadratics()
    if start is None or recurrence is None:
        return None
    rates_R, steps_H = torch.tensor(rates, dtype=torch.float64), torch.tensor(steps, dtype=torch.int64)
    return loss_curve(start, rates_R, steps_H, *recurrence)


def predicted_curves(
    shape: Shape, rates: Mapping[str, float | None], steps: Sequence[int]
) -> dict[str, dict[int, float]]:
    """The predicted loss of each trial of a shape at each step; nothing where theory says nothing exact.

    Args:
        shape: What the trials have in common.
        rates: The learning rate of each, by id; those of none are left out.
        steps: At which.
    """
    known = {trial: rate for trial, rate in rates.items() if rate is not None}
    losses_RH = predicted_losses_of(shape, list(known.values()), steps) if known else None
    if losses_RH is None:
        return {}
    return {trial: dict(zip(steps, row, strict=True)) for trial, row in zip(known, losses_RH.tolist(), strict=True)}
