"""Each update rule as arithmetic on lanes of weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule
from pipeline.training.engines.fused.lanes import Program, Value

COVERED = (GradientDescent, Momentum, Nesterov, Adam)


def updated(
    p: Program, rule: UpdateRule, weights: Value, gradient: Value, slots: Sequence[Value], rate: Value, root: Value
) -> tuple[Value, list[Value]]:
    """Weights and slots after an update.

    Args:
        p: The program.
        rule: Which.
        weights: Before.
        gradient: At these weights.
        slots: The memory of the rule.
        rate: The learning rate, times the first correction of the step.
        root: The second correction of the step.
    """
    match rule:
        case GradientDescent():
            return p.fma(-rate, gradient, weights), []
        case Momentum(momentum):
            velocity = p.fma(slots[0], momentum, gradient)
            return p.fma(-rate, velocity, weights), [velocity]
        case Nesterov(momentum):
            velocity = p.fma(slots[0], momentum, gradient)
            return p.fma(-rate, p.fma(velocity, momentum, gradient), weights), [velocity]
        case Adam(beta1, beta2, epsilon):
            mean = p.fma(gradient - slots[0], 1 - beta1, slots[0])
            square = p.fma(gradient * gradient, 1 - beta2, slots[1] * beta2)
            scale = p.fma(p.intrinsic("sqrt", square), root, epsilon)
            return p.fma(-rate, mean / scale, weights), [mean, square]
    raise TypeError(f"no lanes for {rule.name()}")


def corrections(rule: UpdateRule, first_step: int, last_step: int) -> np.ndarray:
    """What the learning rate and the root of each update are multiplied with, shape ``[steps, 2]``, float64."""
    step_H = np.arange(first_step + 1, last_step + 1, dtype=np.float64)
    if isinstance(rule, Adam):
        return np.stack([1 / (1 - rule.beta1**step_H), (1 - rule.beta2**step_H) ** -0.5], axis=1)
    return np.ones((len(step_H), 2))
