"""Tangent kernel of networks at given weights, and the loss of the linearised network split by its eigenvectors.

The linearised network ``f(x; w) + J(x; w) (v - w)`` is linear in its weights v, so descent on its square loss moves
each eigenvector of the tangent kernel ``K = J J^T`` by itself, whatever the learning rate: with residuals r of the
first outputs, ``L = sum_s (u_s^T r)^2 / (2 P)`` splits into modes of eigenvalues ``lambda_s / P``. K needs no J: with
hidden units h, their derivatives g' and output weights v, for outputs k and l,

``K_kl(x, y) = delta_kl (h(x)^T h(y) + 1) + (x^T y + 1) sum_j v_kj v_lj g'_j(x) g'_j(y)``.

Shape letters: M rows of a Gram matrix, R outputs at points: the residuals of one trial.

Source: Jacot, Gabriel, Hongler, "Neural tangent kernel" (2018); Lee et al., "Wide neural networks of any depth evolve
as linear models under gradient descent" (2019), section 2.2, for the linearised network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.models.shallow import Shallow
from pipeline.numerics.descent import log_errors
from pipeline.numerics.threads import CORES, on_cores, threads_of_operation

MOST_ROWS = 2048
"""Rows of the smaller Gram matrix at most, of the points times outputs or of the weights: 32 MiB in float64, and
two seconds for its eigenvectors."""
MOST_NUMBERS = 1 << 18
"""Numbers of Jacobians or kernels of the trials that are decomposed together: 2 MiB, with all that is made of them
about 12 MiB on each core; a single larger trial takes more."""


class LinearisedLosses(NamedTuple):
    """The loss of each trial's linearised network at its start: ``loss = floor + sum of losses_TS``."""

    eigenvalues_TS: Tensor
    """Eigenvalues ``lambda / P`` of the Hessian of the linearised loss, the largest first."""
    losses_TS: Tensor
    """Loss in each mode."""
    floor_T: Tensor
    """Loss that no weights of the linearised network take away."""


def rows_of_gram(num_points: int, num_outputs: int, num_weights: int) -> int:
    """Rows of the smaller of ``J J^T`` and ``J^T J``."""
    return min(num_points * num_outputs, num_weights)


