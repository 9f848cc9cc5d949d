"""Stable learning rates of linear models: whether what happened at a rate is what theory says of quadratics.

For a linear model, the square loss, all points at every step and an optimizer with a
stability factor, descent converges below the largest stable learning rate and, above it, grows in
the modes whose eigenvalues are too large for the rate, if they hold anything at the initial. What that
means for numbers recorded at finitely many steps:

- within 1 % of the limit there is no verdict (in float64, 0.05 %), nor where the first loss is not finite
  or not known: data that overflow the dtype diverge at any rate;
- below it there is no verdict on a trial that ended with one recorded loss, which is its own first;
- below it a trial must not diverge, and an optimizer without memory must not end above its
  first loss (one with memory may overshoot at first, so only an end below the first loss counts, and if its
  overshoot may reach the loss at which a trial counts as diverged, not even that contradicts);
- above it a trial agrees that diverged, or whose loss has grown by what the growing modes make it grow;
- above it a trial contradicts whose loss does not grow although the modes that hold something at the initial,
  not rounding alone, must have lifted it many times above its first value, at a rate lower by the margin. Rounding may
  bring a mode to life that holds nothing, or may not: exact zeros stay zeros, in one engine and not in another;
- there is no verdict on a trial that was computed in closed form: theory would be compared with itself.

Shape letters: R learning rates.
"""

from __future__ import annotations

import math

import polars as pl
import torch
from torch import Tensor

from pipeline.experiment.engine_names import CLOSED_FORM
from pipeline.experiment.trial import DIVERGED_ABOVE, Shape
from pipeline.numerics.descent import Modes, log_errors
from pipeline.optimizers.rules import Recurrence, UpdateRule
from pipeline.optimizers.stability_limits import Limit
from pipeline.report.theory.rule_on_quadratics import meaning_of_limit, recurrence_of
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, Said

MARGIN = {"float32": 0.01, "float64": 0.0005}
"""Relative distance to the limit within which rounding decides."""
ROUNDING = 1e-4
"""Relative change of a loss that float32 sums may show without a cause."""
LEAST_FRACTION = {
    "tf32": 1e-4,
    "float32": (1e4 * torch.finfo(torch.float32).eps) ** 2,
    "float64": (1e4 * torch.finfo(torch.float64).eps) ** 2,
}
"""Fraction of a mode in the first loss from which on it is not the rounding of data and sums."""
GROWTH_THAT_SHOWS = 100.0
"""Times the first loss that growing modes must have reached for a trial to contradict that has not grown."""
SLACK = 4.0
"""Factor by which a loss that is predicted roughly may be off."""

EMPTY = "nothing in a growing mode"
TOO_SHORT = "too few steps"
TOO_CLOSE = "too close to the limit"
ONE_LOSS = "one recorded loss"
OVERSHOT = "overshot and not back"
UNREAD = "points not readable"
NO_START = "no finite first loss"
NO_LIMIT = "no finite limit"
COMPUTED = "computed in closed form"
NOT_RECORDED = "without a recorded limit"

GROUNDS = {
    EMPTY: "of the modes that would grow at this rate none holds more than rounding at the initial, and exact zeros "
    "stay zeros",
    TOO_SHORT: "the modes that grow at this rate have not had the steps to show",
    TOO_CLOSE: "the rate is so close to the limit that rounding decides",
    ONE_LOSS: "one recorded loss does not show whether it fell",
    OVERSHOT: "a rule with memory may overshoot, and had not yet come back",
    UNREAD: "the points cannot be read any more",
    NO_START: "the loss at the initial is not finite, or not known",
    NO_LIMIT: "there is no finite limit, as where all features are zero",
    COMPUTED: "it was computed in closed form, which is what theory says",
    NOT_RECORDED: "the largest stable learning rate is not recorded",
}
"""Each reason for neither verdict in full."""
BELOW, ABOVE = "the rate is below the stability limit", "the rate is above the stability limit"

