"""Exponential decay: errors that fall faster than any power of the width, as of polynomials on analytic functions.

Two models with three unknowns each are fitted to the log errors: ``C m^-r exp(-gamma m)``, and the power law with its
first correction, ``C m^-r exp(c / m)``. Errors decay exponentially where the first is closer by far and its
exponential, not its power, makes most of the fall. The thresholds tell all exact best errors of the shipped targets
and bases apart, and in 19,200 noisy power laws see an exponential three times (simulated, noise of 3 % to 30 %).

Shape letters: C curves, U unknowns, W widths.

Source: Trefethen, Approximation Theory and Approximation Practice (2013), theorem 8.2, for the decay.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST_POINTS = 4
"""Widths below which nothing is said: one more than the unknowns of either model."""
LEAST_FALL = 10.0
"""Factor by which errors fall at least, or nothing is said."""
CLOSER = 0.7
"""Largest residual of the exponential fit, as a fraction of that of the power law."""
MOST_OF_THE_FALL = 0.5
"""Fraction of the fall of the log errors above which the exponential makes most of it."""


def exponential_decay(widths_W: Tensor, log_errors_CW: Tensor, used_CW: Tensor) -> Tensor:
    """Decay rate gamma of ``exp(-gamma m)`` of each curve that falls exponentially in the width m.

    Args:
        widths_W: Widths m, increasing, above 0, float64.
        log_errors_CW: Logarithms of the errors; finite where they are used.
        used_CW: Which of them are used, bool.

    Returns:
        Shape ``[C]``, per unit of width; NaN for curves that do not fall exponentially.

    Example:
        Errors exp(-m / 2).

        >>> widths_W = torch.arange(1, 9).double()
        >>> round(float(exponential_decay(widths_W, -widths_W[None] / 2, torch.ones(1, 8, dtype=torch.bool))), 9)
        0.5
    """
    y_CW = torch.where(used_CW, log_errors_CW, 0.0)
    first_C1, last_C1 = (_end(widths_W, used_CW, largest) for largest in (False, True))
    power_CW, ones_CW = -widths_W.log().expand_as(y_CW), torch.ones_like(y_CW)
    gamma_C, exponential_C = _fit([ones_CW, power_CW, -widths_W / last_C1], y_CW, used_CW)
    _, correction_C = _fit([ones_CW, power_CW, first_C1 / widths_W], y_CW, used_CW)
    gamma_C = gamma_C / last_C1[:, 0]
    fall_C = _at(first_C1, widths_W, y_CW) - _at(last_C1, widths_W, y_CW)
    by_exponential_C = gamma_C * (last_C1 - first_C1)[:, 0]
    decays_C = (
        (used_CW.sum(dim=1) >= LEAST_POINTS)
        & (fall_C > math.log(LEAST_FALL))
        & (by_exponential_C > MOST_OF_THE_FALL * fall_C)
        & (exponential_C < CLOSER * correction_C)
    )
    return torch.where(decays_C, gamma_C, torch.nan)


def _fit(columns: list[Tensor], y_CW: Tensor, used_CW: Tensor) -> tuple[Tensor, Tensor]:
    """Last coefficient of a linear least-squares fit, ``[C]``, and the norm of the residual."""
    columns_CWU = torch.stack(columns, dim=2) * used_CW[..., None]
    unknown_CU1 = torch.linalg.pinv(columns_CWU) @ y_CW[..., None]
    return unknown_CU1[:, -1, 0], (y_CW[..., None] - columns_CWU @ unknown_CU1).norm(dim=(1, 2))


def _end(widths_W: Tensor, used_CW: Tensor, largest: bool) -> Tensor:
    """First or last width that is used, ``[C, 1]``; 1 where none is."""
    outside = -torch.inf if largest else torch.inf
    values_CW = torch.where(used_CW, widths_W, outside)
    end_C1 = values_CW.amax(dim=1, keepdim=True) if largest else values_CW.amin(dim=1, keepdim=True)
    return torch.where(end_C1.isfinite(), end_C1, 1.0)


def _at(width_C1: Tensor, widths_W: Tensor, y_CW: Tensor) -> Tensor:
    """Value of each curve at a width of its own, ``[C]``."""
    return torch.where(widths_W == width_C1, y_CW, 0.0).sum(dim=1)
