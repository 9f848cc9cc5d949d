"""Every initialisation spreads its weights as it claims, and depends on its stream alone."""

import math

import numpy as np
import pytest
import torch

from pipeline.claims.claim import Claim
from pipeline.claims.initialisation_claims import INITIALISATION_CLAIMS
from pipeline.models.initialisations import INITIALISATIONS, Initialisation, KinksInside, UniformFanIn
from pipeline.numerics.randomness import stream

FAN_IN, FAN_OUT = 50, 2000
NUM_WEIGHTS = FAN_IN * FAN_OUT


def torch_deviation(name: str) -> float:
    """Standard deviation of the weights that PyTorch draws under the same name, from its own formulas."""
    layer = torch.nn.Linear(FAN_IN, FAN_OUT)
    match name:
        case "uniform_fan_in":
            pass  # what a layer starts with
        case "he" | "kinks_inside":
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        case "glorot":
            torch.nn.init.xavier_normal_(layer.weight)
        case "lecun":
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
        case _:
            raise NotImplementedError(f"say what PyTorch calls {name}")
    return float(layer.weight.detach().double().std())


@pytest.fixture(params=INITIALISATIONS.values(), ids=INITIALISATIONS.keys())
def initialisation(request: pytest.FixtureRequest) -> Initialisation:
    return request.param()


@pytest.mark.parametrize("claim", INITIALISATION_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_holds(initialisation: Initialisation, claim: Claim) -> None:
    assert not claim(initialisation)


def test_claimed_deviation_is_that_of_pytorch(initialisation: Initialisation) -> None:
    claimed = initialisation.weight_deviation(FAN_IN, FAN_OUT)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert torch_deviation(initialisation.name()) == pytest.approx(claimed, rel=5 / math.sqrt(2 * NUM_WEIGHTS))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(1, 1), (3, 1), (1, 7), (64, 10)])
def test_claim_is_a_positive_number_for_every_layer(initialisation: Initialisation, fan_in: int, fan_out: int) -> None:
    assert 0 < initialisation.weight_deviation(fan_in, fan_out) < math.inf


def test_biases_are_spread_like_the_weights_or_are_zero(initialisation: Initialisation) -> None:
    weights = initialisation.weights(FAN_IN, FAN_OUT, stream("weights"))
    biases = initialisation.biases(weights, stream("biases"))
    assert biases.shape == (FAN_OUT,)
    assert biases.dtype == np.float64
    if initialisation == UniformFanIn():
        deviation = initialisation.weight_deviation(FAN_IN, FAN_OUT)
        assert abs(biases.mean()) < 5 * deviation / math.sqrt(FAN_OUT)
        assert biases.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * FAN_OUT))
        bound = math.sqrt(3) * deviation  # of a uniform distribution
        assert np.abs(biases).max() <= bound
        assert np.abs(biases).max() == pytest.approx(bound, rel=0.01)  # the largest of 2000 misses the end by 1/2000
    elif initialisation == KinksInside():
        assert (np.abs(biases) <= np.abs(weights).sum(axis=1)).all()  # each unit vanishes somewhere in the cube
    else:
        assert "zero biases" in initialisation.summary()
        assert not biases.any()


def test_kinks_of_one_input_lie_uniformly_in_the_interval() -> None:
    weights = KinksInside().weights(1, 2000, stream("weights"))
    kinks = np.sort(-KinksInside().biases(weights, stream("biases")) / weights[:, 0])
    distance = np.abs((kinks + 1) / 2 - (np.arange(2000) + 0.5) / 2000).max()
    assert distance < 2.5 / math.sqrt(2000)  # the Kolmogorov distance exceeds this once in 100,000 times
