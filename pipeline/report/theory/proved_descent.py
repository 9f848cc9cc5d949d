"""Descent of networks that is proved between the records too: each step lowers the loss, not those looked at alone.

For gradient descent on all points and the square loss, and an activation whose first three derivatives are bounded
(tanh, sigmoid, identity). Recorded losses, gradient norms and sharpness are all that ``certified_steps`` needs, and the
output weights at step 0, which the id of a trial gives. A trial

- agrees if all of its steps are proved, and no recorded loss is above the one before by more than rounding;
- contradicts if one is, though the steps between are proved to lower it;
- has no verdict for it else, but it is said how many of its steps are proved, and what is missing for the next.

It holds for steps as they are in exact arithmetic, and where the recorded sharpness is the largest eigenvalue. With
sharpness at the first and the last step alone, as by default, what is proved begins at step 0 and ends where the way
may have become long; with it at every record, most of what small rates do is proved.

Shape letters: B diagnostics, I intervals between two records.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import torch
from torch import Tensor

from pipeline.diagnostics.convergence import GradientNorm, TrainingLoss
from pipeline.diagnostics.sharpness import Sharpness
from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.experiment.trial import Shape, Trial
from pipeline.models.hessian_bounds import largest_output_weights, output_derivatives
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan
from pipeline.report.theory.certified_steps import Proof, Trajectories, certified
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.own_code import unless_own_code_fails
from pipeline.report.theory.rule_on_quadratics import recurrence_of
from pipeline.report.theory.stable_rates import LEAST_FRACTION, MARGIN, ROUNDING
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, Said, number_in_rows

READ = (TrainingLoss.name(), GradientNorm.name(), Sharpness.name())
MOST_TRIALS = 10_000
"""Trials whose records are in memory together: at 60 steps about 50 MB."""
COLUMNS = {
    "row": pl.UInt32,
    "proved_steps": pl.Int64,
    "first_steps": pl.Int64,
    "unproved": pl.String,
    "rises_where_proved": pl.Boolean,
}
WHY = {
    Proof.PROVED: None,
    Proof.RATE: "the rate is too large for the bound on how the Hessian changes",
    Proof.FAR_APART: "the records are too far apart",
    Proof.UNKNOWN: "no sharpness is known",
}
"""What is missing for the first step that is not proved."""
KINKS = (
    "Of networks whose activation has kinks, such as ReLU, no step is proved to lower the loss: on its way kinks may "
    "cross points, where the Hessian jumps."
)


def can_be_proved(shape: Shape) -> bool:
    """Whether descent of a shape has a bound that may prove it."""
    smooth = isinstance(shape.model, Shallow) and shape.model.activation.derivative_bounds is not None
    return smooth and _descends_plainly(shape)


def _descends_plainly(shape: Shape) -> bool:
    """Whether it is gradient descent of a network on all points by squares."""
    recurrence = recurrence_of(shape)
    plain = recurrence is not None and recurrence.momentum == 0 and shape.batch_size is None
    return isinstance(shape.model, Shallow) and plain and shape.loss.quadratic


def unproved_kinks(plan: Plan) -> str:
    """Why nothing is proved of networks of a plan that only their kinks keep from it, in a sentence; else empty."""
    shapes = [pack.shape for pack in plan.packs if _descends_plainly(pack.shape)]
    return KINKS if any(isinstance(shape.model, Shallow) and shape.model.activation.kinked for shape in shapes) else ""


def proved_descent(plan: Plan, table: pl.DataFrame, numbers: pl.LazyFrame) -> pl.DataFrame:
    """What is proved of each trial that was trained to its end.

    Args:
        plan: Of the run.
        table: One row for each trial: ``row``, ``pack``, its number, ``trial``, ``learning_rate``, ``status`` and
            ``first_sharpness``.
        numbers: Records by ``row``.

    Returns:
        Columns of ``COLUMNS``: how many steps are proved, how many from step 0 on, what is missing for the next, and
        whether a recorded loss rises all the same. No row of a trial of which nothing can be known.
    """
    shapes = [number for number, pack in enumerate(plan.packs) if can_be_proved(pack.shape)]
    known = pl.col("first_sharpness").is_finite() & pl.col("learning_rate").is_finite()
    wanted = table.filter(known & (pl.col("status") == "done"), pl.col("pack").is_in(shapes))
    parts = [part for some in wanted.iter_slices(MOST_TRIALS) for part in _of_trials(plan, some, numbers)]
    return pl.concat([pl.DataFrame(schema=COLUMNS), *parts])


def _of_trials(plan: Plan, wanted: pl.DataFrame, numbers: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows of trials whose records are in memory together."""
    of_rows = numbers.filter(pl.col("diagnostic").is_in(READ)).join(wanted.lazy().select("row", "pack"), on="row")
    recorded = of_rows.collect().partition_by("pack", as_dict=True)
    for (number,), part in wanted.partition_by("pack", as_dict=True).items():
        computed = functools.partial(_of_pack, plan, number, part, recorded[number,])
        yield unless_own_code_fails("steps that are proved", computed, pl.DataFrame(schema=COLUMNS))


