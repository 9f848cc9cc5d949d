"""Activations, losses and update rules in Triton, chosen by name when a kernel is compiled.

Numbers of several outputs, or of several weights, are tuples: Triton unrolls loops over them.
Compile-time constants are in capitals: ACTIVATION, LOSS and RULE are names as in a YAML, SLOPE is that of a leaky
ReLU, K the number of outputs, A, B and E what a rule has: its momentum or beta1, beta2, and epsilon.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.models.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, HalfMeanSquare, SoftmaxCrossEntropy

ACTIVATIONS = (Relu, LeakyRelu, Sigmoid, Tanh, Identity)
LOSSES = (HalfMeanSquare, SoftmaxCrossEntropy, BinaryCrossEntropy, BrierScore)
RULES = (GradientDescent, Momentum, Nesterov, Adam)
LOWEST = tl.constexpr(-3e38)
"""In the place of a logit that does not count; float32 has it, too."""


@triton.jit
def sigmoid(z):
    """``1 / (1 + exp(-z))`` without overflow."""
    small = tl.exp(-tl.abs(z))
    return tl.where(z < 0, small, 1.0) / (1.0 + small)


@triton.jit
def tanh(z):
    """The hyperbolic tangent; in float32 a polynomial near zero, where the quotient would lose digits."""
    small = tl.exp(-2.0 * tl.abs(z))
    quotient = (1.0 - small) / (1.0 + small)
    value = tl.where(z < 0, -quotient, quotient)
    if z.dtype == tl.float32:
        s = z * z
        series = 1.0 + s * (-1 / 3 + s * (2 / 15 + s * (-17 / 315 + s * (62 / 2835 - s * (1382 / 155925)))))
        value = tl.where(s < 0.0625, z * series, value)
    return value


@triton.jit
def activate(z, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr):
    """The activation ``g(z)``; NaN stays NaN."""
    if ACTIVATION == "relu":
        z = tl.maximum(z, 0.0, propagate_nan=tl.PropagateNan.ALL)
    elif ACTIVATION == "leaky_relu":
        z = tl.where(z < 0, z * SLOPE, z)
    elif ACTIVATION == "sigmoid":
        z = sigmoid(z)
    elif ACTIVATION == "tanh":
        z = tanh(z)
    else:
        tl.static_assert(ACTIVATION == "identity")
    return z


@triton.jit
def times_derivative(slope, value, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr):
    """The product ``s g'(z)`` of a slope s, given the value ``h = g(z)``; at a kink with the left derivative."""
    if ACTIVATION == "relu":
        slope = tl.where(value > 0, slope, 0.0)
    elif ACTIVATION == "leaky_relu":
        slope = tl.where(value > 0, slope, slope * SLOPE)
    elif ACTIVATION == "sigmoid":
        slope = slope * (value * (1.0 - value))
    elif ACTIVATION == "tanh":
        slope = slope * (1.0 - value * value)
    return slope


@triton.jit
def loss_and_slopes(outputs, targets, point_weight, LOSS: tl.constexpr, K: tl.constexpr):
    """The loss of each point and its derivatives in the outputs, weighted for the mean over points.

    Args:
        outputs: A tuple of K.
        targets: Likewise.
        point_weight: ``1 / P``, or 0 where there is no point.

    Returns:
        ``point_weight l``, and a tuple of ``point_weight dl/df_k``.
    """
    slopes = ()
    value = point_weight * 0.0
    if LOSS == "softmax_cross_entropy":
        largest = tl.where(targets[0] > 0.5, LOWEST, outputs[0])
        for k in tl.static_range(1, K):
            wrong = tl.where(targets[k] > 0.5, LOWEST, outputs[k])
            largest = tl.maximum(largest, wrong, propagate_nan=tl.PropagateNan.ALL)
        whole = value
        right = value
        for k in tl.static_range(K):
            whole += tl.exp(tl.where(targets[k] > 0.5, LOWEST, outputs[k]) - largest)
            right += targets[k] * outputs[k]
        against = largest + tl.log(whole) - right
        doubt = sigmoid(against) * point_weight
        for k in tl.static_range(K):
            part = tl.exp(tl.where(targets[k] > 0.5, LOWEST, outputs[k]) - largest)
            slopes = slopes + (doubt * (part / whole - targets[k]),)
        value = softplus(against) * point_weight
    else:
        for k in tl.static_range(K):
            summand, slope = loss_and_slope(outputs[k], targets[k], LOSS)
            value += summand
            slopes = slopes + (slope * point_weight,)
        value *= point_weight
    return value, slopes


