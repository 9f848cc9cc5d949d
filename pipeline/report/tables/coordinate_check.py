"""How far one step of training moves the hidden units, against the width: a check of coordinates.

Where the change relative to the units themselves falls with the width, wide networks keep the features that they
start with; where it is constant, they go on learning them. Yang et al., arXiv 2203.03466, read it off a picture; here
it is a fitted exponent with its interval, beside what theory says of the first step for wide networks:

- a step of descent moves a hidden unit by its output weight, a step of Adam by the learning rate;
- initial weights are as small as their distribution has them for the widths on both sides;
- a unit is as large as its own weights where the activation passes through zero, and of fixed size elsewhere.

Shape letters: R repetitions by seed.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import torch

from pipeline.diagnostics.representation import FeatureChange
from pipeline.experiment.trial import Shape
from pipeline.models.initialisations import Initialisation
from pipeline.models.shallow import Shallow
from pipeline.numerics.convergence_rates import Rate, fit_rate
from pipeline.numerics.rate_windows import LEAST_POINTS
from pipeline.optimizers.rules import Adam, UpdateRule
from pipeline.plans import Plan
from pipeline.records.schema import Records
from pipeline.report.tables.cells import curve_of, repeated_in
from pipeline.report.theory.verdicts import AGREES, CANNOT_SAY, CONTRADICTS

CHANGE = FeatureChange.name()
WIDE = (10**8, 10**10)
"""Widths between which the standard deviation of initial weights shows its power."""
TOLERANCE = 0.1
"""Distance of the interval from the exponent of infinitely wide networks that a finite width may make."""
SURE = 0.99
"""Confidence of the interval that theory must lie outside of to be contradicted."""
NO_THEORY = f"{CANNOT_SAY}: theory is of the first step of an update rule"
COLUMNS = {
    "learning_rate": pl.Float64,
    "step": pl.Int64,
    "widths": pl.String,
    "exponent": pl.Float64,
    "from": pl.Float64,
    "to": pl.Float64,
    "theory": pl.Float64,
    "verdict": pl.String,
}


def coordinate_check(plan: Plan, results: pl.DataFrame, records: Records) -> pl.DataFrame:
    """For each problem and model the exponent a of ``|h(t) - h(0)| / |h(0)| ~ width^a``, h the hidden units.

    One row for the first recorded step after 0 and one for the last, at the smallest learning rate. ``from`` and ``to``
    are the ends of the interval of 90 %; ``theory`` is that of the step 1, null for others. No rows where the change
    was not recorded at five widths.

    Args:
        plan: Of the run.
        results: One row for every trial.
        records: All that was recorded.

    Returns:
        A table with a verdict in each row.
    """
    axes = curve_of(results)
    schema: dict[str, Any] = {**{name: results.schema[name] for name in axes}, **COLUMNS}
    if CHANGE not in results.columns:
        return pl.DataFrame(schema=schema)
    recorded = records.lazy().filter(pl.col("diagnostic") == CHANGE, pl.col("step") > 0)
    changes = recorded.select("trial", "step", "value").collect()
    trials = results.select("trial", *axes, "width", "learning_rate", *repeated_in(results))
    known = trials.join(changes, on="trial", how="inner", maintain_order="left")
    rows = []
    for key, of_model in known.group_by(axes, maintain_order=True):
        slowest = of_model.filter(pl.col("learning_rate") == pl.col("learning_rate").min())
        if slowest["width"].n_unique() < LEAST_POINTS:
            continue
        shape = plan.trials[slowest["trial"][0]].shape
        steps: list[int] = slowest["step"].unique().sort().to_list()
        for step in dict.fromkeys((steps[0], steps[-1])):
            theory = expected_exponent(shape) if step == 1 else None
            rows.append(
                (*key, slowest["learning_rate"][0], step, *_row(slowest.filter(pl.col("step") == step), theory))
            )
    return pl.DataFrame(rows, schema=schema, orient="row")


def expected_exponent(shape: Shape) -> float | None:
    """Exponent of the width in the relative change of the hidden units by the first step of wide networks.

    With output and hidden weights of initial sizes ``width^p`` and ``width^q`` it is ``p - q``; of Adam, whose steps
    have one size, ``-q``. Where the activation does not pass through zero, q counts as 0.

    Args:
        shape: Model and optimizer.

    Returns:
        ``None`` where nothing is known: of a solver, or without hidden units.

    Source: Yang et al., arXiv 2203.03466, for the check.
    """
    model = shape.model
    if not isinstance(model, Shallow) or not isinstance(shape.optimizer, UpdateRule):
        return None
    inputs, outputs = shape.problem.num_inputs, shape.problem.num_outputs
    move = 0.0 if isinstance(shape.optimizer, Adam) else power_of(model.initialisation, None, outputs)
    through_zero = float(model.activation(torch.zeros(()))) == 0
    return move - (power_of(model.initialisation, inputs, None) if through_zero else 0.0)


def power_of(initialisation: Initialisation, fan_in: int | None, fan_out: int | None) -> float:
    """Exponent p of the standard deviation of initial weights, ``width^p`` for wide layers.

    Args:
        initialisation: Of the layer.
        fan_in: Inputs of the layer; ``None`` for the width.
        fan_out: Outputs of the layer; ``None`` for the width.

    Returns:
        Rounded to 6 digits.
    """
    small, large = (
        initialisation.weight_deviation(fan_in or width, fan_out or width) for width in WIDE
    )  # fmt: skip
    return round(math.log(large / small) / math.log(WIDE[1] / WIDE[0]), 6)


def _fitted(trials: pl.DataFrame, confidence: float) -> Rate:
    by_width = trials.sort("width", *repeated_in(trials)).group_by("width", maintain_order=True).agg("value")
    fewest = min(by_width["value"].list.len())
    changes_RW = torch.tensor([values[:fewest] for values in by_width["value"]], dtype=torch.float64).mT
    return fit_rate([float(width) for width in by_width["width"]], changes_RW, 0.0, confidence, corrected=False)


def _row(trials: pl.DataFrame, theory: float | None) -> tuple[object, ...]:
    fitted, wide = _fitted(trials, 0.9), _fitted(trials, SURE)
    if fitted.refused or fitted.decays:
        reason = fitted.refused or "the change falls exponentially with the width"
        return "", None, None, None, theory, f"{CANNOT_SAY}: {reason}"
    low, high = -fitted.high, -fitted.low
    close = theory is not None and -wide.high - TOLERANCE <= theory <= -wide.low + TOLERANCE
    verdict = NO_THEORY if theory is None else AGREES if close else CONTRADICTS
    widths = f"{fitted.first_width:g} to {fitted.last_width:g}"
    return widths, -fitted.rate, low, high, theory, verdict
