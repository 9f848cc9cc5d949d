"""One torch optimizer updates every trial of a stack with its own learning rate."""

import pytest
import torch

from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, UpdateRule
from pipeline.training.stacked_optimizer import StackedOptimizer

RATES_T = torch.tensor([0.1, 0.01, 0.5], dtype=torch.float64)


def stacked(rule):
    weights_TN = torch.nn.Parameter(torch.arange(12.0, dtype=torch.float64).reshape(3, 4))
    return weights_TN, StackedOptimizer(weights_TN, rule, RATES_T)


def stepped(weights_TN, optimizer):
    weights_TN.grad = torch.sin(weights_TN.detach())
    optimizer.step()


def test_gradient_descent_takes_the_rate_of_each_trial():
    weights_TN, optimizer = stacked(GradientDescent())
    before_TN = weights_TN.detach().clone()
    stepped(weights_TN, optimizer)
    torch.testing.assert_close(weights_TN.detach(), before_TN - RATES_T[:, None] * torch.sin(before_TN))


@pytest.mark.parametrize("rule", [rule() for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)], ids=str)
def test_trial_in_a_stack_is_updated_as_if_alone(rule):
    weights_TN, optimizer = stacked(rule)
    alone_1N = torch.nn.Parameter(weights_TN.detach()[1:2].clone())
    alone = StackedOptimizer(alone_1N, rule, RATES_T[1:2])
    for _ in range(3):
        stepped(weights_TN, optimizer)
        stepped(alone_1N, alone)
    torch.testing.assert_close(weights_TN.detach()[1:2], alone_1N.detach(), rtol=1e-14, atol=0)


def test_memory_is_zero_at_the_start_and_restored_from_a_checkpoint():
    weights_TN, optimizer = stacked(Adam())
    assert [slot_TN.shape for slot_TN in optimizer.slots] == [(3, 4), (3, 4)]
    assert not any(slot_TN.any() for slot_TN in optimizer.slots)
    stepped(weights_TN, optimizer)
    _, again = stacked(Adam())
    again.load_state_dict(optimizer.state_dict())
    for slot_TN, restored_TN in zip(optimizer.slots, again.slots, strict=True):
        assert slot_TN.any()
        assert torch.equal(slot_TN, restored_TN)


def test_solver_has_no_memory_and_leaves_the_updates_to_the_closure():
    weights_TN, optimizer = stacked(LeastSquares())
    assert optimizer.slots == ()
    assert optimizer.step(closure=lambda: "made elsewhere") == "made elsewhere"
    assert weights_TN.detach().flatten().tolist() == list(range(12))


def test_callbacks_of_lightning_find_one_learning_rate():
    _, optimizer = stacked(Adam())
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.learning_rates_T1.tolist() == [[0.1], [0.01], [0.5]]
