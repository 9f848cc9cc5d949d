"""Every kind has its claims, and what training takes for granted is tried out before it begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import pytest
from torch import Tensor

from pipeline.claims.kinds import CLAIMS, GRANTED, claims_of, own_definitions, try_out
from pipeline.config.registry import TABLES
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Activation
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.measures import Points
from pipeline.problems.targets import Sine, Target


@dataclass(frozen=True)
class Wave(Target):
    """A target of a user's own."""

    code_sha256: ClassVar[str] = "0a"

    def __call__(self, inputs_PD: Points) -> Points:
        return inputs_PD[:, 0]


class Column(Wave):
    """One of another shape."""

    def __call__(self, inputs_PD: Points) -> Points:
        return inputs_PD


def asked(*targets: Target) -> Experiment:
    return Experiment("Which?", (Linear(),), (4,), target=targets)


def test_every_kind_but_models_and_solvers_has_claims() -> None:
    kinds = {kind for table in TABLES.values() for kind in table.values()}
    without = {kind for kind in kinds if not claims_of(kind)}
    assert without == {*TABLES["models"].values()} | {
        kind for kind in TABLES["optimizers"].values() if not issubclass(kind, UpdateRule)
    }
    assert all(len(claims) > 2 for claims in CLAIMS.values())


def test_definitions_of_ones_own_are_found_wherever_they_are() -> None:
    assert list(own_definitions(asked(Sine(), Wave()))) == [Wave()]
    assert list(own_definitions(asked(Sine()))) == []


def test_a_definition_of_another_shape_is_refused_before_anything_is_planned() -> None:
    try_out(asked(Wave(), Sine()))
    message = (
        "column: the shape is [10, 1] for points [10, 1] (of every target, values are [points], finite, in float64)"
    )
    with pytest.raises(PipelineError, match=f"{re.escape(message)}\n  hint: python -m pipeline check holds all its"):
        try_out(asked(Wave(), Column()))


@final
@dataclass(frozen=True)
class Steep(Activation):
    """Tanh, with a derivative that is twice its own."""

    code_sha256: ClassVar[str] = "0b"

    def __call__(self, z: Tensor) -> Tensor:
        return z.tanh()

    def apply_(self, z: Tensor) -> Tensor:
        return z.tanh_()

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return gradient.mul_(2 * (1 - value**2))

    def second_derivative(self, value: Tensor) -> Tensor:
        return -2 * value * (1 - value**2)


class Changing(Wave):
    """A target that is another every time."""

    def __call__(self, inputs_PD: Points) -> Points:
        return np.random.default_rng().standard_normal(len(inputs_PD))


def test_what_would_make_every_number_false_is_refused_too() -> None:
    with pytest.raises(PipelineError, match=r"steep: at \S+ it is .*, and by autograd .* \(of every activation, multi"):
        try_out(Experiment("Which?", (Shallow(Steep()),), (4,), target=(Sine(),)))
    with pytest.raises(PipelineError, match=r"changing: .* \(of every target, a value depends on its point alone"):
        try_out(asked(Changing()))


def test_what_is_taken_for_granted_is_among_the_claims() -> None:
    assert GRANTED.keys() == CLAIMS.keys()
    assert all(set(GRANTED[kind]) < set(CLAIMS[kind]) for kind in CLAIMS)
