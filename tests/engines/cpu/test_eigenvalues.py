"""Largest eigenvalues on lanes are those of the formulas, which are held against autograd, and of a trial by itself."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.engines.choice import MOST_INPUTS, MOST_OUTPUTS
from pipeline.engines.cpu import eigenvalues
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues
from pipeline.models.activations import ACTIVATIONS, LeakyRelu, Relu, Tanh
from pipeline.models.curvature import curvature
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import LOSSES, Task
from pipeline.problems.problem import Dataset

ALL_PAIRS = itertools.product(enumerate(ACTIVATIONS.values()), enumerate(LOSSES.values()))
PAIRS = [(activation, loss) for (i, activation), (j, loss) in ALL_PAIRS if (i + j) % 2 == 0]
"""Every activation with every other loss, so that all are there and half as many kernels are compiled."""
SIZES = [(1, 1, 3, 1), (2, 3, 77, 21), (9, 2, 32, 8), (MOST_INPUTS, 1, 40, 5), (3, MOST_OUTPUTS, 33, 9)]
"""Inputs, outputs, points, width."""


def random_case(activation, loss, inputs, outputs, points, width):
    rng = np.random.default_rng(points)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (points, inputs)))
    classes = np.eye(outputs)[rng.integers(0, outputs, points)]
    labels = rng.integers(0, 2, (points, outputs)).astype(float)
    targets_PK = torch.from_numpy(classes if loss.tasks == {Task.CLASSES} else labels)
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])
    model, task = Shallow(activation()), next(iter(loss.tasks))
    context = PackContext(model, width, GradientDescent(), loss(), task, data, torch.float32)
    weights_TN = torch.from_numpy(rng.standard_normal((5, model.num_weights(width, inputs, outputs))))
    return context, weights_TN


def curved(context, weights_TN):
    targets_KP = context.dataset.train_targets_PK.mT.contiguous()
    return curvature(context.model, context.loss, weights_TN, context.prepared_AP, targets_KP, context.width)


def assert_are_those_of_the_formulas(context, weights_TN):
    """The residual of the vector is what is said of it, and the value that of the general method to all digits."""
    found = LargestEigenvalues(context)(weights_TN)
    plain = Snapshot(context, 0, weights_TN, None, None, None, lambda: weights_TN).top_of_hessian
    assert found.certified_T.all()
    assert torch.allclose(found.vectors_TN.norm(dim=1), torch.ones(len(weights_TN)).double(), rtol=1e-14)
    product_TN = curved(context, weights_TN).product(found.vectors_TN)
    error_T = (product_TN - found.largest_T[:, None] * found.vectors_TN).norm(dim=1)
    size_T = found.largest_T.abs()
    assert ((error_T - found.residuals_T).abs() <= 1e-13 * size_T + 1e-5 * found.residuals_T).all()
    assert ((found.largest_T - plain.largest_T).abs() <= 1e-13 * size_T).all()


@pytest.mark.parametrize("activation, loss", PAIRS, ids=lambda kind: kind.name())
def test_largest_eigenvalue_under_every_activation_and_loss_is_that_of_the_formulas(activation, loss):
    assert_are_those_of_the_formulas(*random_case(activation, loss, 2, 3, 77, 13))


@pytest.mark.parametrize("size", SIZES)
def test_largest_eigenvalue_of_few_and_many_inputs_outputs_and_points_is_that_of_the_formulas(size):
    assert_are_those_of_the_formulas(*random_case(Tanh, LOSSES["half_mean_square"], *size))


def test_numbers_of_a_trial_are_its_own_bit_for_bit():
    context, weights_TN = random_case(Tanh, LOSSES["softmax_cross_entropy"], 2, 3, 77, 13)
    find = LargestEigenvalues(context)
    together = find(weights_TN)
    for trial in (3, 0):
        alone = find(weights_TN[trial, None])
        for field in dataclasses.fields(alone):
            assert torch.equal(getattr(alone, field.name)[0], getattr(together, field.name)[trial])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
def test_a_trial_that_is_not_finite_is_not_certified_and_leaves_its_neighbours_alone(bad):
    context, weights_TN = random_case(Tanh, LOSSES["half_mean_square"], 2, 3, 77, 13)
    find = LargestEigenvalues(context)
    before = find(weights_TN)
    weights_TN[1, -1] = bad  # of an output: its loss overflows, or is nothing at all
    after = find(weights_TN)
    others = [0, 2, 3, 4]
    assert torch.equal(after.largest_T[others], before.largest_T[others])
    assert not after.certified_T[1]
    assert after.largest_T[1].isnan()


def test_two_equal_eigenvalues_are_found_like_one():
    context, weights_TN = random_case(Tanh, LOSSES["half_mean_square"], 2, 2, 77, 13)
    nothing_PK = torch.zeros_like(context.dataset.train_targets_PK)
    context = dataclasses.replace(context, dataset=dataclasses.replace(context.dataset, train_targets_PK=nothing_PK))
    weights_TN[:, -2 * 14 :] *= 1e-9  # so that the outputs are two linear models with the same Hessian
    values_TN = torch.linalg.eigvalsh(curved(context, weights_TN).hessian())
    assert (values_TN[:, -1] - values_TN[:, -2] <= 1e-6 * values_TN[:, -1]).all()
    found = LargestEigenvalues(context)(weights_TN)
    assert found.certified_T.all()
    assert ((found.largest_T - values_TN[:, -1]).abs() <= 1e-8 * values_TN[:, -1]).all()


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy"])
def test_largest_eigenvalue_where_every_answer_is_right_and_sure_keeps_its_digits(loss):
    """It is the smaller the surer they are; from probabilities that round to 1 nothing of it would be left."""
    context, weights_TN = random_case(Tanh, LOSSES[loss], 2, 3, 77, 13)
    context.dataset.train_targets_PK[:] = torch.tensor([1.0, 0.0, 0.0])
    context.model.layers(weights_TN, 13, 3)[1][:, :, -1] = torch.tensor([20.0, -20.0, -20.0])
    values_T = torch.linalg.eigvalsh(curved(context, weights_TN).hessian())[:, -1]
    found = LargestEigenvalues(context)(weights_TN)
    assert found.certified_T.all()
    torch.testing.assert_close(found.largest_T, values_T, rtol=1e-8, atol=0)


@pytest.mark.parametrize("loss", ["half_mean_square", "brier_score"])
def test_largest_of_many_eigenvalues_close_to_each_other_is_as_certain_as_is_said(loss):
    """Units that have hardly any weights yet are nearly linear and nearly alike: so are their curvatures."""
    context, weights_TN = random_case(Relu, LOSSES[loss], 3, 2, 12, 50)
    context = dataclasses.replace(context, model=Shallow(LeakyRelu(0.99)))
    weights_TN *= 1e-9
    values_TN = torch.linalg.eigvalsh(curved(context, weights_TN).hessian())
    assert (values_TN[:, -10] > 0.99 * values_TN[:, -1]).all()
    found = LargestEigenvalues(context)(weights_TN)
    rounding_T = 1e-13 * values_TN[:, -1]
    assert (found.largest_T <= values_TN[:, -1] + rounding_T).all()
    assert ((found.largest_T - values_TN[:, -1]).abs() <= found.residuals_T + rounding_T).all()
    assert found.certified_T.sum() >= 3


@pytest.mark.parametrize("activation, output_bias, largest", [(Relu, 0.0, 0.25), (Relu, 1000.0, 0.0)])
def test_hessian_that_is_nearly_nothing_but_zeros_has_its_value_at_once(activation, output_bias, largest):
    """No hidden unit is alive, so the bias of the output is all that the loss depends on, or not even that."""
    context, weights_TN = random_case(activation, LOSSES["binary_cross_entropy"], 1, 1, 9, 4)
    weights_TN[:, :8] = torch.tensor([0.0, -1.0] * 4)
    weights_TN[:, -1] = output_bias
    found = LargestEigenvalues(context)(weights_TN)
    assert found.certified_T.all()
    assert torch.allclose(found.largest_T, torch.tensor(largest).double(), rtol=1e-14, atol=0)
    if largest:
        assert torch.allclose(found.vectors_TN[:, -1].abs(), torch.ones(5).double(), rtol=1e-14)


def test_too_few_products_are_no_certificate(monkeypatch):
    context, weights_TN = random_case(Tanh, LOSSES["half_mean_square"], 2, 3, 77, 13)
    exact_T = LargestEigenvalues(context)(weights_TN).largest_T
    monkeypatch.setattr(eigenvalues, "MOST_STEPS", 2)
    found = LargestEigenvalues(context)(weights_TN)
    assert not found.certified_T.any()
    assert (found.largest_T < exact_T).all()
