"""Learning rates of a pack as numbers, where they may be multiples of the largest stable one."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.sharpness import Sharpness
from pipeline.diagnostics.snapshot import Shortcuts, Snapshot
from pipeline.errors import PipelineError
from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.experiment.resources import OBSERVED_BYTES, observed_bytes_of_trial
from pipeline.experiment.trial import TimesLimit, Trial

DIGITS = 7
"""Significant digits of the limit of a network: what is certain of it, so that every engine trains at the same rate."""


def learning_rates(trials: Sequence[Trial], limits_T: Tensor) -> Tensor:
    """The learning rate of each trial as a number.

    Args:
        trials: Trials of one shape.
        limits_T: The largest stable learning rate of each.

    Returns:
        Shape ``[T]``, float64; NaN for a solver that has none.
    """
    rates = [trial.learning_rate for trial in trials]
    factors_T = [rate.times_limit if isinstance(rate, TimesLimit) else 1.0 for rate in rates]
    numbers_T = [float("nan") if rate is None else 1.0 if isinstance(rate, TimesLimit) else rate for rate in rates]
    relative_T = torch.tensor([isinstance(rate, TimesLimit) for rate in rates])
    rates_T = torch.tensor(numbers_T, dtype=torch.float64)
    return torch.where(relative_T, torch.tensor(factors_T, dtype=torch.float64) * limits_T, rates_T)


def are_multiples(trials: Sequence[Trial]) -> bool:
    """Whether some rates are multiples of a limit."""
    return any(isinstance(trial.learning_rate, TimesLimit) for trial in trials)


def limits_at_start(trials: Sequence[Trial], context: PackContext, shortcuts: Shortcuts) -> Tensor:
    """The largest stable learning rate on the quadratic that the loss of each network is at its initial weights.

    ``factor / lambda_max`` of the Hessian there, with the stability factor of the optimizer: 2 for gradient descent.

    Args:
        trials: Trials of one shape, of a network.
        context: Model, loss and points, on the device of the engine.
        shortcuts: What the engine computes faster.

    Returns:
        Shape ``[T]``, float64, on the processor; infinite where no direction curves upwards.

    Raises:
        PipelineError: If an eigenvalue is not certain.
    """
    factor, device = context.optimizer.stability_factor(), context.prepared_AP.device
    assert factor is not None, "checked where the experiment was read"
    together = max(1, OBSERVED_BYTES // observed_bytes_of_trial(trials[0].shape))
    sharpness = Sharpness()
    parts = []
    for first in range(0, len(trials), together):
        some = trials[first : first + together]
        weights_TN = initial_weights_of(some, context.dtype).to(device)
        unknown_T = weights_TN.new_full((len(some),), torch.nan)
        draw = functools.partial(initial_weights_of, some, context.dtype)
        snapshot = Snapshot(context, 0, weights_TN, unknown_T, torch.zeros_like(weights_TN), unknown_T, draw, shortcuts)
        parts.append(sharpness(snapshot).cpu())
    sharpness_T = torch.cat(parts)
    if uncertain := int(sharpness_T.isnan().sum()):
        what = f"the sharpness of {uncertain} of {len(trials)} networks at their initial weights is not certain"
        raise PipelineError(what, where="learning_rates", hint="give the learning rates themselves, not times_limit")
    limits = [factor / value if value > 0 else float("inf") for value in sharpness_T.tolist()]
    return torch.tensor([float(f"{limit:.{DIGITS}g}") for limit in limits], dtype=torch.float64)