@triton.jit
def loss_and_slopes_in_rows(outputs, targets, there, LOSS: tl.constexpr):
    """The loss at each point of rows ``[points, outputs]`` and its derivatives in the outputs, not weighted yet.

    Args:
        outputs: Numbers where there is an output; others do not count.
        targets: Likewise.
        there: Whether there is one.

    Returns:
        Losses, shape ``[points]``, and derivatives, shape ``[points, outputs]``.
    """
    if LOSS == "softmax_cross_entropy":
        wrong = tl.where(there & (targets < 0.5), outputs, LOWEST)
        largest = tl.max(wrong, 1, keep_dims=True)
        parts = tl.exp(wrong - largest)
        whole = tl.sum(parts, 1, keep_dims=True)
        right = tl.sum(tl.where(there, targets * outputs, 0.0), 1, keep_dims=True)
        against = largest + tl.log(whole) - right
        slopes = sigmoid(against) * (parts / whole - targets)
        value = tl.sum(softplus(against), 1)
    else:
        values, slopes = loss_and_slope(outputs, targets, LOSS)
        value = tl.sum(tl.where(there, values, 0.0), 1)
    return value, tl.where(there, slopes, 0.0)


@triton.jit
def loss_and_slope(output, target, LOSS: tl.constexpr):
    """The loss of one output at a point and its derivative, for losses that are sums over outputs."""
    if LOSS == "binary_cross_entropy":
        sign = 1.0 - 2.0 * target
        value = softplus(sign * output)
        slope = sign * sigmoid(sign * output)
    elif LOSS == "brier_score":
        sign = 1.0 - 2.0 * target
        wrong = sigmoid(sign * output)
        value = wrong * wrong
        slope = sign * wrong * wrong * sigmoid(-sign * output) * 2.0
    else:
        tl.static_assert(LOSS == "half_mean_square")
        slope = output - target
        value = 0.5 * slope * slope
    return value, slope


@triton.jit
def softplus(x):
    """``log(1 + exp(x))``."""
    return tl.where(x < 0, 0.0, x) + log_of_one_plus(tl.exp(-tl.abs(x)))


@triton.jit
def log_of_one_plus(x):
    """``log(1 + x)`` for x from 0 to 1, whose small values keep their digits: what is rounded off is put back."""
    whole = 1.0 + x
    rounded_off = x - (whole - 1.0)
    return tl.log(whole) + rounded_off / whole


@triton.jit
def updated(
    weights, gradient, first, second, rate, root, RULE: tl.constexpr, A: tl.constexpr, B: tl.constexpr, E: tl.constexpr
):
    """Weights and the two slots after an update; a rule leaves alone what it does not use.

    Args:
        weights: Weights before.
        gradient: Gradient at these weights.
        first: The first slot.
        second: The second slot.
        rate: Learning rate, times the first bias correction of the step.
        root: Second bias correction of the step.

    Returns:
        Weights, first and second slot.
    """
    if RULE == "adam":
        first += (gradient - first) * (1 - A)
        second = second * B + gradient * gradient * (1 - B)
        weights -= rate * (first / (tl.sqrt(second) * root + E))
    elif RULE == "momentum":
        first = first * A + gradient
        weights -= rate * first
    elif RULE == "nesterov":
        first = first * A + gradient
        weights -= rate * (gradient + A * first)
    else:
        tl.static_assert(RULE == "gradient_descent")
        weights -= rate * gradient
    return weights, first, second
