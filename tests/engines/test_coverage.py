"""What keeps a shape from a fused engine is the first limit that it passes, in words."""

import pytest

from pipeline.engines.coverage import beyond, of_your_own
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, LeastSquares
from pipeline.optimizers.solvers import Lbfgs

LIMITS = {"most_inputs": 8, "most_outputs": 2}


@pytest.mark.parametrize(
    ("model", "optimizer", "size", "reason"),
    [
        (Shallow(), Adam(), (8, 2), None),
        (Shallow(), Adam(), (9, 2), "takes 8 inputs at most, not 9"),
        (Shallow(), Adam(), (8, 3), "takes 2 outputs at most, not 3"),
        (Shallow(), Lbfgs(), (9, 3), "has no steps of lbfgs"),
        (Linear(), LeastSquares(), (1, 1), "has no steps of least_squares"),
        (Linear(), Adam(), (1, 1), "has no kernel for linear"),
    ],
)
def test_the_first_limit_that_is_passed_is_the_reason(model, optimizer, size, reason):
    assert beyond(model, optimizer, *size, **LIMITS) == reason


def test_a_linear_model_may_have_any_number_of_inputs():
    """Its kernel sees features alone."""
    assert beyond(Linear(), Adam(), 10_000, 1, **LIMITS, models=(Shallow, Linear)) is None


def test_what_is_of_a_users_own_is_said(monkeypatch):
    assert of_your_own(Adam()) == ""
    monkeypatch.setattr(Adam, "code_sha256", "0a")
    assert of_your_own(Adam()) == ", which is your own"
    monkeypatch.setattr(Linear, "code_sha256", "0a")
    assert beyond(Linear(), Adam(), 1, 1, **LIMITS) == "has no kernel for linear, which is your own"


def test_a_reason_names_the_place():
    assert beyond(Shallow(), Adam(), 9, 1, **LIMITS, where=" on a GPU") == "takes 8 inputs at most on a GPU, not 9"
