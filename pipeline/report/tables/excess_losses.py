"""What theory predicted of descent on a quadratic before it began, beside what was measured.

How fast descent converges is a curve, not a number: fast modes die out, and ever slower ones
are left. So the excess loss is compared at every recorded step, and of the factor by which a
late step multiplies it, the table names the mode that sets it.

Shape letters: R learning rates.
"""

from __future__ import annotations

import dataclasses
import math

import polars as pl
import torch
from torch import Tensor

from pipeline.experiment.engine_names import CLOSED_FORM
from pipeline.numerics.descent import Modes, contraction_factor, log_errors, loss_curve
from pipeline.optimizers.rules import Recurrence
from pipeline.plans import Plan
from pipeline.records.schema import RECORDS, Records
from pipeline.report.tables.cells import cell_of, repeated_in
from pipeline.report.tables.results import EXCESS_LOSS, PREDICTED_STEPS
from pipeline.report.tables.trial_summaries import MEASURED_STEPS
from pipeline.report.theory.initial_modes import initial_modes
from pipeline.report.theory.rule_on_quadratics import recurrence_of
from pipeline.report.theory.verdicts import AGREES, CANNOT_SAY, CONTRADICTS

LEAST_EXCESS = {"float32": 1e3 * torch.finfo(torch.float32).eps, "float64": 1e3 * torch.finfo(torch.float64).eps}
"""Fraction of the first excess loss below which rounding is compared, not descent."""
EPS = {"float32": torch.finfo(torch.float32).eps, "float64": torch.finfo(torch.float64).eps}
ROUNDINGS = 10
"""Roundings of the root mean square of what is learned that a mode may hold at any step without a cause."""
DEVIATION = {"float32": 0.01, "float64": 1e-6}
"""Greatest distance of a measured excess loss from the predicted one, in the logarithm."""
CLOSED = f"{CANNOT_SAY}: computed in closed form, which is what theory says"
NO_STEP = f"{CANNOT_SAY}: fewer than two recorded steps can be compared"
CURVES = {
    "trial": pl.String,
    "contraction": pl.Float64,
    "predicted_contraction": pl.Float64,
    "mode": pl.Int64,
    "deviation": pl.Float64,
    "verdict": pl.String,
}


