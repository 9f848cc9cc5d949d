"""Every model is a stack of trials that do not know of each other, and is as linear as it says."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.models import MODELS
from pipeline.models.model import Model
from pipeline.numerics.randomness import stream

EPS = torch.finfo(torch.float64).eps
NUM_TRIALS, NUM_POINTS = 5, 11
SHAPES = [(1, 1, 1), (9, 1, 1), (4, 1, 3), (1, 2, 1), (9, 3, 3)]  # width, inputs, outputs


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def definition(request: pytest.FixtureRequest) -> Model:
    return request.param()


@pytest.fixture(params=SHAPES, ids=lambda shape: "width{}-in{}-out{}".format(*shape))
def shape(request: pytest.FixtureRequest) -> tuple[int, int, int]:
    return request.param


@pytest.fixture
def model(definition: Model, shape: tuple[int, int, int]) -> Model:
    return fitted(definition, shape)


def fitted(definition: Model, shape: tuple[int, int, int]) -> Model:
    """The model after it has seen training points."""
    width, num_inputs, num_outputs = shape
    inputs = torch.from_numpy(stream("training points").uniform(-1, 1, (30, num_inputs)))
    return definition.fitted(inputs, torch.from_numpy(stream("targets").standard_normal((30, num_outputs))), width)


def points(num_inputs: int) -> Tensor:
    return torch.from_numpy(stream("points").uniform(-1, 1, (NUM_POINTS, num_inputs)))


def random_weights(model: Model, shape: tuple[int, int, int], name: str = "weights") -> Tensor:
    return torch.from_numpy(stream(name).standard_normal((NUM_TRIALS, model.num_weights(*shape))))


def test_model_says_the_same_of_its_weights_before_and_after_it_is_fitted(
    definition: Model, model: Model, shape: tuple[int, int, int]
) -> None:
    assert model.linear == definition.linear
    assert model.label() == definition.label()
    assert model.num_weights(*shape) == definition.num_weights(*shape)
    before, after = (kind.initial_weights(*shape, stream("start")) for kind in (definition, model))
    np.testing.assert_array_equal(before, after)


def test_model_that_is_fitted_chooses_nothing_anew(model: Model, shape: tuple[int, int, int]) -> None:
    other = torch.ones(5, shape[1], dtype=torch.float64)
    assert model.fitted(other, torch.ones(5, shape[2], dtype=torch.float64), shape[0]) is model


def test_initial_weights_are_as_many_as_the_model_says(model: Model, shape: tuple[int, int, int]) -> None:
    weights = model.initial_weights(*shape, stream("start"))
    assert weights.shape == (model.num_weights(*shape),)
    assert weights.dtype == np.float64
    assert np.isfinite(weights).all()


def test_initial_weights_come_from_the_stream_alone(model: Model, shape: tuple[int, int, int]) -> None:
    first, again = (model.initial_weights(*shape, stream("start")) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_outputs_are_one_number_per_trial_output_and_point(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    prepared = model.prepare(points(num_inputs), width)
    assert prepared.shape[1] == NUM_POINTS
    outputs = model.outputs(random_weights(model, shape), prepared, width, num_outputs)
    assert outputs.shape == (NUM_TRIALS, num_outputs, NUM_POINTS)


def test_outputs_are_the_features_combined_by_the_last_weights(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    weights, prepared = random_weights(model, shape), model.prepare(points(num_inputs), width)
    features = model.features(weights, prepared, width, num_outputs)
    assert features.shape[0] == (1 if model.linear else NUM_TRIALS)
    num_features = features.shape[2]
    last = weights[:, -num_outputs * num_features :].reshape(NUM_TRIALS, num_outputs, num_features)
    expected = torch.einsum("tkf,tpf->tkp", last, features.expand(NUM_TRIALS, -1, -1))
    # Sums of at most ten products of size 30.
    torch.testing.assert_close(model.outputs(weights, prepared, width, num_outputs), expected, rtol=0, atol=1e-13)


def test_trial_in_a_stack_is_that_trial_alone(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    weights, prepared = random_weights(model, shape), model.prepare(points(num_inputs), width)
    stacked = model.outputs(weights, prepared, width, num_outputs)
    alone = torch.cat([model.outputs(weights[t : t + 1], prepared, width, num_outputs) for t in range(NUM_TRIALS)])
    # Kernels sum in an order that depends on the shape: a few units in the last place of sums of size 100.
    torch.testing.assert_close(stacked, alone, rtol=0, atol=4 * 100 * EPS)


def test_diverged_trial_leaves_its_neighbours_alone(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    weights, prepared = random_weights(model, shape), model.prepare(points(num_inputs), width)
    healthy = model.outputs(weights, prepared, width, num_outputs)
    weights[2] = torch.nan
    outputs = model.outputs(weights, prepared, width, num_outputs)
    assert outputs[2].isnan().all()
    others = [0, 1, 3, 4]
    assert torch.equal(outputs[others], healthy[others])


def test_outputs_are_linear_in_the_weights_exactly_if_the_model_says_so(definition: Model) -> None:
    shape = width, num_inputs, num_outputs = 9, 2, 3
    model = fitted(definition, shape)
    prepared = model.prepare(points(num_inputs), width)
    one, two = random_weights(model, shape, "one"), random_weights(model, shape, "two")
    of_one, of_two, of_both = (model.outputs(w, prepared, width, num_outputs) for w in (one, two, 2 * one - 3 * two))
    gap = float((of_both - (2 * of_one - 3 * of_two)).abs().max())
    assert gap < 1e-12 if model.linear else gap > 0.1


def test_points_do_not_know_of_each_other(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    weights, inputs = random_weights(model, shape), points(num_inputs)
    together = model.outputs(weights, model.prepare(inputs, width), width, num_outputs)
    for p in range(NUM_POINTS):
        alone = model.outputs(weights, model.prepare(inputs[p : p + 1], width), width, num_outputs)
        torch.testing.assert_close(together[:, :, p : p + 1], alone, rtol=0, atol=4 * 100 * EPS)


def test_dtype_is_kept(model: Model, shape: tuple[int, int, int]) -> None:
    width, num_inputs, num_outputs = shape
    prepared = model.prepare(points(num_inputs).float(), width)
    weights = random_weights(model, shape).float()
    assert prepared.dtype == torch.float32
    assert model.outputs(weights, prepared, width, num_outputs).dtype == torch.float32
    assert model.features(weights, prepared, width, num_outputs).dtype == torch.float32
