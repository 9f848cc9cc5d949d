"""A target that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from pipeline.claims import target_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.problems.losses import Task
from pipeline.problems.measures import Points
from pipeline.problems.targets import AbsoluteValue, Target


@dataclass(frozen=True)
class Square(Target):
    """x^2, of which each test breaks one thing."""

    def __call__(self, inputs_PD: Points) -> Points:
        return inputs_PD[:, 0] ** 2


class Column(Square):
    """A column for each output."""

    def __call__(self, inputs_PD: Points) -> Points:
        return inputs_PD**2


class Single(Square):
    """In float32."""

    def __call__(self, inputs_PD: Points) -> Points:
        return super().__call__(inputs_PD).astype(np.float32)  # type: ignore[return-value]


class Inverse(Square):
    """Infinite at the end of what is drawn."""

    def __call__(self, inputs_PD: Points) -> Points:
        return np.full(len(inputs_PD), np.inf)


class Ranked(Square):
    """Depends on the other points."""

    def __call__(self, inputs_PD: Points) -> Points:
        return inputs_PD[:, 0].argsort().argsort().astype(np.float64)


class Thirds(Square):
    """A label of a third value."""

    task: ClassVar[Task] = Task.LABELS


class TooLarge(Square):
    """Says another mean square."""

    def mean_square(self, dimension: int) -> float:
        return 1 / 3


class Kinked(AbsoluteValue):
    """Says that it is smooth."""

    smoothness: ClassVar[float] = float("inf")


class Smoother(AbsoluteValue):
    """Says that it has half a derivative more."""

    smoothness: ClassVar[float] = 2.0


class Silent(AbsoluteValue):
    """Names no break."""

    def breaks(self) -> tuple[float, ...]:
        return ()


class Outside(AbsoluteValue):
    """Names a break that does not count."""

    def breaks(self) -> tuple[float, ...]:
        return (2.0,)


class Integrates(Square):
    """Says another antiderivative."""

    def antiderivative(self, x_P: Points) -> Points:
        return x_P**3

    def second_derivative(self, x_P: Points) -> Points:
        return x_P

    def barron_constant(self, dimension: int) -> float:
        return 1.0


class Unnumbered(Square):
    """Has classes, and does not say how many."""

    task: ClassVar[Task] = Task.CLASSES


def test_the_unbroken_one_keeps_every_claim_that_it_makes() -> None:
    verdicts = [finding.verdict for finding in examine(Square(), claims.TARGET_CLAIMS)]
    assert (verdicts.count("holds"), verdicts.count("not claimed")) == (6, 5)


@pytest.mark.parametrize(
    ("claim", "target", "what"),
    [
        (claims.is_a_number_at_each_point, Column(), "the shape is [10, 1] for points [10, 1]"),
        (claims.is_a_number_at_each_point, Single(), "they are float32"),
        (claims.is_a_number_at_each_point, Inverse(), "one is not finite"),
        (claims.is_the_same_twice_and_point_by_point, Ranked(), "a point alone has another value"),
        (claims.makes_a_problem, Column(), "the targets of 256 points are [256, 1, 1]"),
        (claims.has_every_answer, Thirds(), "they are ["),
        (claims.has_classes_exactly_if_its_task_is_of_classes, Unnumbered(), "it has None"),
        (claims.has_the_claimed_mean_square, TooLarge(), "of 1 inputs it is 0.2, and 0.333333333333 is claimed"),
        (claims.is_as_smooth_as_claimed, Kinked(), "Chebyshev coefficients from 200 on are "),
        (claims.is_as_smooth_as_claimed, Smoother(), "they fall as of 1."),
        (claims.breaks_inside_exactly_if_it_is_not_smooth, Silent(), "there are none"),
        (claims.breaks_inside_exactly_if_it_is_not_smooth, Outside(), "2 lies outside"),
        (claims.has_the_claimed_antiderivative, Integrates(), "from -1 to -0.77 the integral is 0.18"),
        (claims.has_the_claimed_second_derivative, Integrates(), "at -0.95 it is off by 2.9"),
        (claims.has_no_slope_above_the_claimed_barron_constant, Integrates(), "a slope is 2, above 1"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, target: Target, what: str) -> None:
    (finding,) = examine(target, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
