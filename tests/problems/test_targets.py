"""Every target is the function it says it is, as smooth and as large as its class claims."""

import math
import re

import numpy as np
import pytest

from pipeline.claims.claim import Claim
from pipeline.claims.target_claims import (
    TARGET_CLAIMS,
    has_no_slope_above_the_claimed_barron_constant,
    has_the_claimed_antiderivative,
    has_the_claimed_mean_square,
    has_the_claimed_second_derivative,
)
from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import Task
from pipeline.problems.targets import (
    TARGETS,
    AbsoluteValue,
    ChebyshevPolynomial,
    Gaussian,
    OnePlusPower,
    OuterRing,
    PiecewiseLinear,
    Runge,
    Sine,
    Spirals,
    Step,
    Target,
    Xor,
)

VARIANTS = {
    **{name: kind() for name, kind in TARGETS.items() if kind.task is Task.REGRESSION},
    "late step": Step(at=0.3),
    "step outside": Step(at=2.0),
    "sine of no whole period": Sine(frequency=0.7),
    "odd power": OnePlusPower(power=3),
    "constant": ChebyshevPolynomial(degree=0),
    "high degree": ChebyshevPolynomial(degree=12),
    "narrow gaussian": Gaussian(scale=0.4),
    "drawn line": PiecewiseLinear(knots=(-2.0, -0.9, 0.4, 0.5, 3.0), values=(1.0, -1.0, 0.5, 2.0, 0.0)),
    "constant line": PiecewiseLinear(knots=(0.3,), values=(2.0,)),
}


def half_normal(w: float) -> float:
    return math.sqrt(2 / math.pi) * math.exp(-(w**2) / 2)


OF_ANY = (has_the_claimed_mean_square, has_the_claimed_antiderivative, has_the_claimed_second_derivative)
OF_ANY += (has_no_slope_above_the_claimed_barron_constant,)
"""What holds for every value of the fields; the rest is claimed of the default ones."""


@pytest.mark.parametrize("claim", TARGET_CLAIMS, ids=lambda claim: claim.__name__)
@pytest.mark.parametrize("target", [kind() for kind in TARGETS.values()], ids=TARGETS.keys())
def test_every_claim_holds_or_is_not_made(target: Target, claim: Claim) -> None:
    assert not claim(target)


@pytest.mark.parametrize("claim", OF_ANY, ids=lambda claim: claim.__name__)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_claims_hold_whatever_the_fields_are(variant: Target, claim: Claim) -> None:
    assert not claim(variant)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_barron_constant_that_is_not_known_is_that_of_a_target_that_is_smooth(variant: Target) -> None:
    assert variant.barron_constant(1) is not None or math.isinf(variant.smoothness_on(-1, 1))


@pytest.mark.reference("barron_norm_gaussian_d*")
def test_barron_constant_of_the_gaussian_is_the_mean_length_of_a_normal_vector(reference: dict, number: int) -> None:
    relative = reference["tolerance"]["rel"]
    assert Gaussian().barron_constant(number) == pytest.approx(reference["value"], rel=relative)
    assert Gaussian(scale=4.0).barron_constant(number) == pytest.approx(reference["value"] / 4, rel=relative)


@pytest.mark.parametrize(("target", "density"), [(Runge(), lambda w: math.exp(-w / 5) / 5), (Gaussian(), half_normal)])
def test_barron_constant_is_the_mean_frequency_of_cosines_that_make_up_the_target(target: Target, density) -> None:
    """Cosines of frequency w >= 0 with a density: their mean is the target, the mean of w the constant."""
    w = np.linspace(0, 200, 400_001)
    mass = np.vectorize(density)(w) * (w[1] - w[0])
    mass[0] /= 2  # trapezoids: exact to 1e-7 of what is smooth, and nothing is left beyond 200
    for x in (0.0, 0.3, -1.0):
        assert mass @ np.cos(w * x) == pytest.approx(target(np.array([[x]]))[0], abs=1e-6)
    assert mass @ w == pytest.approx(target.barron_constant(1), rel=1e-6)


def test_wave_has_one_frequency_which_is_its_barron_constant() -> None:
    assert Sine(frequency=2.0).barron_constant(1) == 2 * math.pi


def test_xor_is_true_where_one_input_is_and_no_line_tells_it() -> None:
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    values = Xor()(corners)
    assert values.tolist() == [0.0, 1.0, 1.0, 0.0]
    design = np.column_stack([corners, np.ones(4)])
    weights, residual = np.linalg.lstsq(design, values, rcond=None)[:2]
    np.testing.assert_allclose(weights, [0, 0, 0.5], atol=1e-12)
    assert residual[0] / 4 == pytest.approx(0.25)


