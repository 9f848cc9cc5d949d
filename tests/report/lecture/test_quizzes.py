"""What the lecture says is the right answer is the one that comes out when it is computed."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.models.bases import BASES
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.numerics.segmented_least_squares import best_lines, weighted_points
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore
from pipeline.problems.measures import Grid
from pipeline.problems.number_game import Rules, outcome
from pipeline.problems.targets import AbsoluteValue, OnePlusPower, Sine, Step, Target
from pipeline.report.lecture.quizzes import QUIZZES, Quiz
from pipeline.report.lecture.stations import STATIONS

Array = NDArray[np.float64]


def features(basis: str, x_P: Array, width: int) -> Array:
    return BASES[basis]().features(torch.from_numpy(x_P[:, None]), width, "total_degree").numpy()


def grid(num_points: int) -> Array:
    return Grid().sample(num_points, 1, np.random.default_rng())[:, 0]


def best_error(features_PW: Array, values_P: Array) -> float:
    """Root mean square error of least squares."""
    weights_W = np.linalg.lstsq(features_PW, values_P, rcond=None)[0]
    return float(np.sqrt(np.mean((features_PW @ weights_W - values_P) ** 2)))


@pytest.mark.parametrize("quiz", QUIZZES.values(), ids=QUIZZES.keys())
def test_a_question_has_one_right_answer_among_several(quiz: Quiz) -> None:
    assert len(set(quiz.choices)) == len(quiz.choices) >= 3
    assert quiz.answer == quiz.choices[quiz.right]
    assert quiz.question.endswith("?")


def test_every_station_asks_one_question_and_the_right_answer_is_not_always_in_one_place() -> None:
    assert list(QUIZZES) == [station.name for station in STATIONS]
    assert len({quiz.right for quiz in QUIZZES.values()}) > 2


def test_six_numbers_miss_by_less_than_a_quarter_of_what_three_do() -> None:
    three, six = outcome(Rules(own=3)), outcome(Rules(own=6))
    assert (three.best, three.best_sets, six.best) == (Fraction(5, 4), ((5, 8, 9),), Fraction(2, 7))
    assert six.best < three.best / 4
    assert outcome(Rules(own=6, highest_goal=24)).best == Fraction(2, 25)
    assert "less than a quarter" in QUIZZES["number_game"].answer


def test_each_of_three_bases_is_exact_on_a_target_that_the_others_are_not_exact_on() -> None:
    x_P = grid(4096)
    owners: dict[str, Target] = {"legendre": OnePlusPower(), "fourier": Sine(4.0), "haar": Step()}
    for owner, target in owners.items():
        errors = {basis: best_error(features(basis, x_P, 16), target(x_P[:, None])) for basis in owners}
        assert errors.pop(owner) < 1e-12, owner
        assert min(errors.values()) > 1e-4, owner
    assert QUIZZES["fixed_bases"].answer == "It depends on the target."


def test_the_error_between_noisy_points_falls_and_then_rises_above_where_it_began() -> None:
    def between(width: int, seed: int) -> float:
        rng = np.random.default_rng(seed)
        x_P, fine_P = rng.uniform(-1, 1, 32), grid(2048)
        values_P = Sine()(x_P[:, None]) + 0.2 * rng.standard_normal(32)
        weights_W = np.linalg.lstsq(features("legendre", x_P, width), values_P, rcond=None)[0]
        missed_P = features("legendre", fine_P, width) @ weights_W - Sine()(fine_P[:, None])
        return float(np.sqrt(np.mean(missed_P**2)))

    first, middle, last = (np.median([between(width, seed) for seed in range(15)]) for width in (2, 8, 24))
    assert middle < first / 2
    assert last > 10 * first
    assert "rises above" in QUIZZES["more_functions"].answer


def test_a_least_squares_fit_of_so_many_functions_keeps_so_much_of_the_noise() -> None:
    """What the station says of the training points: e^2 + s^2 W / P in the mean over the noise."""
    x_P, width, deviation, rng = grid(32), 8, 0.2, np.random.default_rng(0)
    features_PW, truth_P = features("legendre", x_P, width), Sine()(x_P[:, None])
    projection_PP = features_PW @ np.linalg.pinv(features_PW)
    noisy_RP = truth_P + deviation * rng.standard_normal((20_000, 32))
    missed = np.mean((noisy_RP @ projection_PP - truth_P) ** 2)
    assert missed == pytest.approx(best_error(features_PW, truth_P) ** 2 + deviation**2 * width / 32, rel=0.02)


def test_it_takes_eleven_monomials_or_two() -> None:
    x_P = grid(512)
    monomials_PW, values_P = features("monomial", x_P, 11), OnePlusPower()(x_P[:, None])
    assert best_error(monomials_PW[:, :10], values_P) > 1e-4
    assert best_error(monomials_PW, values_P) < 1e-12
    assert best_error(monomials_PW[:, [0, 10]], values_P) < 1e-12
    assert QUIZZES["adapting"].answer == "11 and 2"


def test_the_best_linear_model_of_exclusive_or_says_a_half_and_two_relu_units_compute_it() -> None:
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    values_P, features_PW = np.array([0.0, 1.0, 1.0, 0.0]), np.hstack([points, np.ones((4, 1))])
    weights_W = np.linalg.lstsq(features_PW, values_P, rcond=None)[0]
    assert np.allclose(weights_W, [0, 0, 0.5], atol=1e-12)
    assert np.mean((features_PW @ weights_W - values_P) ** 2) == pytest.approx(0.25)
    total_P = points.sum(axis=1)
    assert np.array_equal(np.maximum(0, total_P) - 2 * np.maximum(0, total_P - 1), values_P)
    assert QUIZZES["xor"].answer == "It says 1/2 to everything."


def test_eight_relu_units_draw_nine_pieces() -> None:
    rng = np.random.default_rng(0)
    kink_W, slope_W = np.linspace(-0.8, 0.8, 8), rng.choice([-1.0, 1.0], 8)
    x_P = np.linspace(-1, 1, 20_001)
    outputs_P = np.maximum(0, slope_W * (x_P[:, None] - kink_W)) @ rng.standard_normal(8)
    bends = np.abs(np.diff(outputs_P, 2)) > 1e-9
    starts = np.count_nonzero(bends[1:] & ~bends[:-1])  # a kink between two points bends at both
    assert str(starts + 1) == QUIZZES["hidden_units"].answer == "9"


def test_a_network_without_activation_draws_straight_lines() -> None:
    rng = np.random.default_rng(0)
    x_P = grid(64)
    outputs_P = (x_P[:, None] * rng.standard_normal(32) + rng.standard_normal(32)) @ rng.standard_normal(32)
    assert np.abs(np.diff(outputs_P, 2)).max() < 1e-12
    assert QUIZZES["activations"].answer == "Straight lines only."


def test_twice_as_many_pieces_divide_the_error_of_a_parabola_by_four() -> None:
    x_P = grid(512)
    lines = best_lines(weighted_points(x_P, x_P**2), 8)
    for pieces in (2, 4, 8):
        error = math.sqrt(lines.mean_square(pieces))
        assert error == pytest.approx(2 / (math.sqrt(45) * pieces**2), rel=0.01)
    assert "divided by 4" in QUIZZES["universality"].answer


@pytest.mark.parametrize("h", [0.1, 0.01])
def test_two_smooth_units_come_as_close_to_a_parabola_as_one_likes(h: float) -> None:
    """What the station says of them: the error falls as h^2."""
    x_P, c = grid(64), 0.5
    second = -2 * math.tanh(c) * (1 - math.tanh(c) ** 2)
    outputs_P = (np.tanh(c + h * x_P) + np.tanh(c - h * x_P) - 2 * math.tanh(c)) / (h**2 * second)
    assert 0 < np.abs(outputs_P - x_P**2).max() < h**2


def test_ten_cosines_along_six_axes_have_a_million_products() -> None:
    assert QUIZZES["dimension"].answer == f"{10**6:,}"
    assert f"{6**10:,}" in QUIZZES["dimension"].choices


def test_probabilities_stay_when_the_same_is_added_to_every_logit() -> None:
    logits = torch.randn(10, dtype=torch.float64)
    assert torch.allclose(torch.softmax(logits + 100, 0), torch.softmax(logits, 0), rtol=1e-12)
    assert QUIZZES["classification"].answer == "Nothing."


def test_cross_entropy_pulls_ten_thousand_times_as_hard_where_the_model_is_sure_and_wrong() -> None:
    output, yes = torch.full((1, 1, 1), -10.0, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    entropy, square = (float(loss.gradient(output, yes)) for loss in (BinaryCrossEntropy(), BrierScore()))
    s = 1 / (1 + math.exp(10))
    assert entropy == pytest.approx(s - 1)
    assert square == pytest.approx(-2 * s * (1 - s) ** 2)
    assert (round(s, 6), round(square, 5)) == (0.000045, -0.00009)
    assert entropy / square > 10_000
    assert "more than 10,000 times" in QUIZZES["losses"].answer


def test_only_the_square_of_the_output_has_a_minimum_where_points_can_be_separated() -> None:
    """What the station says: along a direction that separates, the slope of both others is below 0 at any weights."""
    rng = np.random.default_rng(0)
    points_PD = rng.standard_normal((64, 2))
    yes_P = points_PD[:, 0] > 0
    direction_D = np.array([1.0, 0.0])
    for weights_D in rng.standard_normal((20, 2)) * 5:
        outputs = torch.from_numpy((points_PD @ weights_D)[None, None])
        for loss in (BinaryCrossEntropy(), BrierScore()):
            slope_P = loss.gradient(outputs, torch.from_numpy(yes_P[None].astype(float))).numpy().ravel()
            assert (points_PD.T @ slope_P) @ direction_D < 0, loss
    best_D = np.linalg.lstsq(points_PD, yes_P.astype(float), rcond=None)[0]
    assert np.allclose(points_PD.T @ (points_PD @ best_D - yes_P), 0, atol=1e-10)


def test_a_mode_at_one_and_a_half_is_halved_and_changes_its_sign() -> None:
    assert 1 - 1.5 == -0.5
    assert QUIZZES["descent"].answer == "It is halved and changes sign."


def test_legendre_polynomials_are_nearer_to_the_best_fit_than_monomials() -> None:
    x_P = grid(512)
    distances, conditions = [], []
    for basis in (Legendre, Monomial):
        features_PW, values_P = features(basis.name(), x_P, 8), AbsoluteValue()(x_P[:, None])
        hessian_WW = features_PW.T @ features_PW / len(x_P)
        eigenvalue_W = np.linalg.eigvalsh(hessian_WW)
        best_W = np.linalg.lstsq(features_PW, values_P, rcond=None)[0]
        error_W = np.linalg.matrix_power(np.eye(8) - hessian_WW / eigenvalue_W[-1], 100) @ best_W
        distances.append(float(np.sqrt(np.mean((features_PW @ error_W) ** 2))))
        conditions.append(float(eigenvalue_W[-1] / eigenvalue_W[0]))
    assert distances[0] < 1e-12 < 0.05 < distances[1]
    assert round(conditions[0], 3) == 1.001
    assert conditions[1] > 50_000
    assert QUIZZES["condition_number"].answer == "The Legendre polynomials."


def test_descent_converges_just_below_the_limit() -> None:
    assert abs(1 - 1.9) == pytest.approx(0.9)
    assert QUIZZES["large_rates"].answer == "It converges."


def test_two_wide_linear_layers_rise_and_come_back_at_one_and_a_half_times_the_limit() -> None:
    """Descent itself on ``f = v . u / sqrt(n)`` and half its square, not the equations that the station shows."""
    n, rng = 1000, np.random.default_rng(0)
    u, v = rng.standard_normal(n), rng.standard_normal(n)
    f = [float(u @ v) / math.sqrt(n)]
    rate = 3.0 / (float(u @ u + v @ v) / n)
    curvature = [float(u @ u + v @ v) / n]
    for _ in range(60):
        u, v = u - rate * f[-1] * v / math.sqrt(n), v - rate * f[-1] * u / math.sqrt(n)
        f.append(float(u @ v) / math.sqrt(n))
        curvature.append(float(u @ u + v @ v) / n)
        square, before = f[-2] ** 2, curvature[-2]
        assert f[-1] == pytest.approx((1 - rate * before + rate**2 * square / n) * f[-2], rel=1e-6, abs=1e-12)
        assert curvature[-1] == pytest.approx(before + rate * square / n * (rate * before - 4), rel=1e-9)
    assert max(map(abs, f)) > 5 * abs(f[0])
    assert abs(f[-1]) < 1e-3 * abs(f[0])
    assert curvature[-1] < 2 / rate < curvature[0]
    assert QUIZZES["networks"].answer == "It rises, and then comes back down."


def test_numbers_in_the_reasons_are_those_that_are_computed_here() -> None:
    """Each number of a reason stands in a test above; a new one has to be put there, and here."""
    told = {name: re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", quiz.because) for name, quiz in QUIZZES.items()}
    assert told["number_game"] == ["27", "5", "8", "9", "5", "4", "2", "7", "7", "8", "9", "24", "24", "2", "25"]
    assert told["condition_number"] == ["512", "50,000", "1.001"]
    assert told["losses"][-1] == "0.00009"
