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

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.numerics.spectra import EPS, tolerance

ROUNDINGS = 4
"""How many roundings of its inputs may lie between a discriminant and zero, or two roots are one."""


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
    """Decompose the loss of a linear model at its start, as ``modal_decomposition`` does."""
    return modal_decomposition(features_PF, residuals_PK).modes


class ModalDecomposition(NamedTuple):
    """The modes of a linear model, and their directions."""

    modes: Modes
    left_vectors_PS: Tensor
    """Directions in the outputs at the training points; zero for a mode that is rounding."""
    right_vectors_SF: Tensor
    """Directions in the weights of one output."""


def modal_decomposition(features_PF: Tensor, residuals_PK: Tensor) -> ModalDecomposition:
    """Decompose the loss of a linear model at its start.

    What a mode holds whose singular value is below rounding, no step changes: it belongs to
    the floor, as in a least-squares solution. Everything else is read off residuals, not off
    weights, so a tiny singular value divides nothing; the part of the weights that the features
    do not see does not occur.

    Args:
        features_PF: Feature matrix X, float64.
        residuals_PK: Outputs minus targets at the initial weights; minus the targets for zero weights.

    Source: Goh, "Why momentum really works" (Distill, 2017), first steps.
    """
    num_points = len(features_PF)
    left_PS, values_S, right_SF = torch.linalg.svd(features_PF, full_matrices=False)
    rounding = tolerance(values_S[None], (num_points, features_PF.shape[1]))
    left_PS = torch.where(values_S > rounding, left_PS, 0.0)
    parts_SK = left_PS.mT @ residuals_PK
    remainder_PK = residuals_PK - left_PS @ parts_SK  # not a difference of squares, which would cancel
    split = Modes(
        eigenvalues_S=values_S.square() / num_points,
        losses_S=parts_SK.square().sum(dim=1) / (2 * num_points),
        floor=remainder_PK.square().sum() / (2 * num_points),
    )
    return ModalDecomposition(split, left_PS, right_SF)


