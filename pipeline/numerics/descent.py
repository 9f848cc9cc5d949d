"""Gradient descent, heavy ball and Nesterov momentum on quadratics, in closed form from one decomposition.

The loss is half the mean square of a linear model, ``1/(2P) |X w - y|^2``, whose Hessian
is ``X^T X / P``. In the singular directions of X every mode moves on its own, so the
whole loss curve of every learning rate follows from the singular values and the part of
the first residual in each mode; nothing is trained.

With ``v = momentum * v + gradient`` and ``v = 0`` at the start, the three rules are

- gradient descent (momentum 0) and heavy ball: ``w = w - rate * v``,
- Nesterov as in torch: ``w = w - rate * (gradient + momentum * v)``.

Shape letters as everywhere, and R for learning rates, H for recorded steps, S for modes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Modes:
    """The loss at the start, split into what each mode holds and what no weights can remove."""

    eigenvalues_S: Tensor
    """Eigenvalues of the Hessian ``X^T X / P``, largest first."""
    losses_S: Tensor
    """Share of each mode in the first loss; it shrinks with the square of the mode's error."""
    floor: Tensor
    """The least loss of any weights."""


def modes(features_PF: Tensor, residuals_PK: Tensor) -> Modes:
    """Decompose the loss of a linear model at its start.

    Everything is read off residuals, not off weights, so a tiny singular value divides
    nothing; the part of the weights that the features do not see does not occur.

    Args:
        features_PF: Feature matrix X, float64.
        residuals_PK: Outputs minus targets at the initial weights; minus the targets for zero weights.

    Source: Goh, "Why momentum really works" (Distill, 2017), first steps.
    """
    num_points = len(features_PF)
    left_PS, values_S, _ = torch.linalg.svd(features_PF, full_matrices=False)
    parts_SK = left_PS.mT @ residuals_PK
    remainder_PK = residuals_PK - left_PS @ parts_SK  # not a difference of squares, which would cancel
    return Modes(
        eigenvalues_S=values_S.square() / num_points,
        losses_S=parts_SK.square().sum(dim=1) / (2 * num_points),
        floor=remainder_PK.square().sum() / (2 * num_points),
    )


def contraction(
    eigenvalues_S: Tensor, learning_rates_R: Tensor, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    """Factor by which a late step multiplies the error of each mode, shape ``[R, S]``; above 1 it diverges.

    ``|1 - rate * eigenvalue|`` for gradient descent; with momentum the larger root, in
    size, of the characteristic polynomial ``z^2 - trace z + determinant`` of one step.
    """
    step_RS = learning_rates_R[:, None] * eigenvalues_S
    if momentum == 0:
        return (1 - step_RS).abs()
    if nesterov:
        trace_RS, determinant_RS = (1 - step_RS) * (1 + momentum), (1 - step_RS) * momentum
    else:
        trace_RS, determinant_RS = 1 + momentum - step_RS, torch.full_like(step_RS, momentum)
    discriminant_RS = trace_RS.square() - 4 * determinant_RS
    real_RS = (trace_RS.abs() + discriminant_RS.clamp(min=0).sqrt()) / 2
    return torch.where(discriminant_RS < 0, determinant_RS.clamp(min=0).sqrt(), real_RS)


def log_errors(
    eigenvalues_S: Tensor,
    learning_rates_R: Tensor,
    steps_H: Tensor,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """Logarithm of the size of each mode's error after so many steps, 0 at step 0, shape ``[R, H, S]``.

    In logarithms neither ten thousand diverging steps overflow nor converged modes mix
    with divergent ones as ``0 * inf``; an error of exactly zero is ``-inf``.
    """
    step_RS = learning_rates_R[:, None] * eigenvalues_S
    if momentum == 0:
        # log1p keeps the digits of slow modes, where 1 - step rounds to a few of them.
        log_factor_RS = torch.where(step_RS < 0.5, torch.log1p(-step_RS.clamp(max=0.5)), (1 - step_RS).abs().log())
        powers_RHS = steps_H[:, None] * log_factor_RS[:, None]
        return torch.where(steps_H[:, None] == 0, 0.0, powers_RHS)  # 0 * -inf is NaN where a step hits the minimum
    # One step of (error, rate * velocity) of a mode is a 2 x 2 matrix; scaled so that its powers stay bounded.
    if nesterov:
        rows = (1 - step_RS * (1 + momentum), torch.full_like(step_RS, -(momentum**2)))
    else:
        rows = (1 - step_RS, torch.full_like(step_RS, -momentum))
    entries = (*rows, step_RS, torch.full_like(step_RS, momentum))
    scale_RS = contraction(eigenvalues_S, learning_rates_R, momentum, nesterov).clamp(min=1)
    square_RS22 = torch.stack(entries, dim=-1).view(*step_RS.shape, 2, 2) / scale_RS[..., None, None]
    state_HRS21 = step_RS.new_tensor([[1.0], [0.0]]).expand(len(steps_H), *step_RS.shape, 2, 1)
    remaining_H = steps_H.clone()
    while remaining_H.any():
        odd_H = remaining_H % 2 == 1
        state_HRS21 = torch.where(odd_H[:, None, None, None, None], square_RS22 @ state_HRS21, state_HRS21)
        square_RS22 = square_RS22 @ square_RS22
        remaining_H = remaining_H // 2
    errors_RHS = state_HRS21[..., 0, 0].movedim(0, 1)
    return errors_RHS.abs().log() + steps_H[:, None] * scale_RS.log()[:, None]


def loss_curve(
    modes: Modes,
    learning_rates_R: Tensor,
    steps_H: Tensor,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """Training loss of every learning rate after so many steps, shape ``[R, H]``; infinite once float64 overflows.

    Args:
        modes: The loss at the start.
        learning_rates_R: Learning rates, float64.
        steps_H: Numbers of steps, int64, in any order.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Source: Goh (2017), where momentum on a quadratic is a 2 x 2 matrix per mode.
    """
    log_errors_RHS = log_errors(modes.eigenvalues_S, learning_rates_R, steps_H, momentum, nesterov)
    return modes.floor + (2 * log_errors_RHS + modes.losses_S.log()).exp().sum(dim=-1)
