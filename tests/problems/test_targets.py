"""Every target is the function it says it is, as smooth and as large as its class claims."""

import itertools
import math
import re

import numpy as np
import pytest

from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import (
    TARGETS,
    AbsoluteValue,
    ChebyshevPolynomial,
    Gaussian,
    OnePlusPower,
    OuterRing,
    Runge,
    Sine,
    Step,
    Target,
    Xor,
)

REGRESSIONS = {name: kind for name, kind in TARGETS.items() if kind.task is Task.REGRESSION}
VARIANTS = {
    **{name: kind() for name, kind in REGRESSIONS.items()},
    "late step": Step(at=0.3),
    "step outside": Step(at=2.0),
    "sine of no whole period": Sine(frequency=0.7),
    "odd power": OnePlusPower(power=3),
    "constant": ChebyshevPolynomial(degree=0),
    "high degree": ChebyshevPolynomial(degree=12),
    "narrow gaussian": Gaussian(scale=0.4),
}


def half_normal(w: float) -> float:
    return math.sqrt(2 / math.pi) * math.exp(-(w**2) / 2)


@pytest.fixture(params=TARGETS.values(), ids=TARGETS.keys())
def target(request: pytest.FixtureRequest) -> Target:
    return request.param()


@pytest.fixture(params=REGRESSIONS.values(), ids=REGRESSIONS.keys())
def regression(request: pytest.FixtureRequest) -> Target:
    return request.param()


def panels(target: Target, num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights of the uniform distribution on [-1, 1], between the breaks of the target."""
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    ends = [-1.0, *target.breaks(), 1.0]
    parts = [(a + (b - a) * (nodes + 1) / 2, weights * (b - a) / 4) for a, b in itertools.pairwise(ends)]
    return np.concatenate([x for x, _ in parts]), np.concatenate([w for _, w in parts])


@pytest.mark.parametrize(
    ("variant", "dimension"),
    [
        pytest.param(variant, dimension, id=f"{name}-{dimension}")
        for name, variant in VARIANTS.items()
        for dimension in ((1, 2, 3) if variant.dimensions is None else (variant.dimensions,))
        if variant.mean_square(dimension) is not None
    ],
)
def test_mean_square_is_that_of_quadrature(variant: Target, dimension: int) -> None:
    # 100 nodes: Runge's poles shrink its error by 0.82 a degree, 200 degrees to 1e-17; the others need 30.
    x, w = panels(variant, 100 if dimension == 1 else 30)
    points = np.stack(np.meshgrid(*[x] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    weights = np.stack(np.meshgrid(*[w] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension).prod(axis=-1)
    # Sums of up to 2e5 positive terms in float64 are off by far less than 2e5 eps = 5e-11.
    assert variant.mean_square(dimension) == pytest.approx(weights @ variant(points) ** 2, rel=1e-12)


def cosine_coefficients(target: Target, num_coefficients: int) -> np.ndarray:
    """Coefficients of the target in the orthonormal cosines of pi k x of the even extension of [-1, 1]."""
    x, w = panels(target, 2 * num_coefficients)
    cosines = np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, num_coefficients), (x + 1) / 2))
    return cosines @ (w * target(x[:, None]))


def test_smoothness_is_the_decay_of_the_coefficients(regression: Target) -> None:
    """f in H^s for every s below S: the tail of the squared coefficients beyond K falls like K^(-2 S)."""
    if math.isinf(regression.smoothness):
        # Analytic: Chebyshev coefficients fall geometrically, for Runge, the slowest, to 0.82^200 = 6e-18.
        chebyshev = np.polynomial.chebyshev.chebinterpolate(lambda x: regression(x[:, None]), 300)
        assert np.abs(chebyshev[200:]).max() < 1e-13
        return
    tail = np.cumsum(cosine_coefficients(regression, 512)[::-1] ** 2)[::-1]
    few, many = 16, 64  # the last is far below 512, where the tail is cut off
    slope = math.log(tail[few] / tail[many]) / math.log(many / few)
    # Half of the coefficients vanish, which shifts 16 by at most one (0.13 for S = 3/2), and the cut at 512 lowers
    # the second tail by 1/8 (0.10 for S = 1/2). A wrong claim is off by 1 or more.
    assert slope == pytest.approx(2 * regression.smoothness, abs=0.15)


def test_breaks_lie_inside_the_interval_and_are_where_it_is_not_smooth(regression: Target) -> None:
    breaks = regression.breaks()
    assert all(-1 < point < 1 for point in breaks)
    assert bool(breaks) == math.isfinite(regression.smoothness)


def test_value_is_finite_float64_for_each_point(target: Target) -> None:
    dimension = target.dimensions or 3
    points = target.natural_measure.sample(2**dimension * 5, dimension, stream("target"))
    values = target(points)
    assert values.shape == (len(points),)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def test_natural_inputs_and_sizes_make_a_problem(target: Target) -> None:
    dimension = target.dimensions or 1
    train, test = target.natural_measure.default_sizes(dimension)
    problem = FunctionProblem(target, target.natural_measure, dimension, train, test, 0.0, 0)
    assert problem.load().train_inputs_PD.shape == (train, dimension)


def test_labels_are_yes_and_no_and_both_occur() -> None:
    for kind in set(TARGETS.values()) - set(REGRESSIONS.values()):
        target = kind()
        dimension = target.dimensions or 2
        points = target.natural_measure.sample(400, dimension, stream("labels"))
        assert set(np.unique(target(points))) == {0.0, 1.0}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_antiderivative_gives_the_integral_over_every_interval(variant: Target) -> None:
    ends = np.sort(np.array([-1.0, -0.77, -0.2, 0.05, 0.31, 1.0, *variant.breaks()]))
    whole = variant.antiderivative(ends)
    if whole is None:
        return
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for left, right, integral in zip(ends[:-1], ends[1:], np.diff(whole), strict=True):
        points = left + (right - left) * (nodes + 1) / 2
        assert integral == pytest.approx((right - left) / 2 * weights @ variant(points[:, None]), abs=1e-14)


@pytest.mark.reference("barron_norm_gaussian_d*")
def test_barron_constant_of_the_gaussian_is_the_mean_length_of_a_normal_vector(reference: dict, number: int) -> None:
    relative = reference["tolerance"]["rel"]
    assert Gaussian().barron_constant(number) == pytest.approx(reference["value"], rel=relative)
    assert Gaussian(scale=4.0).barron_constant(number) == pytest.approx(reference["value"] / 4, rel=relative)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_no_slope_is_above_the_barron_constant_which_is_infinite_without_a_continuous_slope(variant: Target) -> None:
    """The slope is an integral of w times the Fourier transform, so a finite constant bounds it."""
    constant = variant.barron_constant(1)
    if constant is None:
        assert math.isinf(variant.smoothness_on(-1, 1))
        return
    assert math.isinf(constant) == any(-1 < place < 1 for place in variant.breaks())
    x = np.linspace(-1, 1, 20_001)
    assert np.abs(np.diff(variant(x[:, None]))).max() / (x[1] - x[0]) <= constant


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
        (lambda: OuterRing(radius=0.0), "radius", "radius: radius 0.0 is not positive\n  hint: take a number above 0"),
    ],
)
def test_impossible_field_is_refused(make, field: str, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$") as refused:
        make()
    assert refused.value.path == (field,)
