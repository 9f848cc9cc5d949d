"""Products on lanes are those of the formulas, which are held against autograd, and of a trial by itself."""

import itertools

import numpy as np
import pytest
import torch

from pipeline.diagnostics.snapshot import Learned, Snapshot
from pipeline.models.activations import ACTIVATIONS, Tanh
from pipeline.models.curvature import curvature
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import LOSSES, Task
from pipeline.problems.problem import Dataset
from pipeline.training.engines.choice import MOST_INPUTS, MOST_OUTPUTS
from pipeline.training.engines.products import HessianProducts

EVERY = list(itertools.product(ACTIVATIONS.values(), LOSSES.values()))
SIZES = [(1, 1, 3, 1), (2, 3, 77, 21), (9, 2, 32, 8), (MOST_INPUTS, 1, 40, 5), (3, MOST_OUTPUTS, 33, 9)]
"""Inputs, outputs, points, width."""


def setting(activation, loss, inputs, outputs, points, width):
    rng = np.random.default_rng(points)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (points, inputs)))
    classes = np.eye(outputs)[rng.integers(0, outputs, points)]
    labels = rng.integers(0, 2, (points, outputs)).astype(float)
    targets_PK = torch.from_numpy(classes if loss.tasks == {Task.CLASSES} else labels)
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])
    model, task = Shallow(activation()), next(iter(loss.tasks))
    learned = Learned(model, width, GradientDescent(), loss(), task, data, torch.float32)
    weights_TN, directions_TN = torch.from_numpy(rng.standard_normal((2, 5, model.num_weights(width, inputs, outputs))))
    return learned, weights_TN, directions_TN


def by_formulas(learned, weights_TN, directions_TN):
    targets_KP = learned.dataset.train_targets_PK.mT.contiguous()
    curved = curvature(learned.model, learned.loss, weights_TN, learned.prepared_CP, targets_KP, learned.width)
    return curved.product(directions_TN)


def assert_close(product_TN, expected_TN):
    error_T = (product_TN - expected_TN).norm(dim=1)
    assert (error_T <= 1e-13 * expected_TN.norm(dim=1)).all()


@pytest.mark.parametrize("activation, loss", EVERY, ids=lambda kind: kind.name())
def test_product_of_every_activation_and_loss_is_that_of_the_formulas(activation, loss):
    learned, weights_TN, directions_TN = setting(activation, loss, 2, 3, 77, 13)
    product_TN = HessianProducts(learned)(weights_TN)(directions_TN)
    assert_close(product_TN, by_formulas(learned, weights_TN, directions_TN))


@pytest.mark.parametrize("size", SIZES)
def test_product_of_few_and_many_inputs_outputs_and_points_is_that_of_the_formulas(size):
    learned, weights_TN, directions_TN = setting(Tanh, LOSSES["half_mean_square"], *size)
    multiply = HessianProducts(learned)(weights_TN)
    for along_TN in (directions_TN, directions_TN.flip(0)):  # what a product has left does not reach the next
        assert_close(multiply(along_TN), by_formulas(learned, weights_TN, along_TN))


def test_product_of_a_trial_is_its_own_bit_for_bit():
    learned, weights_TN, directions_TN = setting(Tanh, LOSSES["softmax_cross_entropy"], 2, 3, 77, 13)
    products = HessianProducts(learned)
    together_TN = products(weights_TN)(directions_TN)
    alone_TN = torch.cat([products(weights_TN[n, None])(directions_TN[n, None]) for n in (3, 0)])
    assert torch.equal(together_TN[[3, 0]], alone_TN)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda kind: kind.name())
def test_sharpness_is_the_same_by_the_engine_and_without_it(activation):
    learned, weights_TN, _ = setting(activation, LOSSES["half_mean_square"], 2, 1, 50, 12)
    asked = (learned, 0, weights_TN, None, None, None, lambda: weights_TN)
    fused, plain = (Snapshot(*asked, products).top_of_hessian for products in (HessianProducts(learned), None))
    assert fused.certified_T.all()
    assert torch.allclose(fused.largest_T, plain.largest_T, rtol=1e-12)
