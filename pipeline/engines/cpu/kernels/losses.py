"""Losses, their gradients and Hessians in the outputs, as SIMD arithmetic on lanes of points."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from pipeline.engines.cpu.codegen.math import exp_of_negative, log, log_of_one_plus, sigmoid
from pipeline.engines.cpu.codegen.simd import Program, Value, total
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, HalfMeanSquare, Loss, SoftmaxCrossEntropy

COVERED = (HalfMeanSquare, SoftmaxCrossEntropy, BinaryCrossEntropy, BrierScore)
"""Losses that are written below."""

COUPLED = (SoftmaxCrossEntropy,)
"""Losses whose second derivatives couple an output with the others."""


def loss_and_slopes(
    p: Program, loss: Loss, outputs: Sequence[Value], targets: Sequence[Value], point_weight: Value
) -> tuple[Value, list[Value]]:
    """The loss of each point and its derivatives in the outputs, weighted for the mean over points.

    With the weight ``q`` of a point and its loss ``l(f, y)``: ``q l`` and ``q dl/df_k`` for each output k.

    Args:
        p: The program.
        loss: l.
        outputs: f, one value for each of K outputs.
        targets: y, likewise.
        point_weight: q: ``1 / P``, or 0 in a lane without a point.

    Returns:
        ``q l``, and ``q dl/df_k`` for each k.

    Raises:
        TypeError: For a loss that is not written as SIMD arithmetic.
    """
    match loss:
        case HalfMeanSquare():
            errors = [f - y for f, y in zip(outputs, targets, strict=True)]
            slopes = [error * point_weight for error in errors]
            return total([e * s for e, s in zip(errors, slopes, strict=True)]) * 0.5, slopes
        case SoftmaxCrossEntropy():
            return _softmax(p, outputs, targets, point_weight)
        case BinaryCrossEntropy():
            signs = [p.fma(y, -2.0, 1.0) for y in targets]
            away = [sign * f for sign, f in zip(signs, outputs, strict=True)]
            values, doubts = zip(*(_softplus_and_slope(p, z) for z in away), strict=True)
            return total(values) * point_weight, [
                sign * doubt * point_weight for sign, doubt in zip(signs, doubts, strict=True)
            ]
        case BrierScore():
            signs = [p.fma(y, -2.0, 1.0) for y in targets]
            away = [sign * f for sign, f in zip(signs, outputs, strict=True)]
            wrong = [sigmoid(p, z) for z in away]
            squares = [s * s for s in wrong]
            slopes = [
                sign * q * sigmoid(p, -z) * 2.0 * point_weight for sign, q, z in zip(signs, squares, away, strict=True)
            ]
            return total(squares) * point_weight, slopes
    raise TypeError(f"no lanes for {loss.name()}")


def times_curvature(
    p: Program,
    loss: Loss,
    outputs: Sequence[Value],
    targets: Sequence[Value],
    directions: Sequence[Value],
    point_weight: Value,
) -> list[Value]:
    """The Hessian of each point's loss in the outputs times a direction d: ``q sum_j d^2 l/df_k df_j d_j``.

    Args:
        p: The program.
        loss: l.
        outputs: f, one value for each of K outputs.
        targets: y, likewise.
        directions: d, likewise.
        point_weight: q, as in ``loss_and_slopes``.

    Returns:
        One value for each k.

    Raises:
        TypeError: For a loss that is not written as SIMD arithmetic.
    """
    match loss:
        case HalfMeanSquare():
            return [d * point_weight for d in directions]
        case SoftmaxCrossEntropy():
            _, exponentials, whole = _exponentials(p, outputs)
            probabilities = [e / whole for e in exponentials]
            for _ in range(2):  # the second mean is what rounding has left of a small difference
                mean = total([q * d for q, d in zip(probabilities, directions, strict=True)])
                directions = [d - mean for d in directions]
            return [q * d * point_weight for q, d in zip(probabilities, directions, strict=True)]
        case BinaryCrossEntropy():
            spreads = [sigmoid(p, f) * sigmoid(p, -f) for f in outputs]
            return [spread * d * point_weight for spread, d in zip(spreads, directions, strict=True)]
        case BrierScore():
            away = [p.fma(y, -2.0, 1.0) * f for f, y in zip(outputs, targets, strict=True)]
            wrong = [sigmoid(p, z) for z in away]
            bends = [s * s * sigmoid(p, -z) * p.fma(s, -3.0, 2.0) for s, z in zip(wrong, away, strict=True)]
            return [bend * d * 2.0 * point_weight for bend, d in zip(bends, directions, strict=True)]
    raise TypeError(f"no lanes for the curvature of {loss.name()}")


def _softplus_and_slope(p: Program, z: Value) -> tuple[Value, Value]:
    """``log(1 + exp(z))`` and its slope, the logistic function, which share an exponential."""
    e = exp_of_negative(p, -p.intrinsic("fabs", z))
    slope = p.select(z < 0.0, e, p.as_value(1.0, z)) / (e + 1.0)
    return p.select(z < 0.0, 0.0, z) + log_of_one_plus(p, e), slope


def _exponentials(p: Program, outputs: Sequence[Value]) -> tuple[Value, list[Value], Value]:
    """The largest output, the exponential of how far each lies below it, and the sum of these."""
    largest = functools.reduce(lambda a, b: p.select(a < b, b, a), outputs)
    exponentials = [exp_of_negative(p, f - largest) for f in outputs]
    return largest, exponentials, total(exponentials)


def _softmax(
    p: Program, outputs: Sequence[Value], targets: Sequence[Value], point_weight: Value
) -> tuple[Value, list[Value]]:
    """From the logit of all wrong classes less that of the right one, so that small losses keep their digits."""
    # Minus infinity would make NaN of differences of two of them.
    lowest = float(np.finfo(p.dtype).min)
    wrong = [p.select(y > 0.5, lowest, f) for f, y in zip(outputs, targets, strict=True)]
    largest, exponentials, whole = _exponentials(p, wrong)
    against = largest + log(p, whole) - total([f * y for f, y in zip(outputs, targets, strict=True)])
    value, doubt = _softplus_and_slope(p, against)
    doubt, per_whole = doubt * point_weight, 1.0 / whole
    return value * point_weight, [doubt * (e * per_whole - y) for e, y in zip(exponentials, targets, strict=True)]
