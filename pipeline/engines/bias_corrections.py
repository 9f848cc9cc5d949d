"""What the learning rate and the root of each update of a rule are multiplied with."""

from __future__ import annotations

import numpy as np

from pipeline.optimizers.rules import Adam, UpdateRule


def corrections(rule: UpdateRule, first_step: int, last_step: int) -> np.ndarray:
    """Corrections of updates ``first_step + 1`` to ``last_step``, shape ``[steps, 2]``, float64; ones but for Adam."""
    step_H = np.arange(first_step + 1, last_step + 1, dtype=np.float64)
    if isinstance(rule, Adam):
        return np.stack([1 / (1 - rule.beta1**step_H), (1 - rule.beta2**step_H) ** -0.5], axis=1)
    return np.ones((len(step_H), 2))
