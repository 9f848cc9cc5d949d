"""Power laws with a floor, ``e^2 = C^2 m^(-2 r) + floor^2``, fitted to the logarithms of many curves at once.

Errors of approximation only come near a power law. What is missing at first is their first correction: with one,
``C m^-r`` is ``C m^-r exp(c / m)``, as of ``(m + k)^-r`` with c = -r k, which counts k functions more or fewer.

Shape letters: C curves, U unknowns, W widths.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

ITERATIONS = 40
"""Levenberg-Marquardt steps of a fit with a floor."""
LEAST_FLOOR = 15.0
"""Logarithm of the least error over the least floor considered: e^-15 of it changes no digit that is fitted."""


@dataclass(frozen=True)
class PowerLaw:
    """Fitted power laws, one for each curve."""

    log_constant_C: Tensor
    """``log C``, natural logarithm of the error at width 1."""
    rate_C: Tensor
    """r, above 0 where errors fall."""
    log_floor_C: Tensor
    """Natural logarithm of the floor; ``-inf`` where none was fitted."""
    residual_CW: Tensor
    """Log errors less those of the power law; 0 for widths that were not used."""
    influence_CW: Tensor
    """Derivative of the rate in each log error, to first order; 0 for widths that were not used."""

    @property
    def residual_C(self) -> Tensor:
        """Sum of the squared residuals."""
        return self.residual_CW.square().sum(dim=1)


def fit_power_law(
    log_widths_W: Tensor, log_errors_CW: Tensor, used_CW: Tensor, *, floor: bool, corrected: bool = False
) -> PowerLaw:
    """Least-squares fit of a power law to log errors, with or without a floor and a first correction.

    Minimises ``sum_m (log e_m - 1/2 log(C^2 m^(-2 r) exp(2 c / m) + floor^2))^2`` in log C, r, c and log floor. Without
    a floor it is linear; with one it is solved by Levenberg-Marquardt from two starts, of which the better is taken.

    Args:
        log_widths_W: Natural logarithms of the widths m.
        log_errors_CW: Natural logarithms of the errors e, float64; finite, also where they are not used.
        used_CW: Which of them are used, bool, at least as many of each curve as there are unknowns.
        floor: Whether there may be a floor.
        corrected: Whether there may be a correction ``exp(c / m)``.

    Returns:
        The fit of each curve.

    Example:
        Errors 3 / m^2.

        >>> widths_W = torch.tensor([1.0, 2.0, 4.0, 8.0]).double()
        >>> errors_CW = 3 / widths_W[None] ** 2
        >>> fit = fit_power_law(widths_W.log(), errors_CW.log(), torch.ones(1, 4, dtype=torch.bool), floor=False)
        >>> round(float(fit.rate_C), 9), round(float(fit.log_constant_C.exp()), 9)
        (2.0, 3.0)

    Source: Levenberg (1944), Marquardt (1963) for the fit with a floor.
    """
    used_CW = used_CW.to(log_errors_CW)
    columns_CWU = _columns(log_widths_W, used_CW, corrected=corrected)
    if not floor:
        return _without_floor(columns_CWU, log_errors_CW, used_CW)
    # One floor next to the least error, one that counts nowhere: from one start alone it may end in a local minimum.
    starts = [_with_floor(columns_CWU, log_errors_CW, used_CW, below) for below in (0.5, LEAST_FLOOR)]
    costs_2C = torch.stack([fit.residual_C for fit in starts])
    first_C = costs_2C[0] <= costs_2C[1]

    def better(name: str) -> Tensor:
        one, other = (getattr(fit, name) for fit in starts)
        return torch.where(first_C if one.dim() == 1 else first_C[:, None], one, other)

    return PowerLaw(*(better(name) for name in PowerLaw.__dataclass_fields__))


def _columns(log_widths_W: Tensor, used_CW: Tensor, *, corrected: bool) -> Tensor:
    """Design matrix of log C, r and c (in units of the first width that is used), ``[C, W, U]``; 0 where not used."""
    # In units of the first width, c / m is at most c: the three columns have one size.
    first_C1 = torch.where(used_CW > 0, log_widths_W, torch.inf).amin(dim=1, keepdim=True)
    columns = [torch.ones_like(used_CW), -log_widths_W.expand_as(used_CW)]
    if corrected:
        columns.append((first_C1 - log_widths_W).clamp(max=0).exp())
    return used_CW[..., None] * torch.stack(columns, dim=2)


def _without_floor(columns_CWU: Tensor, y_CW: Tensor, used_CW: Tensor) -> PowerLaw:
    """Linear least-squares fit, by the pseudo-inverse."""
    inverse_CUW = torch.linalg.pinv(columns_CWU) * used_CW[:, None]
    unknown_CU = (inverse_CUW @ y_CW[..., None])[..., 0]
    residual_CW = used_CW * (y_CW - (columns_CWU @ unknown_CU[..., None])[..., 0])
    log_constant_C, rate_C = unknown_CU[:, :2].unbind(dim=1)
    return PowerLaw(log_constant_C, rate_C, torch.full_like(rate_C, -torch.inf), residual_CW, inverse_CUW[:, 1])


def _with_floor(columns_CWU: Tensor, y_CW: Tensor, used_CW: Tensor, below: float) -> PowerLaw:
    """Levenberg-Marquardt from the line through the first half and a floor ``below`` the least log error."""
    first_half_CW = used_CW * (used_CW.cumsum(dim=1) <= (used_CW.sum(dim=1, keepdim=True) / 2).ceil().clamp(min=2))
    line_CW = used_CW if below == LEAST_FLOOR else first_half_CW
    start = _without_floor(line_CW[..., None] * columns_CWU[..., :2], y_CW, line_CW)
    least_C = torch.where(used_CW > 0, y_CW, torch.inf).amin(dim=1)
    unknown_CU = y_CW.new_zeros(len(y_CW), columns_CWU.shape[2] + 1)  # the floor is the last
    unknown_CU[:, 0], unknown_CU[:, 1], unknown_CU[:, -1] = start.log_constant_C, start.rate_C, least_C - below
    damping_C = torch.full_like(least_C, 1e-2)
    residual_CW, slopes_CWU = _residual(unknown_CU, columns_CWU, y_CW, used_CW)
    for _ in range(ITERATIONS):
        square_CUU = slopes_CWU.mT @ slopes_CWU
        diagonal_CU = square_CUU.diagonal(dim1=1, dim2=2)
        # Regular too where an unknown has no effect, as a floor far below all errors has none.
        damped_CUU = square_CUU + torch.diag_embed(damping_C[:, None] * diagonal_CU + 1e-12)
        # Unknowns are logarithms and exponents: none moves by more than a factor of e^2 at once.
        step_CU = torch.linalg.solve(damped_CUU, (slopes_CWU.mT @ residual_CW[..., None])[..., 0]).clamp(-2, 2)
        moved_CU = unknown_CU + step_CU
        moved_CU[:, -1] = torch.maximum(moved_CU[:, -1], least_C - LEAST_FLOOR)
        new_residual_CW, new_slopes_CWU = _residual(moved_CU, columns_CWU, y_CW, used_CW)
        lower_C = new_residual_CW.square().sum(dim=1) <= residual_CW.square().sum(dim=1)
        unknown_CU = torch.where(lower_C[:, None], moved_CU, unknown_CU)
        residual_CW = torch.where(lower_C[:, None], new_residual_CW, residual_CW)
        slopes_CWU = torch.where(lower_C[:, None, None], new_slopes_CWU, slopes_CWU)
        damping_C = torch.where(lower_C, damping_C / 4, damping_C * 4).clamp(1e-12, 1e6)
    square_CUU = slopes_CWU.mT @ slopes_CWU + 1e-12 * torch.eye(slopes_CWU.shape[2], dtype=y_CW.dtype)
    influence_CW = torch.linalg.solve(square_CUU, slopes_CWU.mT)[:, 1]
    return PowerLaw(unknown_CU[:, 0], unknown_CU[:, 1], unknown_CU[:, -1], residual_CW, influence_CW)


def _residual(unknown_CU: Tensor, columns_CWU: Tensor, y_CW: Tensor, used_CW: Tensor) -> tuple[Tensor, Tensor]:
    """Residuals of the log errors, ``[C, W]``, and derivatives of the fit in its unknowns, ``[C, W, U]``."""
    log_power_CW = (columns_CWU @ unknown_CU[:, :-1, None])[..., 0]
    log_floor_C1 = unknown_CU[:, -1:]
    weight_CW = used_CW * torch.sigmoid(2 * (log_power_CW - log_floor_C1))
    slopes_CWU = torch.cat([weight_CW[..., None] * columns_CWU, (used_CW - weight_CW)[..., None]], dim=2)
    return used_CW * (y_CW - torch.logaddexp(2 * log_power_CW, 2 * log_floor_C1) / 2), slopes_CWU