MEANINGS = {
    Limit.FALLS: "Of a loss that is no quadratic the predicted limit comes from its largest curvature: at a rate below "
    "it gradient descent raises the loss at no step, and at a higher one it need not either.",
    Limit.LOCAL: "With momentum, of a loss that is no quadratic, the predicted limit is a local one: at a rate below "
    "it a minimum attracts what starts close to it; from afar descent may go round a cycle for ever.",
    Limit.MEAN_SQUARE: "Of minibatches the predicted limit is that of the mean square: at a rate below it the mean "
    "square of the weights stays finite, if every batch is drawn anew. A trial takes each point once an epoch, and its "
    "loss keeps the noise of the batches, so no verdict is given.",
}
"""What is known of rates below a limit that is not exact, as a sentence."""


def has_limit(shape: Shape) -> bool:
    """Whether the largest stable learning rate of a shape is exact."""
    return meaning_of_limit(shape) is Limit.EXACT


SHAPE_COLUMNS = {
    "has_limit": pl.Boolean,
    "limit": pl.String,
    "overshoots": pl.Boolean,
    "amplification": pl.Float64,
    "margin": pl.Float64,
    "least_fraction": pl.Float64,
}
"""Columns of ``descent_of_linear_model``."""


def descent_of_linear_model(shape: Shape) -> tuple[bool, str, bool, float, float, float]:
    """What a shape tells about the stable learning rates of its trials.

    Args:
        shape: Model, optimizer, loss and size of the minibatches.

    Returns:
        In the order of ``SHAPE_COLUMNS``: whether the limit is exact, what is known of rates below it, whether the rule
        overshoots and how far, the relative distance to the limit within which rounding decides, and the fraction of
        the first loss that may be rounding.
    """
    limit, recurrence = meaning_of_limit(shape), recurrence_of(shape)
    words = limit.value if limit else ""
    rounding = MARGIN[shape.stored], LEAST_FRACTION[shape.dtype]
    return has_limit(shape), words, overshoots(shape), amplification(recurrence), *rounding


def overshoots(shape: Shape) -> bool:
    """Whether the optimizer remembers earlier steps, so that the loss may rise before it falls."""
    return not isinstance(shape.optimizer, UpdateRule) or shape.optimizer.slots > 0


def amplification(recurrence: Recurrence | None) -> float:
    """Largest ratio of the error of a mode to its initial error during descent, at any rate up to the limit.

    It is ``(1 + 3 m) / (1 - sqrt m)`` for the momentum m: with roots of one step of size at most 1, whose product is at
    most m, the error after t steps is ``u_t e_1 - d u_(t-1)`` with ``|u_t| <= 1 / (1 - sqrt m)``, ``|d| <= m`` and
    ``|e_1| <= 1 + 2 m``.

    Args:
        recurrence: Of the rule on quadratics, ``None`` where it has none.

    Returns:
        At least 1; infinite for rules without a recurrence.
    """
    if recurrence is None:
        return math.inf
    return (1 + 3 * recurrence.momentum) / (1 - math.sqrt(recurrence.momentum))


def growth(
    initial: Modes,
    rates_R: Tensor,
    steps_R: Tensor,
    limits_R: Tensor,
    recurrence: Recurrence,
    least_fraction: float,
    margin: float,
) -> tuple[Tensor, Tensor]:
    """Logarithm of the growth of the first loss by the modes that grow: ``log sum_s f_s e_s(t)^2``.

    f is the fraction of a mode in the first loss, ``e(t)`` its error after t steps over its initial one. The sum is
    over modes with ``rate lambda_s / lambda_1 > limit`` that hold more than rounding initially.

    Args:
        initial: Modes of the loss at step 0.
        rates_R: Learning rates.
        steps_R: Steps that each has made.
        limits_R: The largest stable learning rate of each, at which the largest eigenvalue begins to grow.
        recurrence: The rule.
        least_fraction: Fraction of the first loss from which on a mode holds something.
        margin: Relative distance to the limit within which rounding decides.

    Returns:
        The growth at rates that are lower by the margin, which is the least, and at the rates themselves, shapes
        ``[R]``; minus infinity where no such mode grows.
    """
    first = initial.floor + initial.losses_S.sum()
    fraction_S = torch.where(initial.losses_S > least_fraction * first, initial.losses_S / first, 0.0)
    stable_S = initial.eigenvalues_S / initial.eigenvalues_S[:1]  # of the rate over the limit

    def reached(rates_R: Tensor) -> Tensor:
        grows_RS = rates_R[:, None] * stable_S > limits_R[:, None]
        errors_RS = log_errors(initial.eigenvalues_S, rates_R, steps_R[:, None], *recurrence)[:, 0]
        return torch.where(grows_RS, 2 * errors_RS + fraction_S.log(), -torch.inf).logsumexp(dim=1)

    return reached(rates_R * (1 - margin)), reached(rates_R)