def _of_pack(plan: Plan, number: int, part: pl.DataFrame, recorded: pl.DataFrame) -> pl.DataFrame:
    """The rows of the trials of a pack."""
    shape = plan.packs[number].shape
    dataset = dataset_of(shape.problem)
    assert isinstance(shape.model, Shallow), "as `can_be_proved` says"
    bounds = shape.model.activation.derivative_bounds
    if dataset is None or bounds is None:
        return pl.DataFrame(schema=COLUMNS)
    steps_H = torch.tensor(plan.experiment.recorded_steps(shape.steps))
    losses_TH, gradients_TH, sharpness_TH = _by_step(part["row"], steps_H.numpy(), recorded)
    weights_T = _first_output_weights([plan.trials[trial] for trial in part["trial"]], shape)
    rates_T = part["learning_rate"].to_torch().double()
    found = Trajectories(rates_T, steps_H, losses_TH, gradients_TH, sharpness_TH, weights_T)
    proofs_TI = certified(output_derivatives(bounds, dataset.train_inputs_PD), found, MARGIN[shape.stored])
    return pl.DataFrame(
        list(_rows(part["row"], proofs_TI, found, LEAST_FRACTION[shape.dtype])), schema=COLUMNS, orient="row"
    )


def _by_step(rows: pl.Series, steps_H: np.ndarray, recorded: pl.DataFrame) -> Tensor:
    """Values of ``READ`` by trial and step, NaN where nothing is recorded, shape ``[B, T, H]``."""
    values_BTH = torch.full((len(READ), len(rows), len(steps_H)), torch.nan, dtype=torch.float64)
    places = recorded.select(
        pl.col("diagnostic").replace_strict({name: place for place, name in enumerate(READ)}, return_dtype=pl.Int64),
        pl.col("row").replace_strict({row: place for place, row in enumerate(rows)}, return_dtype=pl.Int64),
        pl.Series("step", np.searchsorted(steps_H, recorded["step"].to_numpy())),
    )
    values_BTH[tuple(place.to_torch() for place in places)] = recorded["value"].to_torch()
    return values_BTH


def _first_output_weights(trials: Sequence[Trial], shape: Shape) -> Tensor:
    weights_TN = initial_weights_of(trials, torch.float64)
    assert isinstance(shape.model, Shallow), "as `can_be_proved` says"
    return largest_output_weights(shape.model.layers(weights_TN, shape.width, shape.problem.num_outputs)[1])


def _rows(
    rows: pl.Series, proofs_TI: Tensor, found: Trajectories, least_fraction: float
) -> Iterator[tuple[int, int, int, str | None, bool]]:
    """A row of ``COLUMNS`` for each trial."""
    proved_TI, lengths_I = proofs_TI == Proof.PROVED, found.steps_H.diff()
    before_TI, after_TI = found.losses_TH[:, :-1], found.losses_TH[:, 1:]
    noise_T1 = least_fraction * found.losses_TH[:, :1]
    rises_T = (proved_TI & (after_TI > before_TI * (1 + ROUNDING) + noise_T1)).any(dim=1)
    steps_T = (proved_TI * lengths_I).sum(dim=1)
    first_T = (proved_TI.cumprod(dim=1) * lengths_I).sum(dim=1)
    for row, steps, first, rises, proofs_I in zip(
        rows, steps_T.tolist(), first_T.tolist(), rises_T.tolist(), proofs_TI.tolist(), strict=True
    ):
        why = next((WHY[Proof(proof)] for proof in proofs_I if proof != Proof.PROVED), None)
        yield row, steps, first, why, rises


def proved_descent_verdict() -> Said:
    """Whether descent that is proved is what is measured, from ``step`` and the columns of ``COLUMNS``.

    Returns:
        Null unless all steps of a trial are proved, or a recorded loss rises where they are.
    """
    proved = pl.col("proved_steps") == pl.col("step")
    contradicts = pl.lit("its loss rises from one record to the next, though each step between is proved to lower it")
    every = (
        pl.when(pl.col("step") == 1).then(pl.lit("its only step")).otherwise(pl.format("each of its {} steps", "step"))
    )
    agrees = pl.format("descends, proved: {} lowers the loss, to rounding", every)
    rises = pl.col("rises_where_proved")
    return Said(
        pl.when(rises).then(pl.lit(CONTRADICTS)).when(proved).then(pl.lit(AGREES)),
        pl.when(rises).then(contradicts).when(proved).then(agrees),
    )


def proved_part() -> pl.Expr:
    """How much of the descent of each trial is proved, and what is missing.

    From ``step`` and the columns of ``COLUMNS``.

    Returns:
        Words that follow other grounds; empty where nothing can be proved, or all is.
    """
    verb = pl.when(pl.col("proved_steps") == 1).then(pl.lit("is")).otherwise(pl.lit("are"))
    some = pl.format(
        "; {} of its {} proved to lower the loss: {} at step {}",
        *("proved_steps", pl.format("{} {}", number_in_rows(pl.col("step"), "step"), verb), "unproved", "first_steps"),
    )
    return pl.when(pl.col("proved_steps") < pl.col("step")).then(some).fill_null("")
