"""The trainings that pictures show are what the optimizers do."""

import pytest
import torch
from reference_pages.example_training import MODELS, RECORDED, descent, model_for, rate_for, snapshots

from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent


@pytest.mark.parametrize("name", MODELS)
def test_descent_at_half_the_limit_lowers_the_loss_at_every_look(name):
    looks = descent(name)
    assert [look.step for look in looks] == list(RECORDED)
    losses = [float(look.losses_T[0]) for look in looks]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_descent_of_a_linear_model_is_its_closed_form():
    first, second, *_ = descent("linear")
    features_PF, targets_P = first.features_TPF[0], first.context.dataset.train_targets_PK[:, 0]
    expected_F = first.learning_rates_T[0] * features_PF.mT @ targets_P / len(targets_P)
    torch.testing.assert_close(second.weights_TN[0], expected_F, rtol=1e-12, atol=1e-15)


def test_least_squares_is_done_in_one_step():
    rule = OPTIMIZERS["least_squares"]()
    assert [look.step for look in snapshots(model_for(rule), rule)] == [0, 1]


def test_the_rate_is_half_of_the_limit_of_the_rule():
    looks = descent("linear")
    largest = looks[0].context.largest_stable_learning_rate
    assert rate_for(GradientDescent(), looks[0]) == pytest.approx(largest / 2, rel=1e-9)
