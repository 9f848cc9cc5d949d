"""What is true of every update rule, and what a rule says of itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import UpdateRule


def descend(rule: UpdateRule, curvatures_N: Tensor, weights_TN: Tensor, rates_T1: Tensor, num_steps: int) -> Tensor:
    """Weights after some steps on ``1/2 sum_n curvature_n w_n^2``.

    Args:
        rule: The rule.
        curvatures_N: Eigenvalues of the Hessian.
        weights_TN: Weights at step 0, which stay as they are.
        rates_T1: Learning rates.
        num_steps: Updates.

    Returns:
        Shape ``[T, N]``.
    """
    weights_TN, slots = weights_TN.clone(), tuple(torch.zeros_like(weights_TN) for _ in range(rule.slots))
    for step in range(1, num_steps + 1):
        rule(weights_TN, curvatures_N * weights_TN, slots, rates_T1, step)
    return weights_TN


def moves_in_place(rule: UpdateRule) -> str:
    """slots: a step moves the weights in place, downhill, and every slot is written."""
    for dtype in (torch.float64, torch.float32):
        weights = torch.ones(2, 3, dtype=dtype)
        slots = tuple(torch.zeros_like(weights) for _ in range(rule.slots))
        rule(weights, torch.ones(2, 3, dtype=dtype), slots, torch.full((2, 1), 0.1, dtype=dtype), 1)
        if not (weights < 1).all():
            return "at the gradient 1 and the rate 0.1 a weight of 1 does not fall"
        if not all(slot.any() for slot in slots):
            return "a slot is left empty"
    return ""


def leaves_other_trials_alone(rule: UpdateRule) -> str:
    """a trial in a stack is that trial alone, and one that diverged changes no other."""
    start = torch.from_numpy(stream("start").standard_normal((4, 5)))
    rates = torch.logspace(-3, -1, 4, dtype=torch.float64)[:, None]
    curvatures = torch.arange(1, 6, dtype=torch.float64)
    stacked = descend(rule, curvatures, start, rates, 20)
    alone = torch.cat([descend(rule, curvatures, start[t : t + 1], rates[t : t + 1], 20) for t in range(4)])
    # Elementwise arithmetic: at most the last bit of a fused operation differs in each step.
    if not torch.allclose(stacked, alone, rtol=1e-13, atol=1e-15):
        return f"a trial alone differs by {float((stacked - alone).abs().max()):.2g}"
    start[1] = math.nan
    beside = descend(rule, curvatures, start, rates, 20)
    if not beside[1].isnan().all():
        return "weights that are NaN become numbers again"
    return "" if torch.equal(beside[[0, 2, 3]], stacked[[0, 2, 3]]) else "a trial beside NaN has other weights"


def is_stable_below_the_claimed_limit_only(rule: UpdateRule) -> str | None:
    """stability_factor: on a quadratic it converges just below this over the curvature, and diverges just above."""
    factor = rule.stability_factor()
    if factor is None:
        return None
    curvatures = torch.tensor([4.0, 2.5, 1.0, 0.3], dtype=torch.float64)
    rates = torch.tensor([[0.999], [1.001]], dtype=torch.float64) * factor / 4
    below, above = descend(rule, curvatures, torch.ones(2, 4, dtype=torch.float64), rates, 8000)
    # The top mode shrinks or grows by at least 0.1 % a step, e^(+-8) in all; the others shrink faster.
    if not below.abs().max() < 0.01:
        return f"at 0.999 of it a weight is still {float(below.abs().max()):.2g} after 8000 steps"
    return "a weight is bounded at 1.001 of it" if above[0].abs() < 100 else ""


UPDATE_RULE_GRANTED: tuple[Claim, ...] = (moves_in_place, leaves_other_trials_alone)
"""What training takes for granted: where one fails, every number would be false."""

UPDATE_RULE_CLAIMS: tuple[Claim, ...] = (
    *UPDATE_RULE_GRANTED,
    is_stable_below_the_claimed_limit_only,
)
