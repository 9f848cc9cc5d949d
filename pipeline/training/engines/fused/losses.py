"""Each loss and its slope in the outputs, as arithmetic on lanes of points."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, HalfMeanSquare, Loss, SoftmaxCrossEntropy
from pipeline.training.engines.fused.functions import exp_of_negative, log, log_of_one_plus, sigmoid
from pipeline.training.engines.fused.lanes import Program, Value, total


def loss_and_slopes(
    p: Program, loss: Loss, outputs: Sequence[Value], targets: Sequence[Value], share: Value
) -> tuple[Value, list[Value]]:
    """What each point adds to the loss, and its slope in each output.

    Args:
        p: The program.
        loss: Which.
        outputs: One value for each output.
        targets: Likewise.
        share: Of each point in the mean: ``1 / P``, or 0 for a lane without a point.
    """
    match loss:
        case HalfMeanSquare():
            errors = [f - y for f, y in zip(outputs, targets, strict=True)]
            slopes = [error * share for error in errors]
            return total([e * s for e, s in zip(errors, slopes, strict=True)]) * 0.5, slopes
        case SoftmaxCrossEntropy():
            return _softmax(p, outputs, targets, share)
        case BinaryCrossEntropy():
            signed = [p.fma(y, -2.0, 1.0) * f for f, y in zip(outputs, targets, strict=True)]
            values = [_softplus(p, z) for z in signed]
            slopes = [(sigmoid(p, f) - y) * share for f, y in zip(outputs, targets, strict=True)]
            return total(values) * share, slopes
        case BrierScore():
            signs = [p.fma(y, -2.0, 1.0) for y in targets]
            away = [sign * f for sign, f in zip(signs, outputs, strict=True)]
            wrong = [sigmoid(p, z) for z in away]
            squares = [s * s for s in wrong]
            slopes = [sign * q * sigmoid(p, -z) * 2.0 * share for sign, q, z in zip(signs, squares, away, strict=True)]
            return total(squares) * share, slopes
    raise TypeError(f"no lanes for {loss.name()}")


def times_curvature(
    p: Program,
    loss: Loss,
    outputs: Sequence[Value],
    targets: Sequence[Value],
    directions: Sequence[Value],
    share: Value,
) -> list[Value]:
    """The Hessian of each point's loss in the outputs, times a direction in the outputs.

    Args:
        p: The program.
        loss: Which.
        outputs: One value for each output.
        targets: Likewise.
        directions: Likewise.
        share: Of each point in the mean, as in ``loss_and_slopes``.
    """
    match loss:
        case HalfMeanSquare():
            return [d * share for d in directions]
        case SoftmaxCrossEntropy():
            _, exponentials, whole = _exponentials(p, outputs)
            probabilities = [e / whole for e in exponentials]
            mean = total([q * d for q, d in zip(probabilities, directions, strict=True)])
            return [q * (d - mean) * share for q, d in zip(probabilities, directions, strict=True)]
        case BinaryCrossEntropy():
            spreads = [sigmoid(p, f) * sigmoid(p, -f) for f in outputs]
            return [spread * d * share for spread, d in zip(spreads, directions, strict=True)]
        case BrierScore():
            away = [p.fma(y, -2.0, 1.0) * f for f, y in zip(outputs, targets, strict=True)]
            wrong = [sigmoid(p, z) for z in away]
            bends = [s * s * sigmoid(p, -z) * p.fma(s, -3.0, 2.0) for s, z in zip(wrong, away, strict=True)]
            return [bend * d * 2.0 * share for bend, d in zip(bends, directions, strict=True)]
    raise TypeError(f"no lanes for the curvature of {loss.name()}")


def _softplus(p: Program, z: Value) -> Value:
    """``log(1 + exp(z))``."""
    return p.select(z < 0.0, 0.0, z) + log_of_one_plus(p, exp_of_negative(p, -p.intrinsic("fabs", z)))


def _exponentials(p: Program, outputs: Sequence[Value]) -> tuple[list[Value], list[Value], Value]:
    """How far each output lies below the largest, its exponential, and the sum of these."""
    largest = functools.reduce(lambda a, b: p.select(a < b, b, a), outputs)
    below = [f - largest for f in outputs]
    exponentials = [exp_of_negative(p, z) for z in below]
    return below, exponentials, total(exponentials)


def _softmax(p: Program, outputs: Sequence[Value], targets: Sequence[Value], share: Value) -> tuple[Value, list[Value]]:
    below, exponentials, whole = _exponentials(p, outputs)
    log_whole, per_whole = log(p, whole), 1.0 / whole
    values = [y * (log_whole - z) for z, y in zip(below, targets, strict=True)]
    slopes = [(e * per_whole - y) * share for e, y in zip(exponentials, targets, strict=True)]
    return total(values) * share, slopes
