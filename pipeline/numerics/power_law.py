"""Power laws with a floor, ``e^2 = C^2 m^(-2 r) + floor^2``, fitted to the logarithms of many curves at once.

Shape letters as everywhere, and C for curves, W for widths.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

ITERATIONS = 40
LEAST_FLOOR = 15.0
"""How far below the least log error a floor is looked for: e^-15 of it changes no digit that is fitted."""


@dataclass(frozen=True)
class PowerLaw:
    """The fits of C curves."""

    log_constant_C: Tensor
    rate_C: Tensor
    log_floor_C: Tensor
    """``-inf`` where none was fitted."""
    residual_C: Tensor
    """Sum of the squared residuals of the log errors."""
    influence_CW: Tensor
    """How the rate moves with each log error, to first order; 0 for widths that were not used."""


def fit_power_law(log_widths_W: Tensor, log_errors_CW: Tensor, used_CW: Tensor, *, floor: bool) -> PowerLaw:
    """Least squares in logarithms, with a floor as third unknown or without one.

    Args:
        log_widths_W: Logarithms of the widths.
        log_errors_CW: Logarithms of the errors, float64; finite, also where they are not used.
        used_CW: Which of them are used, at least two of each curve, or three with a floor.
        floor: Whether there may be a floor.

    Source: Levenberg (1944), Marquardt (1963) for the fit with a floor, which is not linear.
    """
    used_CW = used_CW.to(log_errors_CW)
    if not floor:
        return _line(log_widths_W, log_errors_CW, used_CW)
    starts = [_with_floor(log_widths_W, log_errors_CW, used_CW, below) for below in (0.5, LEAST_FLOOR)]
    costs_SC = torch.stack([law.residual_C for law in starts])
    first_C = costs_SC[0] <= costs_SC[1]

    def better(name: str) -> Tensor:
        one, other = (getattr(law, name) for law in starts)
        return torch.where(first_C if one.dim() == 1 else first_C[:, None], one, other)

    return PowerLaw(*(better(name) for name in PowerLaw.__dataclass_fields__))


def _line(x_W: Tensor, y_CW: Tensor, used_CW: Tensor) -> PowerLaw:
    count_C = used_CW.sum(dim=1)
    middle_C, mean_C = (used_CW * x_W).sum(dim=1) / count_C, (used_CW * y_CW).sum(dim=1) / count_C
    from_middle_CW = used_CW * (x_W - middle_C[:, None])
    influence_CW = -from_middle_CW / from_middle_CW.square().sum(dim=1, keepdim=True)
    rate_C = (influence_CW * y_CW).sum(dim=1)
    residual_CW = used_CW * (y_CW - mean_C[:, None] + rate_C[:, None] * (x_W - middle_C[:, None]))
    log_constant_C = mean_C + rate_C * middle_C
    no_floor_C = torch.full_like(rate_C, -torch.inf)
    return PowerLaw(log_constant_C, rate_C, no_floor_C, residual_CW.square().sum(dim=1), influence_CW)


def _with_floor(x_W: Tensor, y_CW: Tensor, used_CW: Tensor, below: float) -> PowerLaw:
    """Levenberg-Marquardt from the line through the first half and a floor so far below the least log error."""
    first_half_CW = used_CW * (used_CW.cumsum(dim=1) <= (used_CW.sum(dim=1, keepdim=True) / 2).ceil().clamp(min=2))
    start = _line(x_W, y_CW, used_CW if below == LEAST_FLOOR else first_half_CW)
    least_C = torch.where(used_CW > 0, y_CW, torch.inf).amin(dim=1)
    unknown_C3 = torch.stack([start.log_constant_C, start.rate_C, least_C - below], dim=1)
    damping_C = torch.full_like(least_C, 1e-2)
    residual_CW, slopes_CW3 = _residual(unknown_C3, x_W, y_CW, used_CW)
    for _ in range(ITERATIONS):
        square_C33 = slopes_CW3.mT @ slopes_CW3
        diagonal_C3 = square_C33.diagonal(dim1=1, dim2=2)
        damped_C33 = square_C33 + torch.diag_embed(damping_C[:, None] * diagonal_C3 + 1e-12)
        step_C3 = torch.linalg.solve(damped_C33, (slopes_CW3.mT @ residual_CW[..., None])[..., 0]).clamp(-2, 2)
        moved_C3 = unknown_C3 + step_C3
        moved_C3[:, 2] = torch.maximum(moved_C3[:, 2], least_C - LEAST_FLOOR)
        new_residual_CW, new_slopes_CW3 = _residual(moved_C3, x_W, y_CW, used_CW)
        lower_C = new_residual_CW.square().sum(dim=1) <= residual_CW.square().sum(dim=1)
        unknown_C3 = torch.where(lower_C[:, None], moved_C3, unknown_C3)
        residual_CW = torch.where(lower_C[:, None], new_residual_CW, residual_CW)
        slopes_CW3 = torch.where(lower_C[:, None, None], new_slopes_CW3, slopes_CW3)
        damping_C = torch.where(lower_C, damping_C / 4, damping_C * 4).clamp(1e-12, 1e6)
    square_C33 = slopes_CW3.mT @ slopes_CW3 + 1e-12 * torch.eye(3, dtype=x_W.dtype)
    influence_CW = torch.linalg.solve(square_C33, slopes_CW3.mT)[:, 1]
    log_constant_C, rate_C, log_floor_C = unknown_C3.unbind(dim=1)
    return PowerLaw(log_constant_C, rate_C, log_floor_C, residual_CW.square().sum(dim=1), influence_CW)


def _residual(unknown_C3: Tensor, x_W: Tensor, y_CW: Tensor, used_CW: Tensor) -> tuple[Tensor, Tensor]:
    """What the law leaves of the log errors, and how the law moves with its three unknowns, ``[C, W, 3]``."""
    log_constant_C1, rate_C1, log_floor_C1 = unknown_C3.split(1, dim=1)
    law_CW = log_constant_C1 - rate_C1 * x_W
    share_CW = used_CW * torch.sigmoid(2 * (law_CW - log_floor_C1))
    slopes_CW3 = torch.stack([share_CW, -share_CW * x_W, used_CW - share_CW], dim=2)
    return used_CW * (y_CW - torch.logaddexp(2 * law_CW, 2 * log_floor_C1) / 2), slopes_CW3