def contraction_factor(
    eigenvalues_S: Tensor, learning_rates_R: Tensor, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    """Factor by which a late step multiplies the error of each mode, shape ``[R, S]``; above 1 it diverges.

    ``|1 - rate * eigenvalue|`` for gradient descent; with momentum the larger root, in
    size, of the characteristic polynomial ``z^2 - trace z + determinant`` of one step.
    """
    step_RS = learning_rates_R[:, None] * eigenvalues_S
    if momentum == 0:
        return (1 - step_RS).abs()
    left_RS = 1 - step_RS
    discriminant_RS = _discriminant(step_RS, momentum, nesterov)
    if nesterov:
        trace_RS, determinant_RS = left_RS * (1 + momentum), left_RS * momentum
    else:
        trace_RS, determinant_RS = left_RS + momentum, torch.full_like(step_RS, momentum)
    real_RS = (trace_RS.abs() + discriminant_RS.clamp(min=0).sqrt()) / 2
    return torch.where(discriminant_RS <= 0, determinant_RS.clamp(min=0).sqrt(), real_RS)


def critical_step(momentum: float, nesterov: bool) -> float:
    """The ``rate * eigenvalue`` at which the two roots of a mode meet, below which they are real and positive.

    ``(1 - sqrt b)^2`` for heavy ball and ``((1 - b) / (1 + b))^2`` for Nesterov with momentum b.
    """
    return ((1 - momentum) / (1 + momentum)) ** 2 if nesterov else (1 - math.sqrt(momentum)) ** 2


def _discriminant(step_RS: Tensor, momentum: float, nesterov: bool) -> Tensor:
    """``trace^2 - 4 determinant`` in factors, which keep its digits; 0 where it is a rounding of rate and momentum.

    A root moves by the square root of what the discriminant is off by: of two roots that meet, 16 digits of the
    momentum would leave 8.
    """
    edge = critical_step(momentum, nesterov)
    if nesterov:
        sensitivity = 4 * momentum * (1 - momentum) / (1 + momentum) ** 3
        return (1 - step_RS) * (1 + momentum) ** 2 * _distance_to(edge, sensitivity, step_RS)
    root = math.sqrt(momentum)
    upper_RS = _distance_to((1 + root) ** 2, root * (1 + root), step_RS)
    return upper_RS * _distance_to(edge, root * (1 - root), step_RS)


def _distance_to(edge: float, sensitivity: float, step_RS: Tensor) -> Tensor:
    """``edge - step``, or 0 where that is rounding; ``sensitivity`` is ``momentum * d edge / d momentum``."""
    distance_RS = edge - step_RS
    rounding_RS = ROUNDINGS * EPS * (step_RS.abs() + sensitivity)
    return torch.where(distance_RS.abs() <= rounding_RS, 0.0, distance_RS)


def log_errors(
    eigenvalues_S: Tensor,
    learning_rates_R: Tensor,
    steps: Tensor,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """Logarithm of the size of each mode's error after so many steps, 0 at step 0, shape ``[R, H, S]``.

    In logarithms neither ten thousand diverging steps overflow nor converged modes mix
    with divergent ones as ``0 * inf``; an error of exactly zero is ``-inf``.

    Args:
        eigenvalues_S: Eigenvalues of the Hessian.
        learning_rates_R: Learning rates, float64.
        steps: Numbers of steps, int64, ``[H]`` for all learning rates or ``[R, H]`` for each its own.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.
    """
    steps_RH1 = torch.atleast_2d(steps)[..., None]
    step_RS = learning_rates_R[:, None] * eigenvalues_S
    if momentum == 0:
        powers_RHS = steps_RH1 * _log_factor(step_RS)[:, None]
        return torch.where(steps_RH1 == 0, 0.0, powers_RHS)  # 0 * -inf is NaN where a step hits the minimum
    # One step of (error, rate * velocity) of a mode is a 2 x 2 matrix; scaled so that its powers stay bounded.
    if nesterov:
        rows = (1 - step_RS * (1 + momentum), torch.full_like(step_RS, -(momentum**2)))
    else:
        rows = (1 - step_RS, torch.full_like(step_RS, -momentum))
    entries = (*rows, step_RS, torch.full_like(step_RS, momentum))
    scale_RS = contraction_factor(eigenvalues_S, learning_rates_R, momentum, nesterov).clamp(min=1)
    step_RS22 = torch.stack(entries, dim=-1).view(*step_RS.shape, 2, 2) / scale_RS[..., None, None]
    start_21 = step_RS.new_tensor([[1.0], [0.0]])
    errors_RHS = _powers_applied(step_RS22, start_21, steps_RH1)[..., 0, 0]
    return errors_RHS.abs().log() + torch.where(steps_RH1 == 0, 0.0, steps_RH1 * scale_RS.log()[:, None])


def _log_factor(step_RS: Tensor) -> Tensor:
    """Logarithm of ``|1 - step|``; log1p keeps the digits of slow modes, where 1 - step rounds to a few of them."""
    return torch.where(step_RS < 0.5, torch.log1p(-step_RS.clamp(max=0.5)), (1 - step_RS).abs().log())


def _powers_applied(matrix_RSJJ: Tensor, start_J1: Tensor, steps_RH1: Tensor) -> Tensor:
    """The states ``[R, H, S, M, 1]`` after so many products with a matrix, by squaring it."""
    num_steps = steps_RH1.shape[1]
    square_R1SJJ = matrix_RSJJ[:, None]
    state_RHSJ1 = start_J1.expand(len(matrix_RSJJ), num_steps, matrix_RSJJ.shape[1], *start_J1.shape)
    remaining = steps_RH1[..., None, None]
    while remaining.any():
        state_RHSJ1 = torch.where(remaining % 2 == 1, square_R1SJJ @ state_RHSJ1, state_RHSJ1)
        remaining = remaining // 2
        square_R1SJJ = square_R1SJJ @ square_R1SJJ
    return state_RHSJ1


def displacement_and_velocity(
    eigenvalues_S: Tensor, learning_rates_R: Tensor, step: int, momentum: float = 0.0, nesterov: bool = False
) -> tuple[Tensor, Tensor]:
    """How far each mode has gone after so many steps, and its velocity, both of shape ``[R, S]``.

    With ``g_S`` the parts of the first gradient in the modes, the weights have moved by
    ``-rate * distance * g`` and the velocity is ``velocity * g``; without momentum, which has
    none, it is the gradient of the last step, 0 at the start. A tiny singular value divides nothing.
    What has diverged beyond float64 is infinite or NaN.

    Args:
        eigenvalues_S: Eigenvalues of the Hessian.
        learning_rates_R: Learning rates, float64.
        step: How many steps, from 0.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.
    """
    step_RS = learning_rates_R[:, None] * eigenvalues_S
    if momentum == 0:
        return _geometric_sum(step_RS, step), _power(step_RS, step - 1) if step else torch.zeros_like(step_RS)
    one, zero, decay = torch.ones_like(step_RS), torch.zeros_like(step_RS), torch.full_like(step_RS, momentum)
    gain, kept = (1 + momentum, momentum) if nesterov else (1.0, 1.0)  # of the gradient and of the velocity
    first = (1 - gain * step_RS, kept * decay, gain * one)
    entries = (*first, -step_RS, decay, one, zero, zero, one)  # of (distance, velocity, 1)
    scale_RS = contraction_factor(eigenvalues_S, learning_rates_R, momentum, nesterov).clamp(min=1)
    step_RS33 = torch.stack(entries, dim=-1).view(*step_RS.shape, 3, 3) / scale_RS[..., None, None]
    start_31 = step_RS.new_tensor([[0.0], [0.0], [1.0]])
    state_RS3 = _powers_applied(step_RS33, start_31, torch.tensor([[[step]]], device=step_RS.device))[:, 0, :, :, 0]
    state_RS3 = state_RS3 * (step * scale_RS.log()).exp()[..., None] if step else state_RS3
    return state_RS3[..., 0], state_RS3[..., 1]


def _power(step_RS: Tensor, exponent: int) -> Tensor:
    """``(1 - step)^exponent``."""
    return (1 - step_RS).pow(exponent)


def _geometric_sum(step_RS: Tensor, num_steps: int) -> Tensor:
    """``1 + (1 - step) + ... + (1 - step)^(num_steps - 1)``, of which slow modes keep all digits."""
    slow_RS = step_RS.clamp(max=0.5)
    of_slow_RS = -torch.expm1(num_steps * torch.log1p(-slow_RS)) / slow_RS
    of_slow_RS = torch.where(slow_RS == 0, float(num_steps), of_slow_RS)
    return torch.where(step_RS <= 0.5, of_slow_RS, (1 - _power(step_RS, num_steps)) / step_RS)


def first_step_above(
    modes: Modes,
    learning_rates_R: Tensor,
    bounds_R: Tensor,
    first: int,
    last: int,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """The first of the steps ``first`` to ``last`` whose loss is not finite or above a bound, or -1, shape ``[R]``.

    By bisection: a loss far above its first one is that of a diverging mode, and grows from
    step to step. (Without momentum the loss is a sum of exponentials in the step, so it is convex:
    once above a bound that is not below its start, it stays there.)

    Args:
        modes: The loss at the start.
        learning_rates_R: Learning rates, float64.
        bounds_R: Many times the loss at the start.
        first: Step to look at first.
        last: Step to look at last.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.
    """

    def out(rates_R: Tensor, limits_R: Tensor, steps_R: Tensor) -> Tensor:
        losses_R = loss_curve(modes, rates_R, steps_R[:, None], momentum, nesterov)[:, 0]
        return ~(losses_R <= limits_R) | losses_R.isinf()

    steps_R = torch.full_like(learning_rates_R, -1, dtype=torch.int64)
    if last < first:
        return steps_R
    leaves_R = out(learning_rates_R, bounds_R, torch.full_like(steps_R, last))
    rates_L, limits_L = learning_rates_R[leaves_R], bounds_R[leaves_R]
    low_L = torch.full_like(rates_L, first, dtype=torch.int64)
    high_L = torch.full_like(low_L, last)  # out, while everything before low is not
    while (low_L < high_L).any():
        middle_L = (low_L + high_L) // 2
        out_L = out(rates_L, limits_L, middle_L)
        high_L = torch.where(out_L, middle_L, high_L)
        low_L = torch.where(out_L, low_L, torch.minimum(middle_L + 1, high_L))
    steps_R[leaves_R] = high_L
    return steps_R


def loss_curve(
    modes: Modes,
    learning_rates_R: Tensor,
    steps: Tensor,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """Training loss of every learning rate after so many steps, shape ``[R, H]``; infinite once float64 overflows.

    Args:
        modes: The loss at the start.
        learning_rates_R: Learning rates, float64.
        steps: Numbers of steps, int64, in any order, ``[H]`` for all learning rates or ``[R, H]`` for each its own.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Source: Goh (2017), where momentum on a quadratic is a 2 x 2 matrix per mode.
    """
    log_errors_RHS = log_errors(modes.eigenvalues_S, learning_rates_R, steps, momentum, nesterov)
    return modes.floor + (2 * log_errors_RHS + modes.losses_S.log()).exp().sum(dim=-1)
