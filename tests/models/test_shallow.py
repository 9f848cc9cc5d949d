"""A network with one hidden layer is w^T g(W x + c) + b."""

import pytest
import torch
from torch import Tensor

from pipeline.models.activations import ACTIVATIONS, Activation, Identity, Relu
from pipeline.models.initialisations import INITIALISATIONS, Initialisation
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream

CORNERS = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
WIDTH, NUM_INPUTS, NUM_OUTPUTS, NUM_POINTS, NUM_TRIALS = 5, 3, 2, 7, 4


@pytest.fixture(params=ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
def activation(request: pytest.FixtureRequest) -> Activation:
    return request.param()


@pytest.fixture(params=INITIALISATIONS.values(), ids=INITIALISATIONS.keys())
def initialisation(request: pytest.FixtureRequest) -> Initialisation:
    return request.param()


@pytest.fixture
def inputs() -> Tensor:
    return torch.from_numpy(stream("inputs").uniform(-1, 1, (NUM_POINTS, NUM_INPUTS)))


@pytest.fixture
def weights() -> Tensor:
    num_weights = WIDTH * (NUM_INPUTS + 1) + NUM_OUTPUTS * (WIDTH + 1)
    return torch.from_numpy(stream("weights").standard_normal((NUM_TRIALS, num_weights)))


def flat(hidden: Tensor, hidden_bias: Tensor, output: Tensor, output_bias: Tensor) -> Tensor:
    """Weights of one trial from the matrices of the formula, biases last in each layer."""
    layers = [torch.cat([hidden, hidden_bias[:, None]], dim=1), torch.cat([output, output_bias[:, None]], dim=1)]
    return torch.cat([layer.ravel() for layer in layers])[None].double()


def outputs(model: Shallow, weights: Tensor, inputs: Tensor, width: int, num_outputs: int) -> Tensor:
    return model.outputs(weights, model.prepare(inputs, width), width, num_outputs)


def test_outputs_are_the_formula_written_as_loops(activation: Activation, inputs: Tensor, weights: Tensor) -> None:
    result = outputs(Shallow(activation), weights, inputs, WIDTH, NUM_OUTPUTS)
    for trial in range(NUM_TRIALS):
        numbers = iter(weights[trial].tolist())
        hidden = [[next(numbers) for _ in range(NUM_INPUTS + 1)] for _ in range(WIDTH)]
        output = [[next(numbers) for _ in range(WIDTH + 1)] for _ in range(NUM_OUTPUTS)]
        assert next(numbers, None) is None
        for point in range(NUM_POINTS):
            x = inputs[point].tolist()
            sums = [sum(w * value for w, value in zip(row, x, strict=False)) + row[-1] for row in hidden]
            units = activation(torch.tensor(sums, dtype=torch.float64)).tolist()
            for k, row in enumerate(output):
                expected = sum(w * value for w, value in zip(row, units, strict=False)) + row[-1]
                # Two sums of a few products of size 10, in another order.
                assert float(result[trial, k, point]) == pytest.approx(expected, abs=1e-13)


def test_features_are_hidden_units_and_a_constant_one(activation: Activation, inputs: Tensor, weights: Tensor) -> None:
    model = Shallow(activation)
    prepared = model.prepare(inputs, WIDTH)
    features = model.features(weights, prepared, WIDTH, NUM_OUTPUTS)
    hidden, _ = model.layers(weights, WIDTH, NUM_OUTPUTS)
    assert features.shape == (NUM_TRIALS, NUM_POINTS, WIDTH + 1)
    assert torch.equal(features[..., -1], torch.ones(NUM_TRIALS, NUM_POINTS, dtype=torch.float64))
    sums = torch.einsum("twd,pd->tpw", hidden[..., :-1], inputs) + hidden[..., -1][:, None]
    torch.testing.assert_close(features[..., :-1], activation(sums), rtol=0, atol=1e-14)


def test_layers_are_views_of_the_flat_weights(weights: Tensor) -> None:
    """An engine that writes into a layer moves the weights themselves."""
    hidden, output = Shallow().layers(weights, WIDTH, NUM_OUTPUTS)
    assert hidden.shape == (NUM_TRIALS, WIDTH, NUM_INPUTS + 1)
    assert output.shape == (NUM_TRIALS, NUM_OUTPUTS, WIDTH + 1)
    hidden.zero_()
    output.fill_(1)
    assert weights.sum() == NUM_TRIALS * NUM_OUTPUTS * (WIDTH + 1)


@pytest.mark.reference("xor_relu_solution")
def test_two_relus_compute_exclusive_or_exactly(reference: dict) -> None:
    """The solution of the lecture, in the form w^T max(0, W x + c) + b."""
    solution = flat(torch.ones(2, 2), torch.tensor([0, -1]), torch.tensor([[1, -2]]), torch.tensor([0]))
    assert outputs(Shallow(Relu()), solution, CORNERS, 2, 1)[0, 0].tolist() == reference["value"]


def test_other_solution_of_exclusive_or_is_one_too() -> None:
    """relu(x1 - x2) + relu(x2 - x1)."""
    solution = flat(torch.tensor([[1, -1], [-1, 1]]), torch.zeros(2), torch.tensor([[1, 1]]), torch.tensor([0]))
    assert outputs(Shallow(Relu()), solution, CORNERS, 2, 1)[0, 0].tolist() == [0, 1, 1, 0]


def test_network_without_activation_is_a_linear_model(inputs: Tensor, weights: Tensor) -> None:
    model = Shallow(Identity())
    hidden, output = model.layers(weights, WIDTH, NUM_OUTPUTS)
    matrix = output[..., :-1] @ hidden[..., :-1]
    constant = output[..., :-1] @ hidden[..., -1:] + output[..., -1:]
    result = outputs(model, weights, inputs, WIDTH, NUM_OUTPUTS)
    torch.testing.assert_close(result, matrix @ inputs.mT + constant, rtol=0, atol=1e-13)  # sums in another order


def test_every_weight_and_bias_is_counted() -> None:
    assert Shallow().num_weights(WIDTH, NUM_INPUTS, NUM_OUTPUTS) == WIDTH * (NUM_INPUTS + 1) + NUM_OUTPUTS * (WIDTH + 1)
    twin = torch.nn.Sequential(torch.nn.Linear(NUM_INPUTS, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, NUM_OUTPUTS))
    assert Shallow().num_weights(WIDTH, NUM_INPUTS, NUM_OUTPUTS) == sum(p.numel() for p in twin.parameters())


def test_every_layer_starts_by_the_initialisation(initialisation: Initialisation) -> None:
    """Each layer with its own number of inputs: both spreads are claimed."""
    width, num_inputs, num_outputs = 300, 40, 30
    model = Shallow(initialisation=initialisation)
    weights = torch.from_numpy(model.initial_weights(width, num_inputs, num_outputs, stream("start")))[None]
    hidden, output = model.layers(weights, width, num_outputs)
    for layer, fan_in, fan_out in ((hidden, num_inputs, width), (output, width, num_outputs)):
        claimed = initialisation.weight_deviation(fan_in, fan_out)
        # Five times the sampling error of the deviation of at least 9,000 numbers.
        assert float(layer[..., :-1].std()) == pytest.approx(claimed, rel=5 / (2 * fan_in * fan_out) ** 0.5)
