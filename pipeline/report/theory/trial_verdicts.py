"""The verdict on each trial, made of all claims of theory about it, or the reason why there is none."""

from __future__ import annotations

import polars as pl

from pipeline.experiment.trial import Shape
from pipeline.optimizers.rules import Adam
from pipeline.report.theory import at_rest, stable_rates
from pipeline.report.theory.at_rest import at_rest_verdict, descent_of_network
from pipeline.report.theory.falling_losses import falling_loss_verdict
from pipeline.report.theory.proved_descent import proved_descent_verdict, proved_part
from pipeline.report.theory.rule_on_quadratics import stability_factor_of
from pipeline.report.theory.stable_rates import MEANINGS, descent_of_linear_model, has_limit, learning_rate_verdict
from pipeline.report.theory.verdicts import Said, combined, decided

PENDING, FAILED, UNREADABLE = "pending", "failed", "unreadable"
WHY = {
    PENDING: "it has not been trained to its end yet",
    FAILED: "training failed",
    UNREADABLE: "a file of its records or outcomes cannot be read",
}

SHAPE_COLUMNS = {
    **stable_rates.SHAPE_COLUMNS,
    **at_rest.SHAPE_COLUMNS,
    "unspoken": pl.String,
    "unspoken_grounds": pl.String,
}
"""Columns that the claims read, which trials of one shape have in common."""


def of_shape(shape: Shape) -> tuple[bool | float | str | None, ...]:
    """What the claims need to know of a shape.

    Args:
        shape: Model, optimizer, loss and size of the minibatches.

    Returns:
        In the order of ``SHAPE_COLUMNS``.
    """
    return (*descent_of_linear_model(shape), *descent_of_network(shape), *unspoken(shape))


def unspoken(shape: Shape) -> tuple[str, str]:
    """Why theory says nothing about the trials of a shape where no claim does.

    Args:
        shape: Model, optimizer, loss and size of the minibatches.

    Returns:
        The reason in a few words, and in full.
    """
    rule, loss = shape.optimizer.name(), shape.loss.name()
    if not shape.optimizer.uses_learning_rate:
        return f"solved by {rule}", f"{rule} chooses its own steps: it has no learning rate that could be too large"
    if shape.batch_size is not None:
        return (
            "on minibatches: no exact limit",
            "the loss of descent on minibatches keeps the noise of the batches, so that no limit of one trial is exact",
        )
    if stability_factor_of(shape) is None:
        reason = "says no largest stable learning rate on a quadratic"
        if isinstance(shape.optimizer, Adam):
            reason = "divides each gradient by the size of earlier ones: no limit follows from the Hessian alone"
        return f"without a closed form for {rule}", f"{rule} {reason}"
    if shape.model.linear and not has_limit(shape):
        return (
            f"without an exact limit for {loss}",
            f"the curvature of {loss} changes on the way, so that its limit is a bound, and not exact",
        )
    return "without a recorded limit", "nothing was recorded that theory could be held against"


def trial_verdict() -> tuple[pl.Expr, pl.Expr]:
    """The ``verdict`` on each trial and its ``grounds``.

    From the columns that each kind of claim reads, ``status``, and those of ``SHAPE_COLUMNS``.

    Returns:
        ``agrees``, ``contradicts`` or a reason in a few words; and what that rests on.
    """
    ended = pl.col("status").is_in(["done", "diverged"])
    silent = Said(pl.col("unspoken"), pl.col("unspoken_grounds"))
    claims = combined(
        [learning_rate_verdict(), falling_loss_verdict(), at_rest_verdict(), proved_descent_verdict(), silent]
    )
    status = pl.when(pl.col("status").is_in([FAILED, UNREADABLE])).then("status").otherwise(pl.lit(PENDING))
    verdict = pl.when(ended).then(claims.verdict).otherwise(status)
    grounds = pl.concat_str(claims.grounds, proved_part())
    grounds = pl.when(ended).then(grounds).otherwise(status.replace_strict(WHY, return_dtype=pl.String))
    return verdict.alias("verdict"), grounds.alias("grounds")


def silences(table: pl.DataFrame) -> list[str]:
    """Why some trials that have ended have no verdict, in sentences, and what limits that are not exact mean."""
    known = table.filter(~decided(pl.col("verdict")) & ~pl.col("verdict").is_in([*WHY, stable_rates.COMPUTED]))
    counts = known.group_by("verdict", maintain_order=True).agg(
        pl.len(), pl.col("grounds").first(), several=pl.col("grounds").n_unique() > 1
    )
    reasons = [
        f"Of {number} trial{'s' * (number > 1)} nothing is said: {grounds}{', for one' * several}."
        for _, number, grounds, several in counts.sort("len", descending=True, maintain_order=True).iter_rows()
    ]
    meanings = [meaning for limit, meaning in MEANINGS.items() if (table["limit"] == limit.value).any()]
    return [*reasons, *meanings]
