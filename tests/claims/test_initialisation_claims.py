"""An initialisation that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.claims import initialisation_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.models.initialisations import He, Initialisation

Weights = NDArray[np.float64]


class Transposed(He):
    """Inputs first."""

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        return super().weights(fan_in, fan_out, rng).T


class Wide(He):
    """Twice as wide as it says."""

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        return 2 * super().weights(fan_in, fan_out, rng)


class Shifted(He):
    """Not about 0."""

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        return 1 + super().weights(fan_in, fan_out, rng)


class Constant(He):
    """Draws nothing."""

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        return np.ones((fan_out, fan_in))


class Unsourced(He):
    """Says not where it is from."""

    source: ClassVar[str] = ""


@pytest.mark.parametrize(
    ("claim", "initialisation", "what"),
    [
        (claims.has_a_weight_for_each_connection, Transposed(), "weights are [1, 7], float64 for [7, 1]"),
        (claims.has_the_claimed_deviation, Wide(), "it is 0.4"),
        (claims.has_the_claimed_deviation, Shifted(), "the mean is 1"),
        (claims.is_drawn_from_its_stream_alone, Constant(), "another stream gives the same layer"),
        (claims.names_its_source, Unsourced(), "it is empty"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, initialisation: Initialisation, what: str) -> None:
    (finding,) = examine(initialisation, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