def linearised_losses(
    model: Shallow, weights_TN: Tensor, width: int, inputs_PD: Tensor, targets_PK: Tensor
) -> LinearisedLosses:
    """Losses of linearised networks by mode: one decomposition gives the loss of every learning rate and step.

    Args:
        model: The network.
        weights_TN: Weights at which it is linearised.
        width: W.
        inputs_PD: Training inputs, float64.
        targets_PK: Training targets, float64.

    Returns:
        As many modes as the smaller Gram matrix has rows.
    """
    (num_points, num_outputs), num_weights = targets_PK.shape, weights_TN.shape[1]
    of_points = num_points * num_outputs <= num_weights
    largest = num_points * num_outputs * (num_points * num_outputs if of_points else num_weights)
    together = max(1, MOST_NUMBERS // max(largest, num_points * width))
    parts = weights_TN.double().split(together)

    def split_of(some_TN: Tensor) -> LinearisedLosses:
        return _split(model, some_TN, width, inputs_PD, targets_PK, of_points=of_points)

    with threads_of_operation(max(1, torch.get_num_threads() // len(parts))):
        split = on_cores(split_of, parts, most_threads=CORES)
    return LinearisedLosses(*(torch.cat(parts) for parts in zip(*split, strict=True)))


class HiddenLayer(NamedTuple):
    """The hidden units of networks at points, all that the derivatives of the outputs in the weights are made of."""

    values_TPW: Tensor
    """h, without the constant one of the output bias."""
    slopes_TPW: Tensor
    """g', the derivatives in their weighted sums."""
    output_TKW: Tensor
    """v, the output weights without the biases."""
    inputs_PD: Tensor
    """The points."""


def hidden_layer(model: Shallow, weights_TN: Tensor, width: int, inputs_PD: Tensor, num_outputs: int) -> HiddenLayer:
    """Hidden units of a stack of networks at points.

    Args:
        model: The network.
        weights_TN: Weights, float64.
        width: W.
        inputs_PD: Points, float64.
        num_outputs: K.

    Returns:
        Values, derivatives and output weights.
    """
    hidden_TWA, output_TKF = model.layers(weights_TN, width, num_outputs)
    values_TWP = model.activation(hidden_TWA @ model.prepare(inputs_PD, width))
    slopes_TWP = model.activation.multiply_by_derivative_(torch.ones_like(values_TWP), values_TWP)
    return HiddenLayer(values_TWP.mT, slopes_TWP.mT, output_TKF[..., :width], inputs_PD)


def tangent_kernel(layer: HiddenLayer) -> Tensor:
    """Tangent kernel between all points and outputs, outputs first.

    Args:
        layer: Hidden units at the points.

    Returns:
        Shape ``[T, K P, K P]``.
    """
    num_outputs = layer.output_TKW.shape[1]
    of_output_TPP = layer.values_TPW @ layer.values_TPW.mT + 1
    of_hidden_PP = layer.inputs_PD @ layer.inputs_PD.mT + 1
    weighted_TKPW = layer.output_TKW[:, :, None] * layer.slopes_TPW[:, None]
    rows_TRW = weighted_TKPW.flatten(1, 2)
    kernel_TRR = (rows_TRW @ rows_TRW.mT).unflatten(1, (num_outputs, -1)).unflatten(3, (num_outputs, -1))
    kernel_TRR = kernel_TRR * of_hidden_PP[:, None]
    for output in range(num_outputs):
        kernel_TRR[:, output, :, output] += of_output_TPP
    return kernel_TRR.flatten(1, 2).flatten(2, 3)


def jacobian(layer: HiddenLayer) -> Tensor:
    """Jacobian of the outputs at all points in the weights, outputs first.

    Args:
        layer: Hidden units at the points.

    Returns:
        Shape ``[T, K P, N]``.
    """
    inputs_PD, num_outputs = layer.inputs_PD, layer.output_TKW.shape[1]
    with_one_PA = torch.cat([inputs_PD, inputs_PD.new_ones(len(inputs_PD), 1)], dim=1)
    of_hidden = (layer.output_TKW[:, :, None] * layer.slopes_TPW[:, None])[..., None] * with_one_PA[:, None]
    features_TPF = torch.cat([layer.values_TPW, torch.ones_like(layer.values_TPW[..., :1])], dim=2)
    num_trials, num_points, num_features = features_TPF.shape
    of_output = features_TPF.new_zeros(num_trials, num_outputs, num_points, num_outputs, num_features)
    for output in range(num_outputs):
        of_output[:, output, :, output] = features_TPF
    return torch.cat([of_hidden.flatten(3), of_output.flatten(3)], dim=3).flatten(1, 2)


def _split(
    model: Shallow, weights_TN: Tensor, width: int, inputs_PD: Tensor, targets_PK: Tensor, *, of_points: bool
) -> LinearisedLosses:
    """The losses of trials that fit into memory together."""
    num_points, num_outputs = targets_PK.shape
    outputs_TKP = model.outputs(weights_TN, model.prepare(inputs_PD, width), width, num_outputs)
    residuals_TR1 = (outputs_TKP - targets_PK.mT).flatten(1)[..., None]
    start_T = residuals_TR1.square().sum(dim=(1, 2)) / (2 * num_points)
    layer = hidden_layer(model, weights_TN, width, inputs_PD, num_outputs)
    if of_points:
        gram_TMM = tangent_kernel(layer)
        parts_TM1 = residuals_TR1
    else:
        jacobian_TRN = jacobian(layer)
        gram_TMM, parts_TM1 = jacobian_TRN.mT @ jacobian_TRN, jacobian_TRN.mT @ residuals_TR1
    values_TS, vectors_TMS = torch.linalg.eigh(gram_TMM)
    values_TS, vectors_TMS = values_TS.flip(1), vectors_TMS.flip(2)
    squares_TS = (vectors_TMS.mT @ parts_TM1)[..., 0].square() / (2 * num_points)
    kept_TS = values_TS > values_TS[:, :1] * gram_TMM.shape[1] * torch.finfo(torch.float64).eps
    squares_TS = squares_TS if of_points else squares_TS / values_TS.where(kept_TS, torch.inf)
    losses_TS = torch.where(kept_TS, squares_TS, 0.0)  # rounding moves the others, in no number of steps
    floor_T = (start_T - losses_TS.sum(dim=1)).clamp(min=0)
    return LinearisedLosses(values_TS.clamp(min=0) / num_points, losses_TS, floor_T)


def linearised_loss_curves(
    start: LinearisedLosses, learning_rates_T: Tensor, steps_H: Tensor, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    """Training loss of each linearised network after each number of steps: ``floor + sum_s losses_s * error_s^2``.

    Args:
        start: Losses at the start, by mode.
        learning_rates_T: Learning rates, float64.
        steps_H: Numbers of steps, int64.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[T, H]``, float64; infinite once float64 overflows.
    """
    together = max(1, MOST_NUMBERS // (4 * len(steps_H) * max(1, start.eigenvalues_TS.shape[1])))
    parts = []
    for trials in torch.arange(len(learning_rates_T)).split(together):
        logs_THS = log_errors(start.eigenvalues_TS[trials], learning_rates_T[trials], steps_H, momentum, nesterov)
        losses_TH = (2 * logs_THS + start.losses_TS[trials, None].log()).exp().sum(dim=-1)
        parts.append(start.floor_T[trials, None] + losses_TH)
    return torch.cat(parts)
