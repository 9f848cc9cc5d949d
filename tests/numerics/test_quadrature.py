"""Means over a box are right to their own error bar, and exact where a rule is exact."""

import itertools
import math
import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.quadrature import (
    NODES,
    SCRAMBLES,
    cell_boundaries,
    gauss,
    kronrod,
    mean,
    rule,
    sobol,
    weighted_mean,
)
from pipeline.numerics.randomness import stream


def bell(points: Tensor) -> Tensor:
    return torch.exp(-points.square().sum(dim=1))


def mean_of_bell(dimension: int) -> float:
    return (math.sqrt(math.pi) * math.erf(1) / 2) ** dimension


def squared_ridge(direction: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda points: torch.relu(points @ direction).square()


def direction_in(dimension: int) -> Tensor:
    return torch.from_numpy(stream("direction", dimension).standard_normal(dimension))


# --- reference values ---


@pytest.mark.reference("integral_exp_minus_r2_pm1_d2")
def test_mean_of_the_bell_is_the_exact_one_in_the_plane(reference: dict) -> None:
    found = mean(bell, 2)
    assert float(found.value) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    assert float(found.error) < 1e-11


@pytest.mark.reference("integral_exp_minus_r2_pm1_d10")
def test_mean_of_the_bell_in_ten_dimensions_is_the_tenth_power_of_one_and_within_the_error_bar(reference: dict) -> None:
    assert float(mean(bell, 1).value) ** 10 == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    sampled = mean(bell, 10)
    assert float(sampled.value) == pytest.approx(reference["value"], abs=4 * float(sampled.error))


@pytest.mark.reference("relu_ridge_second_moment")
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_second_moment_of_a_ridge_along_an_axis_is_a_sixth_of_its_length(reference: dict, dimension: int) -> None:
    assert reference["value"] == "|w|^2/6"
    direction = torch.zeros(dimension, dtype=torch.float64)
    direction[-1] = 3.0
    found = mean(squared_ridge(direction), dimension, breaks=(0.0,))
    assert float(found.value) == pytest.approx(9 / 6, rel=reference["tolerance"]["rel"])


@pytest.mark.parametrize("dimension", [2, 3, 4, 7])
def test_second_moment_of_any_ridge_is_a_sixth_of_its_length_within_the_error_bar(dimension: int) -> None:
    direction = direction_in(dimension)
    found = mean(squared_ridge(direction), dimension)
    assert float(found.value) == pytest.approx(float(direction.square().sum()) / 6, abs=4 * float(found.error))


# Relative root mean square errors of 2^14 points, of the reference; Monte Carlo has 2.5e-3 to 2e-2.
@pytest.mark.parametrize(
    ("dimension", "of_bell", "of_ridge"), [(2, 1.4e-6, 1.3e-5), (5, 1.5e-5, 8.9e-5), (10, 6.1e-4, 5.1e-4)]
)
def test_sobol_points_are_as_good_as_known(dimension: int, of_bell: float, of_ridge: float) -> None:
    points_RPD = sobol(dimension, 14)
    direction = direction_in(dimension)
    for function, exact, known in (
        (bell, mean_of_bell(dimension), of_bell),
        (squared_ridge(direction), float(direction.square().sum()) / 6, of_ridge),
    ):
        means_R = torch.stack([function(points_PD).mean() for points_PD in points_RPD])
        # Sixteen squares scatter by a third of their mean; another direction is up to three times as hard.
        assert float((means_R / exact - 1).square().mean().sqrt()) < 3 * known


# --- the Gauss rule ---


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 3.0)])
def test_rule_has_weights_of_sum_one_and_points_inside(dimension: int, low: float, high: float) -> None:
    points_PD, weights_P = gauss(cell_boundaries(low, high, (0.5,), 3), dimension)
    assert points_PD.shape == ((4 * NODES) ** dimension, dimension)
    assert float(weights_P.sum()) == pytest.approx(1, rel=1e-14)
    assert ((low < points_PD) & (points_PD < high)).all()


@pytest.mark.parametrize("nodes", [1, 3, 4])
def test_rule_is_exact_to_the_degree_it_claims_in_each_variable_and_not_beyond(nodes: int) -> None:
    points_PD, weights_P = gauss(cell_boundaries(0, 1, (), 1), 2, nodes)
    degree = 2 * nodes - 1
    exact = [float(weights_P @ (points_PD[:, 0] ** i * points_PD[:, 1] ** j)) for i, j in ((degree, degree), (0, 1))]
    assert exact == pytest.approx([(degree + 1.0) ** -2, 0.5], rel=1e-13)
    beyond = float(weights_P @ points_PD[:, 0] ** (degree + 1))
    assert abs(beyond * (degree + 2) - 1) > 1e-5


