"""Every measure draws from the distribution it names, the same numbers from the same stream."""

import math
import re

import numpy as np
import pytest

from pipeline.claims.claim import Claim
from pipeline.claims.measure_claims import MEASURE_CLAIMS
from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.problems.measures import MEASURES, Corners, Grid, Measure, Normal, Points, Rings, Uniform

NUM_POINTS = 4**6  # a grid of 1, 2 and 3 dimensions, and a multiple of 2^D

# Mean and variance of one coordinate, and the box that holds every point.
BLURRED = (0.4**2 + 0.9**2) / 2 + 0.05**2 / 3  # mean of the squared radius; each coordinate has half of it
MOMENTS: dict[str, tuple[float, float, float, float]] = {
    "uniform": (0.0, 1 / 3, -1.0, 1.0),
    "grid": (0.0, 1 / 3, -1.0, 1.0),
    "normal": (0.0, 1.0, -math.inf, math.inf),
    "corners": (0.5, 0.25, 0.0, 1.0),
    "rings": (0.0, BLURRED / 2, -0.95, 0.95),
}


@pytest.fixture(params=MEASURES.values(), ids=MEASURES.keys())
def measure(request: pytest.FixtureRequest) -> Measure:
    return request.param()


def admitted(measure: Measure, dimension: int) -> bool:
    try:
        measure.check(NUM_POINTS, dimension)
    except FieldError:
        return False
    return True


def samples(measure: Measure) -> list[Points]:
    return [measure.sample(NUM_POINTS, d, stream("sample", d)) for d in (1, 2, 3) if admitted(measure, d)]


@pytest.mark.parametrize("claim", MEASURE_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_holds(measure: Measure, claim: Claim) -> None:
    assert not claim(measure)


def test_every_measure_has_its_moments_here() -> None:
    assert MOMENTS.keys() == MEASURES.keys()


def test_sample_has_a_row_for_each_point_in_float64(measure: Measure) -> None:
    for points in samples(measure):
        assert points.shape[0] == NUM_POINTS
        assert points.dtype == np.float64
        assert points.flags.c_contiguous
    assert [points.shape[1] for points in samples(measure)] == [d for d in (1, 2, 3) if admitted(measure, d)]


def test_points_lie_in_the_support(measure: Measure) -> None:
    low, high = MOMENTS[measure.name()][2:]
    assert measure.bounds() == pytest.approx((low, high), rel=1e-15)
    for points in samples(measure):
        assert low <= points.min()
        assert points.max() <= high


def test_mean_and_variance_of_a_coordinate_are_those_of_the_distribution(measure: Measure) -> None:
    mean, variance = MOMENTS[measure.name()][:2]
    for points in samples(measure):
        # 5 deviations of a mean of 4096 (of squares for the variance: at most sqrt 2 times the variance, as for the
        # normal distribution); midpoints of 16 cells miss a variance of 1/3 by 1/(3 16^2), inside that.
        assert points.mean(axis=0) == pytest.approx(mean, abs=5 * math.sqrt(variance / NUM_POINTS))
        assert points.var(axis=0) == pytest.approx(variance, abs=5 * variance * math.sqrt(2 / NUM_POINTS))


def test_coordinates_are_uncorrelated(measure: Measure) -> None:
    for points in samples(measure):
        if points.shape[1] > 1:
            correlation = np.corrcoef(points.T) - np.eye(points.shape[1])
            assert np.abs(correlation).max() < 5 / math.sqrt(NUM_POINTS)


def test_fields_move_and_stretch_the_distribution() -> None:
    rng = stream("moved")
    assert 2 <= Uniform(2, 5).sample(1000, 2, rng).min() < 2.1
    assert 4.9 < Uniform(2, 5).sample(1000, 2, rng).max() <= 5
    assert Grid(0, 1).sample(4, 1, rng)[:, 0].tolist() == [0.125, 0.375, 0.625, 0.875]
    assert Normal(3).sample(10_000, 1, rng).std() == pytest.approx(3, rel=0.05)  # 7 deviations


def test_rings_without_blur_are_two_circles_equally_often() -> None:
    radius = np.hypot(*Rings(1, 2, 0).sample(NUM_POINTS, 2, stream("circles")).T)
    assert set(radius.round(12)) == {1.0, 2.0}
    assert (radius > 1.5).mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(NUM_POINTS))


