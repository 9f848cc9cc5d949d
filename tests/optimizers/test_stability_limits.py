"""What is said of learning rates below a limit is what descent does there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule
from pipeline.optimizers.stability_limits import Limit, limit_of
from pipeline.problems.losses import LOSSES, BinaryCrossEntropy, HalfMeanSquare, Loss, Task

Points = tuple[torch.Tensor, torch.Tensor]


def losses_of(rule: UpdateRule, loss: Loss, points: Points, rate: float, num_steps: int, start_KF) -> np.ndarray:
    """The loss at every step of descent from some weights, in float64."""
    (features_PF, targets_KP), weights_KF = points, start_KF.clone()
    slots = tuple(torch.zeros_like(weights_KF) for _ in range(rule.slots))
    seen = []
    for step in range(num_steps):
        outputs_1KP = (weights_KF @ features_PF.mT)[None]
        value_T, slope_1KP = loss.value_and_gradient(outputs_1KP, targets_KP)
        seen.append(float(value_T))
        rule(weights_KF, slope_1KP[0] @ features_PF, slots, torch.tensor([[rate]]).double(), step + 1)
    return np.array(seen)


def points_of(loss: Loss, rng: np.random.Generator) -> Points:
    num_points, num_features, num_outputs = int(rng.integers(2, 12)), int(rng.integers(1, 4)), 3
    features_PF = torch.from_numpy(rng.standard_normal((num_points, num_features)) * rng.exponential(size=num_features))
    if Task.CLASSES in loss.tasks:
        return features_PF, torch.eye(num_outputs, dtype=torch.float64)[rng.integers(num_outputs, size=num_points)].mT
    return features_PF, torch.from_numpy(rng.integers(2, size=(num_outputs, num_points)).astype(float))


@pytest.mark.parametrize("loss", [kind() for kind in LOSSES.values()], ids=lambda loss: loss.name())
def test_gradient_descent_raises_no_loss_at_any_step_below_the_limit(loss):
    assert limit_of(GradientDescent(), loss, linear=True, minibatches=False) in (Limit.EXACT, Limit.FALLS)
    rng = np.random.default_rng(7)
    for _ in range(20):
        features_PF, targets_KP = points_of(loss, rng)
        largest = torch.linalg.eigvalsh(features_PF.mT @ features_PF / len(features_PF))[-1]
        rate = 0.999 * 2 / float(loss.largest_curvature * largest)
        start_KF = torch.from_numpy(3 * rng.standard_normal((len(targets_KP), features_PF.shape[1])))
        seen = losses_of(GradientDescent(), loss, (features_PF, targets_KP), rate, 60, start_KF)
        assert (np.diff(seen) <= 1e-12 * seen[:-1] + 1e-300).all()


def test_a_heavy_ball_below_its_limit_may_go_round_a_cycle_for_ever():
    """So that nothing more than a local statement may be made: 0.9 of the limit, momentum 0.9, one logit."""
    fraction, loss = 0.62, BinaryCrossEntropy()
    features_PF = torch.ones(50, 1, dtype=torch.float64)
    targets_KP = (torch.arange(50)[None] < 50 * fraction).double()
    rule = Momentum(0.9)
    assert limit_of(rule, loss, linear=True, minibatches=False) is Limit.LOCAL
    limit = rule.stability_factor() / loss.largest_curvature
    best = -(fraction * np.log(fraction) + (1 - fraction) * np.log(1 - fraction))
    start_KF = torch.zeros(1, 1, dtype=torch.float64)
    cycling = losses_of(rule, loss, (features_PF, targets_KP), 0.9 * limit, 3000, start_KF)
    assert cycling[-200:].mean() > cycling[0]
    nearby = start_KF + np.log(fraction / (1 - fraction)) + 1e-2
    settled = losses_of(rule, loss, (features_PF, targets_KP), 0.9 * limit, 3000, nearby)
    assert settled[-1] == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize(
    "limit, rule, loss, minibatches",
    [
        (Limit.EXACT, GradientDescent(), HalfMeanSquare(), False),
        (Limit.EXACT, Momentum(), HalfMeanSquare(), False),
        (Limit.EXACT, Nesterov(), HalfMeanSquare(), False),
        (Limit.FALLS, Momentum(0.0), BinaryCrossEntropy(), False),
        (Limit.LOCAL, Nesterov(), BinaryCrossEntropy(), False),
        (Limit.MEAN_SQUARE, GradientDescent(), HalfMeanSquare(), True),
        (None, Momentum(), HalfMeanSquare(), True),
        (None, GradientDescent(), BinaryCrossEntropy(), True),
        (None, Adam(), HalfMeanSquare(), False),
    ],
)
def test_what_is_known_depends_on_rule_loss_and_batches(limit, rule, loss, minibatches):
    assert limit_of(rule, loss, linear=True, minibatches=minibatches) is limit
    assert limit_of(rule, loss, linear=False, minibatches=minibatches) is None
