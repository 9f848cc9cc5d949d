"""Update rules as SIMD arithmetic on lanes of weights."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.cpu.codegen.simd import Program, Value
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule

COVERED = (GradientDescent, Momentum, Nesterov, Adam)


def updated(
    p: Program, rule: UpdateRule, weights: Value, gradient: Value, slots: Sequence[Value], rate: Value, root: Value
) -> tuple[Value, list[Value]]:
    """Weights and slots after an update, by the formulas of ``pipeline/optimizers/rules.py``.

    Args:
        p: The program.
        rule: The update rule.
        weights: Weights before.
        gradient: Gradient at these weights.
        slots: Memory of the rule before.
        rate: Learning rate, times the first bias correction of the step.
        root: Second bias correction of the step, a factor of the root of Adam.

    Returns:
        Weights and slots after.

    Raises:
        TypeError: For a rule that is not written as SIMD arithmetic.
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