def test_blur_widens_a_ring_to_both_sides() -> None:
    radius = np.hypot(*Rings(1, 2, 0.25).sample(NUM_POINTS, 2, stream("blur")).T)
    inner, outer = radius[radius < 1.5], radius[radius > 1.5]
    for ring, middle in ((inner, 1), (outer, 2)):  # each end is missed by 0.01 with chance 0.98^2000
        assert ring.min() == pytest.approx(middle - 0.25, abs=0.01)
        assert ring.max() == pytest.approx(middle + 0.25, abs=0.01)


def test_grid_is_the_midpoints_in_order() -> None:
    points = Grid().sample(9, 2, stream("grid"))
    line = (-2 / 3, 0, 2 / 3)
    np.testing.assert_allclose(points, [(a, b) for a in line for b in line], atol=1e-15)


def test_grid_is_filled_by_whole_powers_only() -> None:
    for side, dimension in ((3, 5), (10**6, 3), (2**31 - 1, 2), (1, 1000), (2, 62)):  # beyond the roots of floats
        Grid().check(side**dimension, dimension)
        if dimension > 1 and side > 1:
            for wrong in (-1, 1):
                with pytest.raises(FieldError, match=f"^{side**dimension + wrong} points do not fill a grid"):
                    Grid().check(side**dimension + wrong, dimension)
    assert Grid().sample(1, 1000, stream("one")).shape == (1, 1000)


def test_corners_come_equally_often() -> None:
    corners, counts = np.unique(Corners().sample(24, 3, stream("corners")), axis=0, return_counts=True)
    assert len(corners) == 8
    assert set(counts) == {3}


@pytest.mark.parametrize(
    ("measure", "num_points", "dimension", "message"),
    [
        (Grid(), 10, 2, "10 points do not fill a grid in 2 dimensions\n  hint: take 9 or 16"),
        (Grid(), 15, 2, "15 points do not fill a grid in 2 dimensions\n  hint: take 9 or 16"),
        (Grid(), 2, 3, "2 points do not fill a grid in 3 dimensions\n  hint: take 1 or 8"),
        (Corners(), 6, 2, "6 points do not hold each of the 4 corners equally often\n  hint: take a multiple of 4"),
        (Grid(), 0, 2, "0 points do not fill a grid in 2 dimensions\n  hint: take 1 or 4"),
        (Grid(), 2, 1000, "2 points do not fill a grid in 1000 dimensions\n  hint: take 1"),
        (Grid(), 2**62 + 1, 2, f"{2**62 + 1} points do not fill a grid in 2 dimensions\n  hint: take at most {10**9}"),
        (
            Corners(),
            4,
            17,
            "a cube in 17 dimensions has too many corners\n  hint: take at most 16 dimensions, or another measure",
        ),
        (Rings(), 10, 3, "rings lie in the plane, not in 3 dimensions\n  hint: set dimension: 2"),
    ],
)
def test_sample_it_cannot_give_is_refused(measure: Measure, num_points: int, dimension: int, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        measure.check(num_points, dimension)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Uniform(1, 1),
            "high: high 1 is not above low 1\n  hint: take the left end for low, the right end for high",
        ),
        (
            lambda: Uniform(high=math.nan),
            "high: high nan is not above low -1.0\n  hint: take the left end for low, the right end for high",
        ),
        (
            lambda: Grid(1, 0),
            "high: high 0 is not above low 1\n  hint: take the left end for low, the right end for high",
        ),
        (
            lambda: Uniform(-1e308, 1e308),
            "high: high 1e+308 is too far from low -1e+308 for float64\n  hint: take ends whose difference is finite",
        ),
        (
            lambda: Grid(-1e308, 1e308),
            "high: high 1e+308 is too far from low -1e+308 for float64\n  hint: take ends whose difference is finite",
        ),
        (
            lambda: Normal(0.0),
            "scale: scale 0.0 is not positive\n  hint: take the standard deviation of a coordinate, above 0",
        ),
        (
            lambda: Rings(inner=0.9),
            "inner: inner 0.9 is not between 0 and outer 0.9\n  hint: take the smaller radius for inner, both above 0",
        ),
        (
            lambda: Rings(blur=-0.1),
            "blur: blur -0.1 is negative\n  hint: take 0 for circles, or a number above 0",
        ),
    ],
)
def test_impossible_distribution_is_refused(make, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        make()