def test_kink_at_a_cell_end_costs_nothing_and_one_inside_a_cell_shows_in_the_error() -> None:
    at = 0.3
    exact = ((1 - at) ** 2 + (1 + at) ** 2) / 4

    def kinked(points: Tensor) -> Tensor:
        return (points[:, 0] - at).abs()

    known = mean(kinked, 1, breaks=(at,), num_points=64)
    assert float(known.value) == pytest.approx(exact, rel=1e-14)
    assert float(known.error) < 1e-14
    unknown = mean(kinked, 1, num_points=64)
    off = abs(float(unknown.value) - exact)
    assert 1e-6 < off < 3 * float(unknown.error)


@given(
    breaks=st.lists(st.floats(-2, 2), max_size=5), num_cells=st.integers(1, 40), ends=st.sampled_from([(-1, 1), (0, 5)])
)
@settings(max_examples=50, deadline=None)
def test_cells_fill_the_interval_in_order_and_end_at_every_break(
    breaks: list[float], num_cells: int, ends: tuple[int, int]
) -> None:
    low, high = ends
    found = cell_boundaries(low, high, breaks, num_cells)
    assert (found[0], found[-1]) == (low, high)
    assert (found.diff() > 0).all()
    assert set(found.tolist()) >= {point for point in breaks if low < point < high}
    assert num_cells <= len(found) - 1 <= num_cells + len(breaks)


def test_values_may_be_stacked_with_points_last() -> None:
    found = mean(lambda points: torch.stack([bell(points), 2 * bell(points)])[:, None], 2)
    assert found.value.shape == found.error.shape == (2, 1)
    sampled = mean(lambda points: torch.stack([bell(points), 2 * bell(points)])[:, None], 4)
    assert sampled.value.shape == sampled.error.shape == (2, 1)
    assert float(sampled.value[1]) == pytest.approx(2 * float(sampled.value[0]), rel=1e-14)


@pytest.mark.parametrize("dimension", [1, 4])
def test_mean_of_what_is_not_a_number_is_not_a_number(dimension: int) -> None:
    found = mean(lambda points: bell(points) * torch.nan, dimension, num_points=64)
    assert found.value.isnan()
    assert found.error.isnan()


# --- Sobol points ---


def test_points_are_inside_and_every_axis_has_one_in_each_equal_part() -> None:
    points_RPD = sobol(6, 7, low=-2, high=3)
    assert points_RPD.shape == (SCRAMBLES, 128, 6)
    part = torch.floor((points_RPD + 2) / 5 * 128).long().sort(dim=1).values
    assert (part == torch.arange(128)[None, :, None]).all()


def test_scrambles_differ_and_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = sobol(4, 5, seed=3)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(sobol(4, 5, seed=3), first)
    assert not torch.equal(sobol(4, 5, seed=4), first)
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(first, 2))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's numbers change


def test_first_point_has_all_its_digits() -> None:
    scaled = (sobol(5, 3, low=0, high=1) * 2**31 - 1) / 2  # midpoints of cells of 2^-30
    assert torch.equal(scaled, scaled.round())
    assert (scaled[:, 0].long() % 64).unique().numel() > 32  # float32 would leave these digits zero


def test_error_bar_is_as_long_as_the_error_is_large() -> None:
    """Over 40 seeds the mean square of error over error bar is that of Student's t of 15 degrees: 15/13."""
    exact = mean_of_bell(4)
    estimates = [mean(bell, 4, num_points=256, seed=seed) for seed in range(40)]
    ratios = torch.stack([(found.value - exact) / found.error for found in estimates])
    # The fourth moment of t of 15 is 4.1, so a mean of 40 squares has the deviation 0.27.
    assert float(ratios.square().mean()) == pytest.approx(15 / 13, abs=4 * 0.27)


# --- what cannot be ---


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: mean(bell, 0), "a box of 0 dimensions has no points\n  hint: take at least 1 dimension"),
        (lambda: mean(bell, 2, low=1.0), "[1.0, 1.0] is no interval\n  hint: take finite ends, the left one first"),
        (lambda: mean(bell, 2, high=math.nan), "[-1.0, nan] is no interval\n  hint: take finite ends, the left one"),
        (lambda: mean(bell, 2, high=math.inf), "[-1.0, inf] is no interval\n  hint: take finite ends, the left one"),
        (lambda: sobol(30000, 1), "there are no Sobol points in 30000 dimensions\n  hint: take at most 21201"),
    ],
)
def test_box_that_cannot_be_is_refused(ask: Callable, message: str) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        ask()


