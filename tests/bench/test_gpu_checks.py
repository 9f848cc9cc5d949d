"""A wrong engine is as far from the reference as it is wrong, and one that diverges infinitely far."""

import pytest
import torch

pytest.importorskip("triton")

from pipeline.bench.gpu_checks import difference
from pipeline.bench.gpu_peers import context_of
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import Tanh
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare

CPU = torch.device("cpu")


@pytest.fixture
def context():
    return context_of((12, 2, 5, 1), Tanh(), CPU, GradientDescent(), HalfMeanSquare(), torch.float64)


def test_an_engine_does_not_differ_from_itself(context):
    assert difference(context, Reference, context, CPU, 3, None) == 0


def wrong(context, batch_size, device):
    engine = Reference(context, batch_size, device)
    right = engine.value_and_gradient
    engine.value_and_gradient = lambda weights_TN: (right(weights_TN)[0] * 1.01, right(weights_TN)[1])
    return engine


def diverged(context, batch_size, device):
    engine = Reference(context, batch_size, device)
    engine.advance = lambda stack, first, last: torch.tensor([-1, first])
    return engine


def test_a_wrong_loss_is_as_far_as_it_is_wrong(context):
    assert difference(context, wrong, context, CPU, 3, None) == pytest.approx(0.01)


def test_an_engine_that_diverges_is_infinitely_far(context):
    assert difference(context, diverged, context, CPU, 3, None) == float("inf")
