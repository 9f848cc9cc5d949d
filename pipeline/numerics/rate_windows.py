"""Fitting windows of a power law: the fit of every window of widths, and the choice among them.

A window begins at some width and ends at the largest. The one chosen is the longest whose
rate agrees with the rates of all windows inside it, to half a standard deviation of their
difference; a looser rule would keep a bias of the size of the noise.

Shape letters: C curves, J fits, V windows by their first width, W widths.

Source: Lepski, "On a problem of adaptive estimation in Gaussian white noise" (1990), for the choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.numerics.power_law import fit_power_law

LEAST_POINTS = 5
"""Widths above the floor in a window at least."""
LEAST_SPAN = 10.0
"""Ratio of the last to the first width of a window at least: a decade."""
ABOVE_KNOWN_FLOOR = 10.0
"""Multiple of a known floor below which errors are left out."""
ABOVE_FITTED_FLOOR = math.sqrt(2)
"""Multiple of a fitted floor above which errors have more of the power law than of the floor."""
AGREEMENT = 0.5
"""Standard deviations by which the rate of a window may differ from that of one inside it."""
MOST_CORRELATED = 0.9
"""Lag-one correlation of residuals above which the factor for it grows no more."""


@dataclass(frozen=True)
class Windows:
    """Fits of every window of every curve; NaN where a window is too short."""

    used_CW: Tensor
    """Which widths are fitted, bool."""
    above_CW: Tensor
    """Which of them have an error above the floor, bool."""
    valid_CV: Tensor
    """Which windows are long enough, bool."""
    rate_CV: Tensor
    """Rate r of ``m^-r``."""
    log_constant_CV: Tensor
    """Natural logarithm of the constant."""
    log_floor_CV: Tensor
    """Natural logarithm of the floor; ``-inf`` where none was fitted."""
    noise_CV: Tensor
    """Standard deviation of the residuals, and more where neighbours lie on the same side of the power law."""
    freedom_CV: Tensor
    """Degrees of freedom: points less unknowns."""
    influence_CVW: Tensor
    """Derivative of the rate in each log error."""

    @property
    def last_C(self) -> Tensor:
        """The shortest valid window of each curve, ``[C]``, int64; 0 where there is none."""
        places_V = torch.arange(self.valid_CV.shape[1])
        return torch.where(self.valid_CV, places_V, 0).amax(dim=1)


def fit_windows(
    log_widths_W: Tensor, log_errors_CW: Tensor, floor: float | None, *, corrected: bool = False
) -> Windows:
    """Least-squares fits of a power law to every window that is long enough.

    Args:
        log_widths_W: Natural logarithms of the widths, increasing.
        log_errors_CW: Natural logarithms of the errors; what is not finite is left out.
        floor: A known floor, in units of the errors, 0 for none; ``None`` to fit one.
        corrected: Whether the power law has its first correction.

    Returns:
        The fits, float64.
    """
    used_CW, y_CW = _without_known_floor(log_errors_CW, floor or 0.0)
    above_CW = used_CW if floor is not None else _above_fitted_floor(log_widths_W, y_CW, used_CW)
    inside_VW = torch.ones(len(log_widths_W), len(log_widths_W), dtype=torch.bool).triu()
    valid_CV = _long_enough(log_widths_W, above_CW, inside_VW)
    curve_J, window_J = valid_CV.nonzero(as_tuple=True)
    inside_JW = used_CW[curve_J] & inside_VW[window_J]
    fit = fit_power_law(log_widths_W, y_CW[curve_J], inside_JW, floor=floor is None, corrected=corrected)
    freedom_J = inside_JW.sum(dim=1).double() - (2 + int(floor is None) + int(corrected))

    def placed(values_J: Tensor) -> Tensor:
        whole_CV = values_J.new_full((*valid_CV.shape, *values_J.shape[1:]), torch.nan)
        whole_CV[curve_J, window_J] = values_J
        return whole_CV

    return Windows(
        used_CW,
        above_CW,
        valid_CV,
        rate_CV=placed(fit.rate_C),
        log_constant_CV=placed(fit.log_constant_C),
        log_floor_CV=placed(fit.log_floor_C),
        noise_CV=placed((fit.residual_C / freedom_J * _autocorrelation_factor(fit.residual_CW)).sqrt()),
        freedom_CV=placed(freedom_J),
        influence_CVW=placed(fit.influence_CW),
    )


def longest_agreeing(rates_V: Tensor, variances_V: Tensor, valid_V: Tensor) -> Tensor:
    """Lepski's choice: the first window whose rate agrees with those of all valid windows inside it.

    The variance of the difference of a least-squares fit and that of a part of its points
    is the difference of their variances.

    Args:
        rates_V: Rates, ``[..., V]``.
        variances_V: Variances of the rates, ``[..., V]``.
        valid_V: Which windows are valid, ``[..., V]``, bool.

    Returns:
        Shape ``[...]``, int64; 0 where none is valid.
    """
    possible = valid_V.reshape(-1, valid_V.shape[-1]).any(dim=0).nonzero().flatten()
    rates_V, variances_V, valid_V = rates_V[..., possible], variances_V[..., possible], valid_V[..., possible]
    agreeing_V = valid_V.expand(rates_V.shape).clone()
    for window in range(len(possible) - 1):
        difference_V = rates_V[..., window + 1 :] - rates_V[..., window, None]
        variance_V = (variances_V[..., window + 1 :] - variances_V[..., window, None]).clamp(min=0)
        # Rates of an exact power law have no variance, but differ by roundings.
        agrees_V = difference_V.abs() <= AGREEMENT * variance_V.sqrt() + 1e-10
        agreeing_V[..., window] &= (agrees_V | ~valid_V[..., window + 1 :]).all(dim=-1)
    if not len(possible):
        return agreeing_V.new_zeros(agreeing_V.shape[:-1], dtype=torch.int64)
    return possible[agreeing_V.to(torch.uint8).argmax(dim=-1)]


def _autocorrelation_factor(residual_JW: Tensor) -> Tensor:
    """Variance inflation of a mean of correlated residuals, ``(1 + rho) / (1 - rho)``, at least 1, ``[J]``.

    What a power law misses of exact errors is no noise: neighbours lie on the same side of it. rho is their
    lag-one correlation.

    Returns:
        Shape ``[J]``.
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
        log_errors_CW = log_errors_CW + torch.log1p(-fraction_CW) / 2  # of sqrt(e^2 - floor^2)
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
    long_CV = end_CV - log_widths_W >= math.log(LEAST_SPAN) - 1e-9  # logarithms of 2 and 20 differ by a rounding less
    return above_CW & long_CV & (above_CVW.sum(dim=2) >= LEAST_POINTS)