def learning_rate_verdict() -> Said:
    """The verdict on the learning rate of each trial, from columns of the same frame.

    Columns: ``has_limit``, ``overshoots``, ``amplification``, ``margin``, ``status``, ``learning_rate``,
    ``largest_stable_learning_rate``, ``first_loss``, ``least_loss``, ``loss``, the last, ``several_losses``, whether
    these come from more than one step, ``engine``, null where that is not known, and ``least_growth`` and
    ``growth``, what ``growth`` says, null where the modes are not known.

    Returns:
        Null of a trial that has not ended, or of which theory has no exact limit.
    """
    ratio = pl.col("learning_rate") / pl.col("largest_stable_learning_rate")
    diverged = pl.col("status") == "diverged"
    finished = diverged | (pl.col("status") == "done")
    first, last, least = pl.col("first_loss"), pl.col("loss").fill_nan(math.inf), pl.col("least_loss")
    overshot = SLACK * pl.col("amplification").pow(2) * first > DIVERGED_ABOVE * (1 + first)
    below = (
        pl.when(diverged & overshot)
        .then(pl.lit(OVERSHOT))
        .when(diverged)
        .then(pl.lit(CONTRADICTS))
        .when(~pl.col("several_losses"))
        .then(pl.lit(ONE_LOSS))
        .when(last <= first * (1 + ROUNDING))
        .then(pl.lit(AGREES))
        .when(pl.col("overshoots"))
        .then(pl.lit(OVERSHOT))
        .otherwise(pl.lit(CONTRADICTS))
    )
    grew = last > least * (1 + ROUNDING)
    must_grow = pl.col("least_growth") > math.log(GROWTH_THAT_SHOWS)
    explained = (last - least) <= SLACK * first * pl.col("growth").exp()
    above = (
        pl.when(diverged)
        .then(pl.lit(AGREES))
        .when(pl.col("growth").is_null())
        .then(pl.lit(UNREAD))
        .when(grew & (must_grow | (explained & ~pl.col("overshoots"))))
        .then(pl.lit(AGREES))
        .when(must_grow)
        .then(pl.lit(CONTRADICTS))
        .when(pl.col("growth") == -math.inf)
        .then(pl.lit(EMPTY))
        .otherwise(pl.lit(TOO_SHORT))
    )
    decided = (
        pl.when(~measured())
        .then(pl.lit(COMPUTED))
        .when(first.is_null() | ~first.is_finite() | pl.col("loss").is_null())
        .then(pl.lit(NO_START))
        .when(ratio.is_nan())
        .then(pl.lit(NO_LIMIT))
        .when(ratio < 1 - pl.col("margin"))
        .then(below)
        .when(ratio > 1 + pl.col("margin"))
        .then(above)
        .when(ratio.is_not_null())
        .then(pl.lit(TOO_CLOSE))
        .otherwise(pl.lit(NOT_RECORDED))
    )
    known = pl.when((pl.col("has_limit") & finished).fill_null(value=False)).then(decided)
    side = pl.when(ratio < 1).then(pl.lit(BELOW)).otherwise(pl.lit(ABOVE))
    grounds = known.replace_strict(GROUNDS, default=pl.when(known.is_not_null()).then(side), return_dtype=pl.String)
    return Said(known, grounds)


def measured() -> pl.Expr:
    """Whether a trial was trained by iterating, from its ``engine``: the closed form is what theory says."""
    return pl.col("engine").ne_missing(pl.lit(CLOSED_FORM))


def not_measured(outcomes: pl.DataFrame) -> str:
    """Why some trials of a run have no verdict, in a sentence; empty where all were measured."""
    number = outcomes.select((~measured()).sum()).item()
    if not number:
        return ""
    trials = "1 trial was" if number == 1 else f"{number} trials were"
    return (
        f"{trials} computed in closed form, which is what theory says: nothing was measured there that could agree "
        "with it. Leave engine out to measure."
    )
