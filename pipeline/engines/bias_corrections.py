"""Bias corrections of Adam, as factors of the learning rate and of the root of each update; ones for other rules.

Source: Kingma and Ba, Adam: a method for stochastic optimization (ICLR 2015), algorithm 1 and section 3.
"""

from __future__ import annotations

import numpy as np

from pipeline.optimizers.rules import Adam, UpdateRule


def corrections(rule: UpdateRule, first_step: int, last_step: int) -> np.ndarray:
    """The factors ``1 / (1 - beta1^h)`` and ``(1 - beta2^h)^(-1/2)`` of updates h.

    Args:
        rule: The update rule.
        first_step: Updates made before; h begins with ``first_step + 1``.
        last_step: The last h.

    Returns:
        Shape ``[H, 2]``, float64, for ``H = last_step - first_step`` updates.
    """
    step_H = np.arange(first_step + 1, last_step + 1, dtype=np.float64)
    if isinstance(rule, Adam):
        return np.stack([1 / (1 - rule.beta1**step_H), (1 - rule.beta2**step_H) ** -0.5], axis=1)
    return np.ones((len(step_H), 2))