def predicted_and_measured(plan: Plan, results: pl.DataFrame, records: Records, outcomes: pl.DataFrame) -> pl.DataFrame:
    """One row for every trial whose excess loss was recorded and is predicted; empty where there is none.

    Columns: the axes; predicted and measured steps to the tolerance; ``contraction_factor``, the factor by which a
    step multiplies the excess loss between the last two recorded steps that are not rounding, and
    ``predicted_contraction`` between the same; ``mode``, which one holds most of the excess then, counted from
    0 by falling eigenvalue; ``deviation``, the greatest distance of the curves in the logarithm; the verdict.

    Args:
        plan: Of the run.
        results: One row for every trial.
        records: All that was recorded.
        outcomes: How the trials ended: one that was computed in closed form has no verdict.

    Returns:
        A table with a verdict in each row.
    """
    there = EXCESS_LOSS in results.columns  # else no pass over the records, which takes seconds of a large run
    excess = records.lazy().filter(pl.col("diagnostic") == EXCESS_LOSS).collect() if there else RECORDS.to_frame()
    trials = results if there else results.clear()
    excess = excess.filter(pl.col("trial").is_in(trials["trial"].implode()))
    rates = dict(trials.select("trial", "learning_rate").iter_rows())
    computed = set(outcomes.filter(pl.col("engine") == CLOSED_FORM)["trial"])
    shapes = {pack.id: pack.shape for pack in plan.packs}
    parts = [pl.DataFrame(schema=CURVES)]
    for (pack_id,), part in excess.partition_by("pack", as_dict=True).items():
        shape = shapes.get(pack_id)
        initial, recurrence = (initial_modes(shape), recurrence_of(shape)) if shape else (None, None)
        if shape is None or initial is None or recurrence is None:
            continue
        table = part.pivot("step", index="trial", values="value", sort_columns=False)
        steps = sorted((name for name in table.columns if name != "trial"), key=int)
        if len(steps) < 2:  # all diverged before anything was seen of their descent
            continue
        measured_RH = table.select(pl.col(steps).fill_null(math.nan)).to_torch(dtype=pl.Float64)
        rates_R = torch.tensor([rates[trial] for trial in table["trial"]], dtype=torch.float64)
        steps_H = torch.tensor([int(step) for step in steps])
        columns = compare_curves(initial, rates_R, steps_H, measured_RH, recurrence, shape.stored)
        compared = pl.DataFrame({"trial": table["trial"], **{name: tensor.numpy() for name, tensor in columns.items()}})
        close = pl.col("deviation") <= DEVIATION[shape.stored]
        verdict = pl.when(close).then(pl.lit(AGREES)).otherwise(pl.lit(CONTRADICTS))
        parts.append(
            compared.with_columns(
                pl.when(pl.col("trial").is_in(computed))
                .then(pl.lit(CLOSED))
                .when(pl.col("deviation").is_nan())
                .then(pl.lit(NO_STEP))
                .otherwise(verdict)
                .alias("verdict")
            )
            .with_columns(pl.when(pl.col("mode") >= 0).then("mode").alias("mode"))
            .select(*CURVES)
        )
    asked = [name for name in ("learning_rate", "times_limit") if name in results.columns]
    axes = [*cell_of(results), *asked, *repeated_in(results)]
    counts = [name for name in (PREDICTED_STEPS, MEASURED_STEPS) if name in results.columns]
    table = results.select("trial", *axes, *counts).join(pl.concat(parts), on="trial", maintain_order="left")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def compare_curves(
    initial: Modes, rates_R: Tensor, steps_H: Tensor, measured_RH: Tensor, recurrence: Recurrence, dtype: str
) -> dict[str, Tensor]:
    """Contractions, mode and deviation of each curve, columns of ``CURVES`` of shape ``[R]``; NaN and -1 for none.

    Curves are compared from step 0 on as far as what is left is descent, and no rounding: that of the weights, which
    is one of all that is learned and not of the excess, and grows above the limit in modes that hold nothing; and
    that of the learning rate, which adds up over the steps, close to the limit and where momentum lets the loss wave.

    Args:
        initial: Modes of the loss at step 0.
        rates_R: Learning rates.
        steps_H: Recorded steps, rising, the first 0.
        measured_RH: Excess losses, NaN where none was recorded.
        recurrence: Of the rule on quadratics.
        dtype: Name of the dtype of the weights.

    Returns:
        By name: ``contraction`` and ``predicted_contraction``, ``(e(t) / e(u))^(1 / (t - u))`` of the excess loss e
        at the last two recorded steps u < t; ``mode``; ``deviation``, ``max_t |log e(t) - log e_predicted(t)|``.
    """
    above = dataclasses.replace(initial, floor=torch.zeros_like(initial.floor))
    predicted_RH = loss_curve(above, rates_R, steps_H, *recurrence)
    counts_RH = (predicted_RH > LEAST_EXCESS[dtype] * predicted_RH[:, :1]) & predicted_RH.isfinite() & (measured_RH > 0)
    eps, half = EPS[dtype], DEVIATION[dtype] / 2
    growth_R = contraction_factor(initial.eigenvalues_S, rates_R, *recurrence).amax(dim=1).clamp(min=1)
    revived_RH = 2 * steps_H * growth_R.log()[:, None]
    rounding_RH = (ROUNDINGS * eps) ** 2 * (initial.floor + initial.losses_S.sum()) * revived_RH.exp()
    beside_RH = loss_curve(above, rates_R * (1 + ROUNDINGS * eps), steps_H, *recurrence)
    counts_RH &= (predicted_RH > rounding_RH / half**2) & ((beside_RH / predicted_RH).log().abs() < half)
    counts_RH = counts_RH.cumprod(dim=1).bool()  # from step 0 on, as far as it goes
    distance_RH = (measured_RH.log() - predicted_RH.log()).abs()
    last_R1 = (counts_RH.sum(dim=1, keepdim=True) - 1).clamp(min=1)
    known_R = counts_RH.sum(dim=1) > 1
    between_R = (steps_H[last_R1] - steps_H[last_R1 - 1])[:, 0]

    def factor(losses_RH: Tensor) -> Tensor:
        ratio_R = (losses_RH.gather(1, last_R1) / losses_RH.gather(1, last_R1 - 1))[:, 0]
        return torch.where(known_R, ratio_R ** (1 / between_R), torch.nan)

    left_RS = (
        2 * log_errors(initial.eigenvalues_S, rates_R, steps_H[last_R1], *recurrence)[:, 0] + initial.losses_S.log()
    )
    return {
        "contraction": factor(measured_RH),
        "predicted_contraction": factor(predicted_RH),
        "mode": torch.where(known_R, left_RS.argmax(dim=1), -1),
        "deviation": torch.where(known_R, torch.where(counts_RH, distance_RH, 0.0).amax(dim=1), torch.nan),
    }
