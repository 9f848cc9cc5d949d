"""Features and outputs on lanes are those of the model, at training points and at held-out ones."""

import dataclasses

import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.choice import MOST_INPUTS, MOST_OUTPUTS
from pipeline.engines.cpu.features import FeatureEvaluator
from pipeline.models.activations import ACTIVATIONS, Tanh
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.problem import Dataset

SIZES = [(1, 1, 1, 3, 1), (2, 3, 77, 8, 21), (MOST_INPUTS, 1, 40, 90, 5), (3, MOST_OUTPUTS, 64, 33, 9)]
"""Inputs, outputs, training points, held-out points, width."""


def random_case(activation, inputs, outputs, training, test, width):
    rng = stream("values", inputs, outputs)

    def drawn(*shape):
        return torch.from_numpy(rng.standard_normal(shape))

    data = Dataset(drawn(training, inputs), drawn(training, outputs), drawn(test, inputs), drawn(test, outputs))
    model = Shallow(activation)
    context = PackContext(model, width, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, data, torch.float64)
    return context, drawn(5, model.num_weights(width, inputs, outputs))


def assert_are_those_of_the_model(context, weights_TN):
    values, model, size = FeatureEvaluator(context), context.model, (context.width, context.num_outputs)
    features_TPF = model.features(weights_TN, context.prepared_AP, *size)
    torch.testing.assert_close(values.features(weights_TN), features_TPF, rtol=1e-13, atol=1e-14)
    outputs_TKP = model.outputs(weights_TN, context.test_prepared_AP, *size)
    torch.testing.assert_close(values.test_outputs(weights_TN), outputs_TKP, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda kind: kind.name())
def test_features_and_outputs_of_every_activation_are_those_of_the_model(activation):
    assert_are_those_of_the_model(*random_case(activation(), 2, 1, 50, 70, 12))


@pytest.mark.parametrize("size", SIZES)
def test_features_and_outputs_of_few_and_many_inputs_outputs_and_points_are_those_of_the_model(size):
    assert_are_those_of_the_model(*random_case(Tanh(), *size))


def test_values_of_a_trial_are_its_own_bit_for_bit():
    context, weights_TN = random_case(Tanh(), 2, 3, 77, 50, 13)
    values = FeatureEvaluator(context)
    for see in (values.features, values.test_outputs):
        alone = torch.cat([see(weights_TN[n, None]) for n in (3, 0)])
        assert torch.equal(see(weights_TN)[[3, 0]], alone)


def test_outputs_are_computed_in_the_dtype_of_the_training_and_features_in_double():
    context, weights_TN = random_case(Tanh(), 2, 1, 50, 70, 12)
    single = FeatureEvaluator(dataclasses.replace(context, dtype=torch.float32))
    outputs_TKP = single.test_outputs(weights_TN.float())
    assert outputs_TKP.dtype == torch.float32
    torch.testing.assert_close(
        outputs_TKP.double(), FeatureEvaluator(context).test_outputs(weights_TN), rtol=0, atol=1e-5
    )
    assert torch.equal(single.features(weights_TN), FeatureEvaluator(context).features(weights_TN))


def test_a_trial_that_is_not_finite_leaves_its_neighbours_alone():
    context, weights_TN = random_case(Tanh(), 2, 1, 50, 70, 12)
    values = FeatureEvaluator(context)
    before = values.features(weights_TN), values.test_outputs(weights_TN)
    weights_TN[1] = torch.nan
    after = values.features(weights_TN), values.test_outputs(weights_TN)
    others = [0, 2, 3, 4]
    for was, is_now in zip(before, after, strict=True):
        assert torch.equal(was[others], is_now[others])
        assert is_now[1, ..., 0].isnan().all()
