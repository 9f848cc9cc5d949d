"""The gradients written out by hand are the derivatives of the loss."""

import itertools

import numpy as np
import pytest
import torch

from pipeline.engines.reference.gradients import stacked_gradient
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import LOSSES, Task

NETWORKS = [Shallow(activation()) for activation in ACTIVATIONS.values()]
EVERY_MODEL = [definition() for definition in MODELS.values() if definition is not Shallow] + NETWORKS


@pytest.fixture(params=EVERY_MODEL, ids=lambda model: model.label())
def model(request):
    return request.param


@pytest.fixture(params=LOSSES.values(), ids=LOSSES.keys())
def loss(request):
    return request.param()


def targets_for(loss, num_outputs, points, rng):
    """Yes-or-no answers, or one class of each point for a loss of classes only."""
    if loss.tasks == {Task.CLASSES}:
        return torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, points)].T.copy())
    return torch.from_numpy(rng.integers(0, 2, (num_outputs, points)).astype(float))


@pytest.mark.parametrize("own_points", [False, True], ids=["shared points", "points of each trial"])
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_kernel_gives_the_loss_and_its_gradient(model, loss, num_outputs, own_points):
    trials, points, width, inputs = 4, 11, 5, 2
    rng = np.random.default_rng(1)
    weights_TN = torch.from_numpy(rng.standard_normal((trials, model.num_weights(width, inputs, num_outputs))))
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (points, inputs)))
    targets_KP = targets_for(loss, num_outputs, points, rng)
    prepared_AP = model.fitted(inputs_PD, targets_KP.mT, width).prepare(inputs_PD, width)
    by_autograd = weights_TN.clone().requires_grad_()
    if own_points:
        rows_TB = torch.from_numpy(np.stack([rng.permutation(points)[:7] for _ in range(trials)]))
        prepared, targets = prepared_AP.mT[rows_TB].mT, targets_KP.mT[rows_TB].mT
    else:
        prepared, targets = prepared_AP, targets_KP
    losses_T = loss(model.outputs(by_autograd, prepared, width, num_outputs), targets)
    losses_T.sum().backward()

    gradient_TN = torch.full_like(weights_TN, torch.nan)
    given_T = stacked_gradient(model, loss, width, num_outputs)(weights_TN, gradient_TN, prepared, targets)

    # Sums of a few dozen products of numbers of order one: a few ulp each.
    torch.testing.assert_close(given_T, losses_T.detach(), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(gradient_TN, by_autograd.grad, rtol=1e-12, atol=1e-13)


def test_kernel_used_again_for_fewer_trials_leaves_no_trace_of_the_others(model, loss):
    width, inputs, outputs = 4, 1, 2
    rng = np.random.default_rng(2)
    weights_TN = torch.from_numpy(rng.standard_normal((6, model.num_weights(width, inputs, outputs))))
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (9, inputs)))
    targets_KP = targets_for(loss, outputs, 9, rng)
    prepared_AP = model.fitted(inputs_PD, targets_KP.mT, width).prepare(inputs_PD, width)
    compute = stacked_gradient(model, loss, width, outputs)
    values = {}
    for first, last in itertools.pairwise((0, 4, 6)):
        gradient_TN = torch.empty_like(weights_TN[first:last])
        values[first] = compute(weights_TN[first:last], gradient_TN, prepared_AP, targets_KP), gradient_TN
    fresh_TN = torch.empty_like(weights_TN[4:])
    fresh_T = stacked_gradient(model, loss, width, outputs)(weights_TN[4:], fresh_TN, prepared_AP, targets_KP)
    assert torch.equal(values[4][0], fresh_T)
    assert torch.equal(values[4][1], fresh_TN)
