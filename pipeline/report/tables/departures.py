"""How far networks went from their linearised ones, and by which power of the width that falls.

Two functions of the same points whose root mean square errors are a and b are at least |a - b| apart, so that the
greatest difference of the two on the way is at most the greatest distance of the outputs at the training points. Of
that theory says that it is at most of the order of width^(-1/2), for gradient descent below the limit of its learning
rate and networks whose initial weights have the variance of a constant over the inputs of their layer. It is a bound
for wide networks: a difference that falls more slowly at the widths of a run contradicts nothing.

Shape letters: R repetitions by seed.

Source: Lee et al., "Wide neural networks of any depth evolve as linear models under gradient descent" (2019), theorem
2.1, and its appendix for weights that are not rescaled.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import torch

from pipeline.experiment.trial import Shape
from pipeline.models.shallow import Shallow
from pipeline.numerics.convergence_rates import Rate, fit_rate
from pipeline.optimizers.rules import GradientDescent
from pipeline.report.tables.cells import curve_of
from pipeline.report.tables.coordinate_check import power_of
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.verdicts import AGREES, CANNOT_SAY

POWER = -0.5
"""Of the width, in the greatest difference of errors of wide networks, at most."""
HOLDS = 0.1
"""Relative difference of two losses up to which the linearised network is said to hold."""
SLOWER = "slower than in the limit, so far"
COLUMNS = {
    "learning_rate": pl.Float64,
    "width": pl.Int64,
    "holds_until": pl.Float64,
    "loss_ratio": pl.Float64,
    "difference": pl.Float64,
    "widths": pl.String,
    "power": pl.Float64,
    "from": pl.Float64,
    "to": pl.Float64,
    "theory": pl.Float64,
    "verdict": pl.String,
}


def departures(tables: RunTables) -> pl.DataFrame:
    """One row for every problem and network that was linearised; empty where there is none.

    All is at the greatest learning rate that is stable for all linearised networks and at which all trials were
    trained to their end, at as many widths as possible. At the greatest ``width``, medians over seeds:
    ``holds_until``, the last recorded step up to which losses differ by at most 10 %, ``loss_ratio``, the loss over
    that of the linearised network at the end, ``difference``, the greatest one of the root mean square training errors.
    ``power`` is that of the width in it, from five widths on, ``from`` and ``to`` the ends of its interval of 90 %.

    Args:
        tables: The run.

    Returns:
        A table with a verdict in each row.
    """
    axes = curve_of(tables.results)
    schema: dict[str, Any] = {**{name: tables.results.schema[name] for name in axes}, **COLUMNS}
    known = _of_trials(tables)
    rows = []
    for key, of_curve in known.group_by(axes, maintain_order=True):
        chosen = _at_one_rate(of_curve)
        if not chosen.is_empty():
            rows.append((*key, *_row(tables.plan.trials[chosen["trial"][0]].shape, chosen)))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _of_trials(tables: RunTables) -> pl.DataFrame:
    """The departure of every trial that was linearised, with its axes, its status and ``rate_axis``."""
    curves = tables.linearised.curves
    measured = tables.records_of(curves.select(pl.col("trial").unique()), "loss").select("trial", "step", loss="value")
    curves = curves.join(measured, on=["trial", "step"]).sort("trial", "step")
    apart = (pl.col("loss") / pl.col("linearised_loss") - 1).abs() > HOLDS
    errors = [(2 * pl.col(name)).sqrt() for name in ("loss", "linearised_loss")]
    holds = pl.col("step").filter((~apart).cum_prod().cast(pl.Boolean)).max()
    of_trials = curves.group_by("trial").agg(
        pl.col("rate_over_limit").first(),
        holds.alias("holds_until"),
        (pl.col("loss") / pl.col("linearised_loss")).last().alias("loss_ratio"),
        (errors[0] - errors[1]).abs().max().alias("difference"),
    )
    axes = ["trial", *curve_of(tables.results), "width", "rate_axis", "learning_rate", "seed", "status"]
    named = tables.named.select(axes)
    return named.join(of_trials, on="trial", maintain_order="left")


def _at_one_rate(of_curve: pl.DataFrame) -> pl.DataFrame:
    """The trials of the greatest learning rate that the most widths survive, without the widths that do not."""
    stable = (pl.col("status") == "done") & (pl.col("rate_over_limit") < 1)
    cells = of_curve.group_by("rate_axis", "width").agg(stable.all().alias("survives"))
    widths = cells.filter("survives").group_by("rate_axis").agg("width", number=pl.len())
    if widths.is_empty():
        return of_curve.head(0)
    best = widths.sort("number", "rate_axis").row(-1, named=True)
    return of_curve.filter((pl.col("rate_axis") == best["rate_axis"]) & pl.col("width").is_in(best["width"]))


def _row(shape: Shape, trials: pl.DataFrame) -> tuple[object, ...]:
    widest = trials.filter(pl.col("width") == pl.col("width").max())
    columns = ("learning_rate", "width", "holds_until", "loss_ratio", "difference")
    medians = widest.select(pl.col("learning_rate").median(), pl.col("width").first(), pl.col(columns[2:]).median())
    return (*medians.select(columns).row(0), *_power(shape, trials))


def _power(shape: Shape, trials: pl.DataFrame) -> tuple[object, ...]:
    """The widths, the power of the width with its interval, what theory says of it, and the verdict."""
    theory, unknown = theory_of(shape)
    by_width = trials.sort("width", "seed").group_by("width", maintain_order=True).agg("difference")
    fewest = min(by_width["difference"].list.len())
    differences_RW = torch.tensor([values[:fewest] for values in by_width["difference"]], dtype=torch.float64).mT
    fitted = fit_rate([float(width) for width in by_width["width"]], differences_RW, 0.0, corrected=False)
    if fitted.refused or fitted.decays:
        return "", None, None, None, theory, f"{CANNOT_SAY}: {fitted.refused or 'it falls exponentially'}"
    widths = f"{fitted.first_width:g} to {fitted.last_width:g}"
    return widths, -fitted.rate, -fitted.high, -fitted.low, theory, unknown or verdict(fitted)


def verdict(fitted: Rate) -> str:
    """Whether the difference falls at least as fast as theory says of wide networks, within the interval."""
    return AGREES if -fitted.high <= POWER else SLOWER


def theory_of(shape: Shape) -> tuple[float | None, str]:
    """The greatest power of the width that theory allows in the difference.

    Args:
        shape: Network and optimizer.

    Returns:
        The power, or ``None`` with the reason.
    """
    assert isinstance(shape.model, Shallow), "only networks are linearised"
    if not isinstance(shape.optimizer, GradientDescent):
        return None, f"proved for gradient descent, not for {shape.optimizer.name()}"
    start = shape.model.initialisation
    inputs, outputs = shape.problem.num_inputs, shape.problem.num_outputs
    if (power_of(start, inputs, None), power_of(start, None, outputs)) != (0.0, -0.5):
        return None, f"no limit from {start.name()}: its hidden weights shrink as the width grows"
    return POWER, ""
