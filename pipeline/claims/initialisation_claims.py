"""What is true of every initialisation, and what an initialisation says of itself."""

from __future__ import annotations

import math

import numpy as np

from pipeline.claims.claim import Claim
from pipeline.models.initialisations import Initialisation
from pipeline.numerics.randomness import stream

FAN_IN, FAN_OUT = 50, 2000


def has_a_weight_for_each_connection(initialisation: Initialisation) -> str:
    """weights are [outputs, inputs], biases [outputs], in float64."""
    for fan_in, fan_out in ((1, 7), (3, 1), (FAN_IN, FAN_OUT)):
        weights = initialisation.weights(fan_in, fan_out, stream("weights"))
        biases = initialisation.biases(weights, stream("biases"))
        if weights.shape != (fan_out, fan_in) or weights.dtype != np.float64:
            return f"weights are {list(weights.shape)}, {weights.dtype} for [{fan_out}, {fan_in}]"
        if biases.shape != (fan_out,) or biases.dtype != np.float64:
            return f"biases are {list(biases.shape)}, {biases.dtype} for {fan_out} outputs"
    return ""


def has_the_claimed_deviation(initialisation: Initialisation) -> str:
    """weight_deviation: weights have the mean 0 and this standard deviation."""
    weights = initialisation.weights(FAN_IN, FAN_OUT, stream("weights"))
    claimed, number = initialisation.weight_deviation(FAN_IN, FAN_OUT), weights.size
    if not 0 < claimed < math.inf:
        return f"{claimed:g} is not above 0"
    # Sampling errors: deviation / sqrt(n) of the mean, at most deviation / sqrt(2 n) of the deviation; five of them.
    if abs(weights.mean()) >= 5 * claimed / math.sqrt(number):
        return f"the mean is {weights.mean():.3g}"
    found = float(weights.std())
    close = math.isclose(found, claimed, rel_tol=5 / math.sqrt(2 * number))
    return "" if close else f"it is {found:.5g}, and {claimed:.5g} is claimed"


def is_drawn_from_its_stream_alone(initialisation: Initialisation) -> str:
    """the same stream gives the same layer, and another stream another."""

    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = stream("layer", seed)
        weights = initialisation.weights(5, 7, rng)
        return weights, initialisation.biases(weights, rng)

    if not all(np.array_equal(one, other) for one, other in zip(draw(1), draw(1), strict=True)):
        return "the same stream gives another layer the second time"
    return "" if (draw(1)[0] != draw(2)[0]).any() else "another stream gives the same layer"


def names_its_source(initialisation: Initialisation) -> str:
    """source: it says where the distribution is from."""
    return "" if initialisation.source else "it is empty"


INITIALISATION_GRANTED: tuple[Claim, ...] = (has_a_weight_for_each_connection, is_drawn_from_its_stream_alone)
"""What training takes for granted: where one fails, every number would be false."""

INITIALISATION_CLAIMS: tuple[Claim, ...] = (
    *INITIALISATION_GRANTED,
    has_the_claimed_deviation,
    names_its_source,
)
