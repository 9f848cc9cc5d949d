"""Largest eigenvalues by sums over units are those of the kernel that evaluates every unit at every point."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu import one_input, piecewise_eigenvalues
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues
from pipeline.engines.cpu.one_input import OneInput
from pipeline.engines.cpu.piecewise_eigenvalues import MOST_PAIRS, PiecewiseEigenvalues, fits
from pipeline.models.activations import PIECEWISE_LINEAR, Relu
from pipeline.models.curvature import curvature
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import LOSSES, BinaryCrossEntropy, HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.problem import Dataset

ALL_PAIRS = itertools.product(enumerate(PIECEWISE_LINEAR), enumerate(LOSSES.values()))
PAIRS = [(activation, loss) for (i, activation), (j, loss) in ALL_PAIRS if (i + j) % 3 == 0]
"""Every activation with some losses, so that all are there and a third of all kernels is compiled."""


def case(activation, loss, *, outputs=1, points=77, width=13, trials=11):
    rng, model = np.random.default_rng(points), Shallow(activation)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (points, 1)))
    classes = np.eye(outputs)[rng.integers(0, outputs, points)]
    targets_PK = torch.from_numpy(classes if outputs > 1 else rng.integers(0, 2, (points, 1)).astype(float))
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])
    context = PackContext(model, width, GradientDescent(), loss(), next(iter(loss.tasks)), data, torch.float32)
    return context, torch.from_numpy(rng.standard_normal((trials, model.num_weights(width, 1, outputs))))


def assert_are_those_of_the_direct_kernel(context, weights_TN):
    found, direct = PiecewiseEigenvalues(context)(weights_TN), LargestEigenvalues(context)(weights_TN)
    assert found.certified_T.all()
    assert ((found.largest_T - direct.largest_T).abs() <= 1e-12 * direct.largest_T.abs()).all()
    assert_residuals_are_what_is_said(context, weights_TN, found)


def assert_residuals_are_what_is_said(context, weights_TN, found):
    targets_KP = context.dataset.train_targets_PK.mT.contiguous()
    parts = (context.model, context.loss, weights_TN, context.prepared_AP, targets_KP, context.width)
    product_TN = curvature(*parts).product(found.vectors_TN)
    error_T = (product_TN - found.largest_T[:, None] * found.vectors_TN).norm(dim=1)
    assert ((error_T - found.residuals_T).abs() <= 1e-13 * found.largest_T.abs() + 1e-5 * found.residuals_T).all()
    assert torch.allclose(found.vectors_TN.norm(dim=1), torch.ones(len(weights_TN)).double(), rtol=1e-13)


@pytest.mark.parametrize("activation, loss", PAIRS, ids=lambda kind: kind.name())
def test_under_every_activation_and_loss_they_are_those_of_the_direct_kernel(activation, loss):
    assert_are_those_of_the_direct_kernel(*case(activation(), loss, outputs=3))


@pytest.mark.parametrize(("points", "width"), [(1, 1), (3, 1), (2, 40), (300, 7)])
def test_of_few_and_many_points_and_units_they_are_those_of_the_direct_kernel(points, width):
    assert_are_those_of_the_direct_kernel(*case(Relu(), HalfMeanSquare, points=points, width=width))


def test_numbers_of_a_trial_are_its_own_bit_for_bit():
    context, weights_TN = case(Relu(), HalfMeanSquare)
    find = PiecewiseEigenvalues(context)
    together = find(weights_TN)
    for trial in (10, 3, 0):
        alone = find(weights_TN[trial, None])
        for field in dataclasses.fields(alone):
            assert torch.equal(getattr(alone, field.name)[0], getattr(together, field.name)[trial])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
@pytest.mark.parametrize("place", [0, 1, -1], ids=["slope", "bias", "output"])
def test_a_trial_that_is_not_finite_is_not_certified_and_leaves_its_neighbours_alone(bad, place):
    context, weights_TN = case(Relu(), HalfMeanSquare)
    find = PiecewiseEigenvalues(context)
    before = find(weights_TN)
    weights_TN[1, place] = bad
    after = find(weights_TN)
    others = [0, *range(2, 11)]
    assert torch.equal(after.largest_T[others], before.largest_T[others])
    assert torch.equal(after.vectors_TN[others], before.vectors_TN[others])
    assert not after.certified_T[1]
    assert after.largest_T[1].isnan()


@pytest.mark.parametrize("output_bias, largest", [(0.0, 0.25), (1000.0, 0.0)])
def test_hessian_that_is_nearly_nothing_but_zeros_has_its_value_at_once(output_bias, largest):
    """No hidden unit is alive, so the bias of the output is all that the loss depends on, or not even that."""
    context, weights_TN = case(Relu(), BinaryCrossEntropy, points=9, width=4)
    weights_TN[:, :8] = torch.tensor([0.0, -1.0] * 4)
    weights_TN[:, -1] = output_bias
    found = PiecewiseEigenvalues(context)(weights_TN)
    assert found.certified_T.all()
    torch.testing.assert_close(found.largest_T, torch.full((11,), largest).double(), rtol=1e-12, atol=1e-300)


def test_where_steps_run_out_the_last_pair_is_given_with_its_residual(monkeypatch):
    context, weights_TN = case(Relu(), HalfMeanSquare)
    monkeypatch.setattr(piecewise_eigenvalues, "MOST_STEPS", 2)
    found = PiecewiseEigenvalues(context)(weights_TN)
    assert not found.certified_T.any()
    assert_residuals_are_what_is_said(context, weights_TN, found)


def test_wide_networks_and_many_classes_are_left_to_the_direct_kernel(monkeypatch):
    assert fits(HalfMeanSquare(), 1024, 1)
    assert not fits(HalfMeanSquare(), 40_000, 1)
    assert fits(HalfMeanSquare(), 8, MOST_PAIRS)
    assert not fits(SoftmaxCrossEntropy(), 8, MOST_PAIRS)
    context, _ = case(Relu(), HalfMeanSquare)
    assert isinstance(OneInput(context, None, torch.device("cpu")).shortcuts.top_of_hessian, PiecewiseEigenvalues)
    monkeypatch.setattr(one_input, "fits", lambda *_: False)
    assert isinstance(OneInput(context, None, torch.device("cpu")).shortcuts.top_of_hessian, LargestEigenvalues)
