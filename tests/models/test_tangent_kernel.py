"""The tangent kernel is that of central differences, and the linearised network is trained as its modes say."""

from __future__ import annotations

import pytest
import torch

from pipeline.models import tangent_kernel as module
from pipeline.models.activations import ACTIVATIONS, Tanh
from pipeline.models.shallow import Shallow
from pipeline.models.tangent_kernel import (
    hidden_layer,
    jacobian,
    linearised_loss_curves,
    linearised_losses,
    rows_of_gram,
    tangent_kernel,
)
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, Momentum, Nesterov

SIZES = [(9, 2, 4, 1), (9, 2, 4, 3), (40, 1, 3, 1)]
"""Points, inputs, width and outputs: of the first two the kernel is the smaller, of the last the weights are."""


def drawn(model: Shallow, points: int, inputs: int, width: int, outputs: int):
    """Weights of three trials, and points with targets."""
    rng = stream("tangent", points, outputs)
    weights_TN = torch.stack([torch.from_numpy(model.initial_weights(width, inputs, outputs, rng)) for _ in range(3)])
    return (
        weights_TN,
        torch.from_numpy(rng.normal(size=(points, inputs))),
        torch.from_numpy(rng.normal(size=(points, outputs))),
    )


@pytest.mark.parametrize("activation", [kind() for kind in ACTIVATIONS.values()], ids=lambda one: one.name())
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_jacobian_and_kernel_are_those_of_central_differences(activation, size):
    model, (_, _, width, outputs) = Shallow(activation), size
    weights_TN, inputs_PD, _ = drawn(model, *size)
    expected = numerical_jacobian(model, weights_TN, width, inputs_PD, outputs)
    layer = hidden_layer(model, weights_TN, width, inputs_PD, outputs)
    found = jacobian(layer)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    kernel = tangent_kernel(layer)
    torch.testing.assert_close(kernel, found @ found.mT, rtol=1e-10, atol=1e-12)


def numerical_jacobian(model, weights_TN, width, inputs_PD, outputs, step=1e-6) -> torch.Tensor:
    """By central differences."""
    prepared_AP, columns = model.prepare(inputs_PD, width), []
    for place in range(weights_TN.shape[1]):
        moved = [weights_TN.clone(), weights_TN.clone()]
        moved[0][:, place] += step
        moved[1][:, place] -= step
        high, low = (model.outputs(weights, prepared_AP, width, outputs).flatten(1) for weights in moved)
        columns.append((high - low) / (2 * step))
    return torch.stack(columns, dim=2)


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(), Nesterov()], ids=lambda rule: rule.name())
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_curves_are_those_of_training_the_linearised_network_step_by_step(rule, size):
    model, (points, _, width, outputs) = Shallow(Tanh()), size
    weights_TN, inputs_PD, targets_PK = drawn(model, *size)
    start = linearised_losses(model, weights_TN, width, inputs_PD, targets_PK)
    rates_T = torch.tensor([0.1, 0.5, 1.2]).double() / start.eigenvalues_TS[:, 0]
    steps = [0, 1, 2, 7, 50]
    found_TH = linearised_loss_curves(start, rates_T, torch.tensor(steps), *rule.on_quadratics())
    jacobian_TRN = jacobian(hidden_layer(model, weights_TN, width, inputs_PD, outputs))
    residuals_TR = (model.outputs(weights_TN, model.prepare(inputs_PD, width), width, outputs) - targets_PK.mT).flatten(
        1
    )
    moved_TN, slots = torch.zeros_like(weights_TN), tuple(torch.zeros_like(weights_TN) for _ in range(rule.slots))
    for step in range(max(steps) + 1):
        now_TR = residuals_TR + (jacobian_TRN @ moved_TN[..., None])[..., 0]
        if step in steps:
            expected_T = now_TR.square().sum(dim=1) / (2 * points)
            torch.testing.assert_close(found_TH[:, steps.index(step)], expected_T, rtol=1e-8, atol=1e-12)
        gradient_TN = (jacobian_TRN.mT @ now_TR[..., None])[..., 0] / points
        rule(moved_TN, gradient_TN, slots, rates_T[:, None], step + 1)


def test_losses_of_modes_add_up_to_the_loss_at_the_start():
    for size in SIZES:
        model, (points, _, width, _) = Shallow(), size
        weights_TN, inputs_PD, targets_PK = drawn(model, *size)
        start = linearised_losses(model, weights_TN, width, inputs_PD, targets_PK)
        outputs_TKP = model.outputs(weights_TN, model.prepare(inputs_PD, width), width, targets_PK.shape[1])
        losses_T = (outputs_TKP - targets_PK.mT).square().sum(dim=(1, 2)) / (2 * points)
        torch.testing.assert_close(start.floor_T + start.losses_TS.sum(dim=1), losses_T)
        assert start.eigenvalues_TS.shape[1] == rows_of_gram(points, targets_PK.shape[1], weights_TN.shape[1])


def test_trials_that_do_not_fit_into_memory_together_give_the_same(monkeypatch):
    model, (_, _, width, _) = Shallow(Tanh()), SIZES[0]
    weights_TN, inputs_PD, targets_PK = drawn(model, *SIZES[0])
    rates_T, steps_H = torch.full((3,), 0.1).double(), torch.tensor([0, 5])
    whole = linearised_losses(model, weights_TN, width, inputs_PD, targets_PK)
    curves = linearised_loss_curves(whole, rates_T, steps_H)
    monkeypatch.setattr(module, "MOST_NUMBERS", 1)
    parts = linearised_losses(model, weights_TN, width, inputs_PD, targets_PK)
    torch.testing.assert_close(parts.losses_TS, whole.losses_TS)
    torch.testing.assert_close(linearised_loss_curves(parts, rates_T, steps_H), curves)
