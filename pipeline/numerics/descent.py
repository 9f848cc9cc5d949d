"""Gradient descent, heavy ball and Nesterov momentum on quadratics, in closed form from one decomposition.

The loss is half the mean square of a linear model, ``1/(2P) |X w - y|^2``, whose Hessian
is ``X^T X / P``. In the basis of right singular vectors of X the Hessian is diagonal, so every mode
moves on its own: the whole loss curve of every learning rate follows from the singular values and the
projection of the first residual on each left singular vector. Nothing is trained.

With ``v = momentum * v + gradient`` and ``v = 0`` at the start, the three rules are

- gradient descent (momentum 0) and heavy ball: ``w = w - rate * v``,
- Nesterov as in torch: ``w = w - rate * (gradient + momentum * v)``.

Shape letters: J components of a state, L learning rates above their bounds, R learning rates.

Source: Goh, "Why momentum really works" (Distill, 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.numerics.spectra import EPS, tolerance

ROUNDINGS = 4
"""Roundings of its inputs within which a discriminant counts as zero, and its two roots as one."""


@dataclass(frozen=True)
class Modes:
    """Excess loss by eigenvector of the Hessian, at the start: ``loss = floor + sum of losses_S``."""

    eigenvalues_S: Tensor
    """Eigenvalues ``lambda = sigma^2 / P`` of the Hessian ``X^T X / P``, largest first."""
    losses_S: Tensor
    """Loss in each mode, ``|u^T r|^2 / (2P)`` with left singular vector u and first residual r; falls as its square."""
    floor: Tensor
    """Least loss of any weights, that of the least-squares solution; scalar."""


def modes(features_PF: Tensor, residuals_PK: Tensor) -> Modes:
    """Modes of a linear model under the square loss, without the singular vectors of ``modal_decomposition``.

    Args:
        features_PF: Feature matrix X, float64.
        residuals_PK: Outputs minus targets at the initial weights, float64.

    Returns:
        Modes, largest eigenvalue first.
    """
    return modal_decomposition(features_PF, residuals_PK).modes


class ModalDecomposition(NamedTuple):
    """Singular value decomposition of the features, with the loss in each mode."""

    modes: Modes
    left_vectors_PS: Tensor
    """Left singular vectors: directions in the outputs at the training points; zero for a mode below rounding."""
    right_vectors_SF: Tensor
    """Right singular vectors, as rows: directions in the weights of one output."""


def modal_decomposition(features_PF: Tensor, residuals_PK: Tensor) -> ModalDecomposition:
    """Singular value decomposition ``X = U S V^T`` of a linear model, with its loss split by mode.

    The loss at the start is ``floor + sum_s |u_s^T r|^2 / (2P)``. A mode whose singular value is below
    rounding is moved by no step: it belongs to the floor, as in a least-squares solution. All is computed
    from residuals, never from weights, so that nothing is divided by a tiny singular value and the
    component of the weights in the null space of X does not occur.

    Args:
        features_PF: Feature matrix X, float64.
        residuals_PK: Outputs minus targets at the initial weights (minus the targets for zero weights), float64.

    Returns:
        Modes, largest eigenvalue first, with their singular vectors.

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
    """Spectral radius of one step in each mode: the factor by which a late step multiplies the error.

    ``|1 - rate * lambda|`` for gradient descent; with momentum b the larger modulus of the two roots of the
    characteristic polynomial ``z^2 - trace z + determinant`` of one step, where, with ``s = rate * lambda``,

    - heavy ball: ``trace = 1 - s + b``, ``determinant = b``,
    - Nesterov: ``trace = (1 - s)(1 + b)``, ``determinant = (1 - s) b``.

    Args:
        eigenvalues_S: Eigenvalues of the Hessian, float64.
        learning_rates_R: Learning rates, float64.
        momentum: b, from 0 to below 1; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R, S]``; above 1 the mode diverges.

    Example:
        At rate 1/2 an error halves, at rate 3 it doubles.

        >>> contraction_factor(torch.ones(1), torch.tensor([0.5, 3.0])).tolist()
        [[0.5], [2.0]]
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
    """Critically damped ``rate * lambda``, at which the two roots of a mode meet; below it both are real and positive.

    ``(1 - sqrt b)^2`` for heavy ball and ``((1 - b) / (1 + b))^2`` for Nesterov with momentum b. Above it
    a mode is underdamped: its roots are complex and its error oscillates.

    Args:
        momentum: b, from 0 to below 1.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        From 0 to 1, dimensionless.

    Example:
        Heavy ball with momentum 1/4: modes with rate * lambda below 1/4 do not oscillate.

        >>> critical_step(0.25, nesterov=False)
        0.25
    """
    return ((1 - momentum) / (1 + momentum)) ** 2 if nesterov else (1 - math.sqrt(momentum)) ** 2


def _discriminant(step_RS: Tensor, momentum: float, nesterov: bool) -> Tensor:
    """Discriminant ``trace^2 - 4 determinant``, factored to keep its digits; 0 within rounding of rate and momentum.

    A root moves by the square root of an error in the discriminant: of two roots that meet, 16 digits of the
    momentum would leave 8.

    Returns:
        Shape ``[R, S]``.
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
    """Logarithm of the modulus of each mode's error after N steps, relative to step 0.

    ``steps * log |1 - rate * lambda|`` for gradient descent. With momentum the state (error, rate * velocity) of a
    mode is multiplied by a 2 x 2 matrix a step, whose power is taken by repeated squaring. In logarithms neither
    ten thousand diverging steps overflow nor do converged modes mix with divergent ones as ``0 * inf``.

    Args:
        eigenvalues_S: Eigenvalues of the Hessian, float64; ``[S]`` for all learning rates or ``[R, S]`` for each.
        learning_rates_R: Learning rates, float64.
        steps: Numbers of steps, int64, ``[H]`` for all learning rates or ``[R, H]`` for each its own.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R, H, S]``, float64: 0 at step 0, ``-inf`` for an error of exactly zero.

    Source: Goh, "Why momentum really works" (Distill, 2017), the dynamics of momentum.
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
    """States ``A^n x`` after n steps, ``[R, H, S, J, 1]``, by repeated squaring of the matrix A of one step."""
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
    """Displacement of each mode from its start after N steps, and its velocity, both per unit of the first gradient.

    With ``g_S`` the components of the first gradient, the weights have moved by ``-rate * displacement * g``
    and the velocity is ``velocity * g``. Without momentum the displacement is the geometric sum
    ``1 + q + ... + q^(N-1)`` with ``q = 1 - rate * lambda``, and the velocity the gradient of the last step,
    ``q^(N-1)``, 0 at the start. Nothing is divided by a tiny singular value.

    Args:
        eigenvalues_S: Eigenvalues of the Hessian, float64.
        learning_rates_R: Learning rates, float64.
        step: N, number of steps, from 0.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Displacement and velocity, both ``[R, S]``; infinite or NaN where they are beyond float64.
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
    """First of the steps ``first`` to ``last`` whose loss exceeds a bound or is not finite, by bisection.

    Bisection is right because a loss far above its first one is that of a diverging mode, and grows from
    step to step. (Without momentum the loss is a sum of exponentials in the step, so it is convex:
    once above a bound that is not below its start, it stays there.)

    Args:
        modes: Loss at the start, by mode.
        learning_rates_R: Learning rates, float64.
        bounds_R: Bounds, many times the loss at the start.
        first: First step to consider.
        last: Last step to consider.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R]``, int64; -1 where no step is above.
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
    """Training loss of every learning rate after each number of steps: ``floor + sum_s losses_s * error_s^2``.

    Args:
        modes: Loss at the start, by mode.
        learning_rates_R: Learning rates, float64.
        steps: Numbers of steps, int64, in any order, ``[H]`` for all learning rates or ``[R, H]`` for each its own.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R, H]``, float64; infinite once float64 overflows.

    Example:
        One mode of eigenvalue 1 and loss 1: at rate 1/2 the error halves at every step.

        >>> one = Modes(torch.ones(1).double(), torch.ones(1).double(), torch.zeros(1).double())
        >>> losses_RH = loss_curve(one, torch.tensor([0.5]).double(), torch.tensor([0, 1, 2]))
        >>> losses_RH.round(decimals=12).tolist()
        [[1.0, 0.25, 0.0625]]

    Source: Goh, "Why momentum really works" (Distill, 2017), where momentum on a quadratic is a 2 x 2 matrix per mode.
    """
    log_errors_RHS = log_errors(modes.eigenvalues_S, learning_rates_R, steps, momentum, nesterov)
    return modes.floor + (2 * log_errors_RHS + modes.losses_S.log()).exp().sum(dim=-1)
