"""From which width on errors follow a power law: the fit of every window, and the choice among them.

A window begins at some width and ends at the largest. The one chosen is the longest whose
rate agrees with the rates of all windows inside it, to half a standard deviation of their
difference; a looser rule would keep a bias of the size of the noise.

Shape letters as everywhere, and C for curves, W for widths, V for windows by the width
they begin at.

Source of the choice: Lepski, "On a problem of adaptive estimation in Gaussian white noise" (1990).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.numerics.power_law import fit_power_law

LEAST_POINTS = 5
LEAST_SPAN = 10.0
"""A window has five widths above the floor at least, and they span a decade."""
ABOVE_KNOWN_FLOOR = 10.0
"""Errors below so many times a known floor are left out."""
ABOVE_FITTED_FLOOR = math.sqrt(2)
"""Errors above so many times a fitted floor have more of the power law than of the floor."""
AGREEMENT = 0.5
"""Standard deviations by which the rate of a window may differ from that of one inside it."""
MOST_CORRELATED = 0.9
"""Correlation of neighbouring residuals above which no more is made of it."""


@dataclass(frozen=True)
class Windows:
    """The fit of every window of every curve; NaN where a window is too short."""

    used_CW: Tensor
    """Which widths are fitted."""
    above_CW: Tensor
    """Which of them have an error above the floor."""
    valid_CV: Tensor
    rate_CV: Tensor
    log_constant_CV: Tensor
    log_floor_CV: Tensor
    noise_CV: Tensor
    """Standard deviation of the residuals, and more where neighbours lie on the same side of the law."""
    freedom_CV: Tensor
    """Points less unknowns."""
    influence_CVW: Tensor
    """How the rate moves with each log error."""

    @property
    def last_C(self) -> Tensor:
        """The shortest window of each curve; 0 where there is none."""
        places_V = torch.arange(self.valid_CV.shape[1])
        return torch.where(self.valid_CV, places_V, 0).amax(dim=1)


def fit_windows(
    log_widths_W: Tensor, log_errors_CW: Tensor, floor: float | None, *, corrected: bool = False
) -> Windows:
    """Fit every window that is long enough.

    Args:
        log_widths_W: Logarithms of the widths, increasing.
        log_errors_CW: Logarithms of the errors; what is not finite is left out.
        floor: A known floor, 0 for none; ``None`` to fit one.
        corrected: Whether the law has its first correction.
    """
    used_CW, y_CW = _without_known_floor(log_errors_CW, floor or 0.0)
    above_CW = used_CW if floor is not None else _above_fitted_floor(log_widths_W, y_CW, used_CW)
    inside_VW = torch.ones(len(log_widths_W), len(log_widths_W), dtype=torch.bool).triu()
    valid_CV = _long_enough(log_widths_W, above_CW, inside_VW)
    curve_J, window_J = valid_CV.nonzero(as_tuple=True)
    inside_JW = used_CW[curve_J] & inside_VW[window_J]
    law = fit_power_law(log_widths_W, y_CW[curve_J], inside_JW, floor=floor is None, corrected=corrected)
    freedom_J = inside_JW.sum(dim=1).double() - (2 + int(floor is None) + int(corrected))

    def placed(values_J: Tensor) -> Tensor:
        whole_CV = values_J.new_full((*valid_CV.shape, *values_J.shape[1:]), torch.nan)
        whole_CV[curve_J, window_J] = values_J
        return whole_CV

    return Windows(
        used_CW,
        above_CW,
        valid_CV,
        rate_CV=placed(law.rate_C),
        log_constant_CV=placed(law.log_constant_C),
        log_floor_CV=placed(law.log_floor_C),
        noise_CV=placed((law.residual_C / freedom_J * _autocorrelation_factor(law.residual_CW)).sqrt()),
        freedom_CV=placed(freedom_J),
        influence_CVW=placed(law.influence_CW),
    )


def longest_agreeing(rates_V: Tensor, variances_V: Tensor, valid_V: Tensor) -> Tensor:
    """The first window that agrees with all valid ones inside it; 0 where none is valid. Windows last.

    The variance of the difference of a least-squares fit and that of a part of its points
    is the difference of their variances.
    """
    possible = valid_V.reshape(-1, valid_V.shape[-1]).any(dim=0).nonzero().flatten()
    rates_V, variances_V, valid_V = rates_V[..., possible], variances_V[..., possible], valid_V[..., possible]
    agreeing_V = valid_V.expand(rates_V.shape).clone()
    for window in range(len(possible) - 1):
        difference_V = rates_V[..., window + 1 :] - rates_V[..., window, None]
        variance_V = (variances_V[..., window + 1 :] - variances_V[..., window, None]).clamp(min=0)
        agrees_V = difference_V.abs() <= AGREEMENT * variance_V.sqrt() + 1e-10
        agreeing_V[..., window] &= (agrees_V | ~valid_V[..., window + 1 :]).all(dim=-1)
    if not len(possible):
        return agreeing_V.new_zeros(agreeing_V.shape[:-1], dtype=torch.int64)
    return possible[agreeing_V.to(torch.uint8).argmax(dim=-1)]


def _autocorrelation_factor(residual_JW: Tensor) -> Tensor:
    """By how much more a mean of residuals varies than of independent ones, ``(1 + rho) / (1 - rho)``, 1 at least.

    What a law misses of exact errors is no noise: neighbours lie on the same side of it. rho is their correlation.
    """
    products_J = (residual_JW[:, 1:] * residual_JW[:, :-1]).sum(dim=1)
    squares_J = residual_JW.square().sum(dim=1)
    rho_J = (products_J / squares_J.clamp(min=torch.finfo(torch.float64).tiny)).clamp(0, MOST_CORRELATED)
    return (1 + rho_J) / (1 - rho_J)


def _without_known_floor(log_errors_CW: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Which errors are far enough above a floor, and their logarithms without it; 0 elsewhere."""
    used_CW = log_errors_CW.isfinite()
    if floor:
        used_CW &= log_errors_CW >= math.log(ABOVE_KNOWN_FLOOR * floor)
        fraction_CW = torch.where(used_CW, (2 * (math.log(floor) - log_errors_CW)).exp(), 0.0)
        log_errors_CW = log_errors_CW + torch.log1p(-fraction_CW) / 2
    return used_CW, torch.where(used_CW, log_errors_CW, 0.0)


def _above_fitted_floor(log_widths_W: Tensor, log_errors_CW: Tensor, used_CW: Tensor) -> Tensor:
    """Which errors are well above the floor of a fit to all of them."""
    enough_C = used_CW.sum(dim=1) >= LEAST_POINTS
    above_CW = used_CW.clone()
    whole = fit_power_law(log_widths_W, log_errors_CW[enough_C], used_CW[enough_C], floor=True)
    least_C1 = whole.log_floor_C[:, None] + math.log(ABOVE_FITTED_FLOOR)
    above_CW[enough_C] &= log_errors_CW[enough_C] >= least_C1
    return above_CW


def _long_enough(log_widths_W: Tensor, above_CW: Tensor, inside_VW: Tensor) -> Tensor:
    """Which windows begin above the floor and have enough points there, over a decade, ``[C, V]``."""
    above_CVW = above_CW[:, None] & inside_VW
    end_CV = torch.where(above_CVW, log_widths_W, -torch.inf).amax(dim=2)
    long_CV = end_CV - log_widths_W >= math.log(LEAST_SPAN) - 1e-9
    return above_CW & long_CV & (above_CVW.sum(dim=2) >= LEAST_POINTS)