def test_absolute_value_has_a_kink_on_every_axis() -> None:
    assert AbsoluteValue()(np.array([[-0.5, 0.25, -1.0], [0.0, 1.0, 1.0]])).tolist() == [0.125, 0.0]


def test_step_is_one_at_the_step_itself() -> None:
    assert Step(at=0.25)(np.array([[0.24], [0.25], [0.26]])).tolist() == [0.0, 1.0, 1.0]


def test_chebyshev_polynomial_is_the_cosine_of_a_multiple_of_the_angle() -> None:
    angles = np.linspace(0, np.pi, 50)
    for degree in range(6):
        values = ChebyshevPolynomial(degree)(np.cos(angles)[:, None])
        np.testing.assert_allclose(values, np.cos(degree * angles), rtol=0, atol=1e-14)


def test_piecewise_linear_function_breaks_where_its_slope_changes() -> None:
    target = PiecewiseLinear(knots=(-1.0, 0.0, 0.5, 2.0), values=(0.0, 2.0, 3.0, 3.0))
    assert target(np.array([[-3.0], [-0.5], [0.25], [9.0]])).tolist() == [0.0, 1.0, 2.5, 3.0]
    assert target.breaks() == (-1.0, 0.5)


def test_label_tells_two_functions_of_many_knots_apart() -> None:
    knots = tuple(np.linspace(-1, 1, 9).tolist())
    labels = {PiecewiseLinear(knots, (value,) * 9).label() for value in (0.0, 1.0)}
    assert len(labels) == 2
    for label in labels:
        assert re.fullmatch(r"piecewise_linear\(9 knots, [0-9a-f]{6}\)", label)
    assert PiecewiseLinear((0.0,), (1.0,)).label() == "piecewise_linear(knots=(0.0,), values=(1.0,))"


def test_spirals_have_each_class_on_an_equal_part_of_every_circle() -> None:
    angles = 2 * np.pi * (np.arange(400) + 0.5) / 400
    for radius in (0.01, 0.5, 1.4):
        values = Spirals(classes=4)(radius * np.column_stack([np.cos(angles), np.sin(angles)]))
        assert np.bincount(values.astype(int), minlength=4).tolist() == [100, 100, 100, 100]
        assert (np.diff(values) != 0).sum() in (3, 4)  # each in one piece
    assert Spirals(turns=0.0)(np.array([[1.0, -1e-20]])).tolist() == [2.0]


def test_outer_ring_parts_the_two_rings_without_error() -> None:
    target = OuterRing()
    points = target.natural_measure.sample(2000, 2, stream("rings"))
    radius = np.hypot(points[:, 0], points[:, 1])
    np.testing.assert_array_equal(target(points), (radius > 0.6).astype(float))
    assert 0.45 < target(points).mean() < 0.55  # deviation of a fair coin over 2000: 0.011


PERIODS = "\n  hint: take the number of periods on [-1, 1], above 0"


@pytest.mark.parametrize(
    ("make", "field", "message"),
    [
        (lambda: Sine(frequency=0.0), "frequency", f"frequency: frequency 0.0 is not positive{PERIODS}"),
        (lambda: Sine(frequency=math.nan), "frequency", f"frequency: frequency nan is not positive{PERIODS}"),
        (
            lambda: OnePlusPower(power=0),
            "power",
            "power: power 0 is not at least 1\n  hint: take an integer from 1",
        ),
        (
            lambda: ChebyshevPolynomial(degree=-1),
            "degree",
            "degree: degree -1 is negative\n  hint: take an integer from 0",
        ),
        (
            lambda: Gaussian(scale=-1.0),
            "scale",
            "scale: scale -1.0 is not positive\n  hint: take the width of the bell, above 0",
        ),
        (
            lambda: PiecewiseLinear((), ()),
            "knots",
            "knots: there are no knots\n  hint: give at least one place on the axis",
        ),
        (
            lambda: PiecewiseLinear(values=(1.0,)),
            "values",
            "values: 1 values are not one for each of 3 knots\n  hint: write as many values as knots",
        ),
        (
            lambda: Spirals(classes=1),
            "classes",
            "classes: 1 classes tell nothing apart\n  hint: take at least 2",
        ),
        (lambda: OuterRing(radius=0.0), "radius", "radius: radius 0.0 is not positive\n  hint: take a number above 0"),
    ],
)
def test_impossible_field_is_refused(make, field: str, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$") as refused:
        make()
    assert refused.value.path == (field,)


def test_knots_that_do_not_increase_are_refused_at_the_first_that_does_not() -> None:
    with pytest.raises(
        FieldError, match=r"^knots\.1: knot 0\.0 is not above 0\.0, the one before it\n  hint: "
    ) as refused:
        PiecewiseLinear((0.0, 0.0), (1.0, 2.0))
    assert refused.value.path == ("knots", 1)
