"""Iteration complexity of descent on a quadratic: steps until a fraction of the excess loss is left, predicted.

Without momentum the excess loss falls from step to step, and a bisection finds the first step that is low enough. With
momentum it may rise and fall: modes with ``rate * eigenvalue`` above critical damping oscillate through zero. As
long as their loss counts, every step is evaluated; what is left then falls from step to step.

Shape letters: R learning rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.numerics.descent import Modes, contraction_factor, critical_step, loss_curve

MOST_STEPS = 1 << 53
"""Steps beyond which a float64 does not count any more."""
MOST_SCANNED = 1 << 22
"""Steps evaluated one by one at most, some seconds of work."""
SCANNED_AT_ONCE = 256
"""Steps evaluated in one product, a power of two."""
NEGLIGIBLE = 1e-6
"""Fraction of the target below which the loss in oscillating modes does not count."""


def steps_to_tolerance(
    modes: Modes, learning_rates_R: Tensor, tolerance: float, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    """First step at which the loss above the floor is at most a fraction of its first.

    Args:
        modes: Loss at the start, by mode.
        learning_rates_R: Learning rates, float64.
        tolerance: The fraction, between 0 and 1.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R]``, float64. Infinite for a learning rate at which a mode grows, or does not shrink and has more than
        the fraction; NaN where modes oscillate for more than ``MOST_SCANNED`` steps.

    Example:
        The loss of one mode falls by 4 a step: 4^-5 is the first power below 1/1000.

        >>> one = Modes(torch.ones(1).double(), torch.ones(1).double(), torch.zeros(1).double())
        >>> steps_to_tolerance(one, torch.tensor([0.5]).double(), 1e-3).tolist()
        [5.0]
    """
    holds_S = modes.losses_S > 0  # the rate at which an empty mode would shrink does not matter
    held = Modes(modes.eigenvalues_S[holds_S], modes.losses_S[holds_S], torch.zeros_like(modes.floor))
    rates_R, places_R = learning_rates_R.unique(return_inverse=True)  # trials of a sweep share rates
    target = tolerance * float(held.losses_S.sum())
    growing_R = (contraction_factor(held.eigenvalues_S, rates_R, momentum, nesterov) > 1).any(dim=1)
    oscillating_R = _steps_of_oscillation(held, rates_R, target, momentum, nesterov).masked_fill(growing_R, 0)
    found_R = _scanned(held, rates_R, target, oscillating_R.clamp(max=MOST_SCANNED), momentum, nesterov)

    def reached(steps_R: Tensor) -> Tensor:
        return loss_curve(held, rates_R, steps_R[:, None], momentum, nesterov)[:, 0] <= target

    later_R = _first_where(reached, low_R=oscillating_R, high_R=torch.full_like(oscillating_R, MOST_STEPS)).double()
    later_R = torch.where(oscillating_R > MOST_SCANNED, torch.nan, later_R)
    steps_R = torch.where(found_R >= 0, found_R.double(), later_R)
    return torch.where(growing_R, math.inf, steps_R)[places_R]


def _first_where(reached: Callable[[Tensor], Tensor], low_R: Tensor, high_R: Tensor) -> Tensor:
    """First step from ``low_R`` on at which a lasting condition is reached, by bisection; infinite if at none."""
    never_R = ~reached(high_R)
    while (low_R < high_R).any():
        middle_R = low_R + (high_R - low_R) // 2
        done_R = reached(middle_R)
        high_R = torch.where(done_R, middle_R, high_R)
        low_R = torch.where(done_R, low_R, torch.minimum(middle_R + 1, high_R))
    return torch.where(never_R, math.inf, high_R.double())


def _steps_of_oscillation(modes: Modes, rates_R: Tensor, target: float, momentum: float, nesterov: bool) -> Tensor:
    """Step from which on the loss in oscillating modes is negligible beside the target.

    Their error after t steps is at most ``rho^t (1 + 5 t)``: with roots of modulus rho it is
    ``rho^t (U_t + (e_1 / rho - 2 cos) U_(t-1))`` in Chebyshev polynomials of the second kind, at most t + 1 and t.

    Returns:
        Shape ``[R]``, int64.
    """
    if momentum == 0:
        return torch.zeros(len(rates_R), dtype=torch.int64)
    step_RS = rates_R[:, None] * modes.eigenvalues_S
    oscillates_RS = step_RS > critical_step(momentum, nesterov)
    rho_RS = contraction_factor(modes.eigenvalues_S, rates_R, momentum, nesterov)
    log_rho_RS, log_held_S = rho_RS.log(), modes.losses_S.log()
    first_RS = (1 + 5 * ((1 - step_RS).abs() / rho_RS.clamp(min=1e-300) + 1)).log()  # of the factor before the power

    def negligible(steps_R: Tensor) -> Tensor:
        steps_R1 = steps_R[:, None].double()
        bound_RS = 2 * (steps_R1 * log_rho_RS + first_RS + steps_R1.clamp(min=1).log()) + log_held_S
        return torch.where(oscillates_RS, bound_RS, -torch.inf).exp().sum(dim=1) <= NEGLIGIBLE * target

    low_R = torch.zeros(len(rates_R), dtype=torch.int64)
    # Far above MOST_SCANNED, beyond which nothing is scanned.
    steps_R = _first_where(negligible, low_R, torch.full_like(low_R, 1 << 40))
    return steps_R.clamp(max=float(1 << 40)).long()


def _scanned(modes: Modes, rates_R: Tensor, target: float, until_R: Tensor, momentum: float, nesterov: bool) -> Tensor:
    """First step below ``until_R`` at which the loss is at most the target, ``[R]``; -1 if there is none."""
    found_R = torch.full_like(until_R, -1)
    first = 0
    open_R = found_R < until_R
    state_RS2 = torch.stack(torch.broadcast_tensors(torch.ones(()), torch.zeros(len(rates_R), len(modes.losses_S))), -1)
    state_RS2 = state_RS2.to(rates_R)
    powers_HRS22 = _powers(rates_R[:, None] * modes.eigenvalues_S, momentum, nesterov) if open_R.any() else None
    while powers_HRS22 is not None and (open_R := (found_R < 0) & (first < until_R)).any():
        states_HRS2 = (powers_HRS22 @ state_RS2[..., None])[..., 0]
        losses_HR = states_HRS2[:-1, ..., 0].square() @ modes.losses_S
        below_HR = losses_HR <= target
        step_R = first + below_HR.int().argmax(dim=0)
        found_R = torch.where(open_R & below_HR.any(dim=0) & (step_R < until_R), step_R, found_R)
        state_RS2, first = states_HRS2[-1], first + SCANNED_AT_ONCE
    return found_R


def _powers(step_RS: Tensor, momentum: float, nesterov: bool) -> Tensor:
    """Powers 0, 1, ... of the matrix of one step of (error, rate * velocity) of each mode, ``[H + 1, R, S, 2, 2]``."""
    full_RS = torch.full_like(step_RS, momentum)
    rows = (1 - step_RS * (1 + momentum), -momentum * full_RS) if nesterov else (1 - step_RS, -full_RS)
    matrix_RS22 = torch.stack((*rows, step_RS, full_RS), dim=-1).view(*step_RS.shape, 2, 2)
    powers_HRS22 = torch.eye(2, dtype=step_RS.dtype).expand(1, *step_RS.shape, 2, 2)
    square_RS22 = matrix_RS22
    while len(powers_HRS22) < SCANNED_AT_ONCE:
        powers_HRS22 = torch.cat([powers_HRS22, powers_HRS22 @ square_RS22])
        square_RS22 = square_RS22 @ square_RS22
    return torch.cat([powers_HRS22, (powers_HRS22[-1] @ matrix_RS22)[None]])