# --- rules for values that were computed elsewhere ---


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_kronrod_rule_is_exact_to_degree_eleven_and_its_gauss_part_to_degree_five(dimension: int) -> None:
    points, (one, two) = kronrod(cell_boundaries(-1.0, 1.0, (0.3,), 2), dimension)
    for degree in range(13):
        power = points[:, -1] ** degree
        exact = 1 / (degree + 1) if degree % 2 == 0 else 0.0
        fine, coarse = float((one + two) @ power) / 2, float(two @ power)
        assert (fine == pytest.approx(exact, abs=1e-14)) == (degree <= 11), degree
        assert (coarse == pytest.approx(exact, abs=1e-14)) == (degree <= 5), degree


def test_kronrod_nodes_and_weights_are_those_of_the_tables() -> None:
    points, (one, two) = kronrod(torch.tensor([-1.0, 1.0], dtype=torch.float64), 1)
    nodes = [0.960491268708020283423507092629, 0.774596669241483377, 0.434243749346802558, 0.0]  # QUADPACK has these
    weights = [0.104656226026467265, 0.268488089868333440, 0.401397414775962222, 0.450916538658474142]
    assert points[3:, 0].tolist() == pytest.approx(nodes[::-1], abs=1e-15)
    assert (one + two)[3:].tolist() == pytest.approx(weights[::-1], abs=4e-15)  # of seven equations
    assert two.tolist() == pytest.approx([0, 5 / 18, 0, 8 / 18, 0, 5 / 18, 0], abs=1e-15)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("num_points", [1, 200, 4096])
def test_rule_has_weights_of_sum_one_and_at_most_about_the_points_given(dimension: int, num_points: int) -> None:
    points, weights = rule(dimension, num_points)
    assert weights.shape[1] == len(points)
    assert points.shape[1] == dimension
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights), dtype=torch.float64), rtol=0, atol=1e-12)
    assert (weights.mean(dim=0) > 0).all()
    least = 7**dimension if dimension <= 3 else SCRAMBLES
    assert len(points) <= max(num_points, least)
    assert 2**dimension * len(points) > num_points


@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 10])
def test_error_of_a_mean_by_a_rule_covers_its_distance_to_the_truth(dimension: int) -> None:
    points, weights = rule(dimension, 4096)
    scale = torch.tensor([[0.5], [1.0], [1.5]], dtype=torch.float64)
    found = weighted_mean(torch.exp(-scale * points.square().sum(dim=1)), weights)
    factors = [math.sqrt(math.pi / s) * math.erf(math.sqrt(s)) / 2 for s in scale[:, 0].tolist()]
    exact = torch.tensor(factors, dtype=torch.float64) ** dimension
    # One standard error of 16 scrambles is passed by a factor of 4 once in a thousand; rounding is below 1e-15.
    assert ((found.value - exact).abs() <= 4 * found.error + 1e-15).all()
    assert (found.error < 0.02 * found.value).all()


def test_rule_is_exact_across_given_breaks_and_dyadic_ones() -> None:
    points, weights = rule(1, 500, low=0.0, high=2.0, breaks=(0.3, 5.0))
    steps = torch.stack([(points[:, 0] > at).double() for at in (0.3, 1.0, 0.25)])
    found = weighted_mean(steps, weights)
    torch.testing.assert_close(found.value, torch.tensor([0.85, 0.5, 0.875], dtype=torch.float64), rtol=1e-14, atol=0)
    assert (found.error < 1e-14).all()


def test_what_is_infinite_has_an_infinite_mean_and_error_and_nan_stays() -> None:
    for dimension in (1, 5):
        points, weights = rule(dimension, 100)
        values = torch.ones(3, len(points), dtype=torch.float64)
        values[0, 5], values[1, 5] = torch.inf, torch.nan
        found = weighted_mean(values, weights)
        assert found.value.isinf().tolist() == found.error.isinf().tolist() == [True, False, False]
        assert found.value.isnan().tolist() == found.error.isnan().tolist() == [False, True, False]
        assert float(found.value[2]) == pytest.approx(1, rel=1e-14)


def test_another_seed_scrambles_anew() -> None:
    first, again, other = (rule(5, 64, seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rule_of_no_box_is_refused() -> None:
    message = "a box of 0 dimensions has no points\n  hint: take at least 1 dimension"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        rule(0, 10)
