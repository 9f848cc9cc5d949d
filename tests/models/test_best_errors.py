"""Errors that are called best are those of the best weights, by quadrature and by the reference values."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.models.activations import Tanh
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline, Hat
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.models.bases.trigonometric import Cosine, Fourier
from pipeline.models.bases.wavelet import Haar
from pipeline.models.best_errors import best_error, best_mean_square, free_knot_constant
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.quadrature import cell_boundaries, gauss
from pipeline.problems.measures import Normal, Uniform
from pipeline.problems.problem import FunctionProblem, TableProblem
from pipeline.problems.targets import TARGETS, AbsoluteValue, Gaussian, OnePlusPower, Sine, Step, Target, XSquared

WIDTHS = (1, 2, 3, 4, 5, 8, 11, 16, 29)
LINE = OnePlusPower(power=1)  # a constant more or less changes nothing
TARGETS_OF_ONE_INPUT = [
    *(kind() for kind in TARGETS.values() if kind.dimensions in (1, None)),
    *(Step(at=-1 / 3), Step(at=0.9), Step(at=2.0), Step(at=-1.0)),
    *(LINE, OnePlusPower(power=2), OnePlusPower(power=7), Sine(frequency=4.0), Sine(frequency=0.7)),
]
BASES_OF_ONE_INPUT = [*(kind() for kind in BASES.values()), BSpline(degree=1), BSpline(degree=2)]
KNOWN = [
    (target, basis)
    for target, basis in itertools.product(TARGETS_OF_ONE_INPUT, BASES_OF_ONE_INPUT)
    if best_mean_square(target, Linear(basis), 8) is not None
]


def known(value: float, reference: dict, times: float = 1.0) -> bool:
    return times * value == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


def missed_by_quadrature(target: Target, features_PW: Tensor, points_PD: Tensor, weights_P: Tensor) -> float:
    """The weighted mean square of what the best combination of features misses."""
    root = weights_P.sqrt()[:, None]
    values = root * torch.from_numpy(target(points_PD.numpy()))[:, None]
    directions, _ = torch.linalg.qr(root * features_PW)
    left = values - directions @ (directions.mT @ values)
    return float((left - directions @ (directions.mT @ left)).square().sum())


@pytest.mark.parametrize(("target", "basis"), KNOWN, ids=lambda thing: thing.label())
def test_best_error_is_that_of_the_best_weights_by_quadrature(target: Target, basis: Basis) -> None:
    for width in WIDTHS[:-1] if basis == Monomial() else WIDTHS:  # 29 powers are dependent in float64
        kinks = np.linspace(-1, 1, max(width, 2)) if not basis.nested else np.linspace(-1, 1, 65)
        points, weights = gauss(cell_boundaries(-1.0, 1.0, (*kinks, *target.breaks()), 64), 1, nodes=12)
        exact = best_mean_square(target, Linear(basis), width)
        if exact is None:
            assert width == 1  # where a single hat is the constant
            continue
        measured = missed_by_quadrature(target, basis(points[:, 0], width), points, weights)
        # Mean squares of size 1 in float64.
        assert exact == pytest.approx(measured, rel=1e-10, abs=1e-13)


def test_every_kind_of_pair_is_known() -> None:
    """That a formula goes unused, or that none is left to test, would not be seen."""
    pairs = {(type(target), type(basis)) for target, basis in KNOWN}
    for target in (AbsoluteValue, Step, OnePlusPower, XSquared):
        assert {(target, basis) for basis in (Monomial, Legendre, Cosine, Fourier, Haar)} <= pairs
    assert {(Sine, Cosine), (Sine, Fourier), (Sine, Haar), (XSquared, Hat), (XSquared, BSpline)} <= pairs


@pytest.mark.parametrize("basis", [Cosine(), Legendre(), Haar(), Monomial(), Fourier()], ids=Basis.label)
@pytest.mark.parametrize("order", ["total_degree", "full"])
@pytest.mark.parametrize("dimension", [2, 3])
def test_best_error_of_products_is_that_of_the_best_weights_by_quadrature(
    basis: Basis, order: str, dimension: int
) -> None:
    # In three dimensions at most six functions of each input, whose wavelets jump at eighths.
    points, weights = gauss(cell_boundaries(-1.0, 1.0, (0.0,), 8), dimension, nodes=12 if dimension == 2 else 5)
    for width in (1, 5, 9) if dimension == 2 else (1, 5, 27):
        measured = missed_by_quadrature(AbsoluteValue(), basis.features(points, width, order), points, weights)
        exact = best_mean_square(AbsoluteValue(), Linear(basis, product=order), width, dimension)
        assert exact == pytest.approx(measured, rel=1e-8, abs=1e-12)


@pytest.mark.reference("cos_best_meansq_absx_pm1_K*")
def test_kink_by_cosines_is_the_known_value(reference: dict, number: int) -> None:
    for basis in (Cosine(), Fourier()):
        for width in (2 * number + 1, 2 * number + 2 - (basis == Fourier())):
            assert known(best_mean_square(AbsoluteValue(), Linear(basis), width), reference)


@pytest.mark.parametrize("dimension", [2, 3, 6])
@pytest.mark.reference("cos_best_meansq_absx_pm1_K*")
def test_curse_of_dimension_is_the_known_formula(reference: dict, number: int, dimension: int) -> None:
    width = (2 * number + 1) ** dimension
    if width > 1000:
        return  # formulas are the same, lists of a million indices are slow
    model = Linear(Cosine(), product="full")
    expected = 3.0**-dimension - (1 / 3 - reference["value"]) ** dimension
    assert best_mean_square(AbsoluteValue(), model, width, dimension) == pytest.approx(expected, rel=1e-10)


@pytest.mark.reference("cos_best_L2sq_x_on_0pi_K*")
def test_line_by_cosines_is_the_known_value(reference: dict, number: int) -> None:
    """As an integral over [0, pi], which is [-1, 1] stretched by pi / 2."""
    squared_error = best_mean_square(LINE, Linear(Cosine()), number + 1)
    assert known(squared_error, reference, times=math.pi * (math.pi / 2) ** 2)


@pytest.mark.reference("fourier_best_L2sq_x_pm1_K*")
def test_line_by_a_fourier_series_is_the_known_value(reference: dict, number: int) -> None:
    assert known(best_mean_square(LINE, Linear(Fourier()), 2 * number + 1), reference, times=2)


@pytest.mark.parametrize("basis", [Legendre(), Monomial()], ids=Basis.label)
@pytest.mark.reference("legendre_best_L2sq_absx_deg*")
def test_kink_by_polynomials_is_the_known_value(reference: dict, number: int, basis: Basis) -> None:
    assert known(best_mean_square(AbsoluteValue(), Linear(basis), number + 1), reference, times=2)


@pytest.mark.reference("legendre_best_L2sq_sign_deg*")
def test_sign_by_polynomials_is_the_known_value(reference: dict, number: int) -> None:
    """The sign is twice the step, less one; an integral over [-1, 1]."""
    assert known(best_mean_square(Step(), Linear(Legendre()), number + 1), reference, times=8)


@pytest.mark.reference("haar_linear_L2sq_x_m*")
def test_line_by_wavelets_is_the_known_value(reference: dict, number: int) -> None:
    assert known(best_mean_square(LINE, Linear(Haar()), number), reference, times=1 / 4)  # on [0, 1]


@pytest.mark.parametrize("level", range(8))
def test_step_at_a_third_by_the_first_wavelets_is_the_known_formula(level: int) -> None:
    squared_error = best_mean_square(Step(at=-1 / 3), Linear(Haar()), 2**level)
    assert squared_error == pytest.approx(2 / 9 * 2.0**-level, rel=1e-12)


@pytest.mark.reference("haar_nterm_L2sq_step_third_m*")
def test_step_at_a_third_by_the_best_wavelets_is_the_known_value(reference: dict, number: int) -> None:
    assert known(best_mean_square(Step(at=-1 / 3), Greedy(Haar(), size=2048), number), reference)


def test_best_terms_are_not_beaten_by_any_others() -> None:
    """Against every choice of two among six functions."""
    points, weights = gauss(cell_boundaries(-1.0, 1.0, (0.3,), 64), 1, nodes=12)
    values = Legendre()(points[:, 0], 6)
    least = min(
        missed_by_quadrature(Step(at=0.3), values[:, list(chosen)], points, weights)
        for chosen in itertools.combinations(range(6), 2)
    )
    assert best_mean_square(Step(at=0.3), Greedy(Legendre(), size=6), 2) == pytest.approx(least, rel=1e-12)


@pytest.mark.reference("best_relu_risk_x2_pm1_even_width")
def test_best_network_of_the_square_is_the_known_formula(reference: dict) -> None:
    assert reference["value"] == "4/(45 (n+1)^4)"
    for width, risk in reference["tolerance"]["values"].items():
        # The tolerance of the reference is that of a search by numbers.
        assert best_mean_square(XSquared(), Shallow(), int(width)) == pytest.approx(risk, rel=1e-14)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_network_with_the_stated_knots_attains_the_best_error_of_the_square(width: int) -> None:
    """ReLUs in turns to both sides of equally spaced knots, and a constant."""
    knots = torch.linspace(-1, 1, width + 2, dtype=torch.float64)[1:-1]
    points, weights = gauss(cell_boundaries(-1.0, 1.0, knots.tolist(), 64), 1, nodes=12)
    sides = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(width // 2)
    features = torch.cat([torch.relu(sides * (points - knots)), torch.ones_like(points)], dim=1)
    measured = missed_by_quadrature(XSquared(), features, points, weights)
    assert best_mean_square(XSquared(), Shallow(), width) == pytest.approx(measured, rel=1e-10)


@pytest.mark.reference("best_pieces_risk_x2_unit_interval")
@pytest.mark.parametrize("num_pieces", [1, 2, 5, 16])
def test_pieces_of_the_square_are_the_known_formula(reference: dict, num_pieces: int) -> None:
    """On [0, 1]: the square of [-1, 1] is four times as bent."""
    assert reference["value"] == "1/(180 m^4)"
    squared_error = best_mean_square(XSquared(), Linear(Hat()), num_pieces + 1)
    assert squared_error == pytest.approx(16 / (180 * num_pieces**4), rel=reference["tolerance"]["rel"])


@pytest.mark.reference("free_knot_linear_spline_constant_*")
def test_free_knot_constants_are_the_known_ones(reference: dict) -> None:
    """Integrals over [-1, 1]; half a period more or less of a cosine does not change the mean over whole ones."""
    frequency = 2.0 if "(2 pi x)" in reference["name"] else 1.0
    assert known(free_knot_constant(Sine(frequency)), reference, times=math.sqrt(2))


def test_free_knot_constant_of_the_square_is_that_of_its_pieces() -> None:
    assert free_knot_constant(XSquared()) == pytest.approx(math.sqrt(4 / 45), rel=1e-14)
    assert free_knot_constant(OnePlusPower(power=2)) == free_knot_constant(XSquared())


@pytest.mark.parametrize("frequency", [0.5, 1.0, 3.0])
def test_free_knot_constant_of_a_wave_is_its_integral(frequency: float) -> None:
    points, weights = gauss(cell_boundaries(-1.0, 1.0, np.arange(-6, 7) / frequency, 4096), 1, nodes=12)
    bent = (math.pi * frequency) ** 2 * (math.pi * frequency * points[:, 0]).sin().abs()
    expected = float(weights @ bent ** (2 / 5)) ** (5 / 2) * 4 / math.sqrt(720)
    # The root of degree 5/2 at each zero makes the quadrature right to some 1e-6 only.
    assert free_knot_constant(Sine(frequency)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("target", [kind() for kind in TARGETS.values()] + [Sine(0.7), Gaussian(0.1)], ids=Target.label)
def test_free_knot_constant_is_what_the_best_pieces_tend_to(target: Target) -> None:
    """Pieces whose ends share the 2/5-th power of the bend evenly, each the best line there: 4,000 of them."""
    constant = free_knot_constant(target)
    grid = np.linspace(-1, 1, 200_001)
    bend = target.second_derivative(grid)
    assert (constant is None) == (bend is None)
    if constant is None or not constant:
        return
    power = np.abs(bend) ** 0.4
    place = np.concatenate([[0.0], np.cumsum((power[1:] + power[:-1]) / 2)])
    knots = np.interp(np.linspace(0, place[-1], 4001), place, grid)
    node, weight = np.polynomial.legendre.leggauss(8)
    half = np.diff(knots)[:, None] / 2
    values = target((knots[:-1, None] + half + half * node).reshape(-1, 1)).reshape(4000, 8) * np.sqrt(weight / 2)
    line = np.sqrt(weight / 2) * np.stack([np.ones(8), math.sqrt(3) * node])  # orthonormal on each piece
    left = values - values @ line.T @ line
    error = math.sqrt(float((half * np.square(left)).sum()))
    assert 4000**2 * error == pytest.approx(constant, rel=1e-3)


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert free_knot_constant(AbsoluteValue()) is None
    assert best_mean_square(XSquared(), Shallow(), 3) is None
    assert best_mean_square(XSquared(), Shallow(Tanh()), 2) is None
    assert best_mean_square(AbsoluteValue(), Linear(Hat()), 4, 2) is None
    assert best_mean_square(AbsoluteValue(), Linear(coordinates="polar"), 4, 2) is None
    assert best_mean_square(AbsoluteValue(), Greedy(Legendre()), 4, 2) is None
    assert best_mean_square(Step(), Greedy(Monomial()), 4) is None


@pytest.mark.parametrize("target", TARGETS_OF_ONE_INPUT, ids=Target.label)
@pytest.mark.parametrize("basis", BASES_OF_ONE_INPUT, ids=Basis.label)
def test_more_functions_of_a_nested_basis_are_never_worse(target: Target, basis: Basis) -> None:
    squared_error = [best_mean_square(target, Linear(basis), width) for width in (1, 2, 4, 8, 16, 1024)]
    known = [value for value in squared_error if value is not None]
    assert len(known) in (0, len(squared_error)) or not basis.nested
    assert all(narrow >= wide - 1e-15 >= -1e-15 for narrow, wide in itertools.pairwise(known))


def test_error_is_the_root_of_the_mean_square_under_the_uniform_distribution_and_unknown_under_others(
    tmp_path: Path,
) -> None:
    problem = FunctionProblem(AbsoluteValue(), Uniform(), 2, 10, 10, 0.5, 0)
    squared_error = best_mean_square(AbsoluteValue(), Linear(), 6, 2)
    assert best_error(problem, Linear(), 6) == pytest.approx(math.sqrt(squared_error), rel=1e-15)
    for measure in (Normal(), Uniform(low=0.0)):
        assert best_error(FunctionProblem(AbsoluteValue(), measure, 2, 10, 10, 0.0, 0), Linear(), 6) is None
    from pipeline.problems.datasets import Diabetes

    assert best_error(TableProblem(Diabetes(), 10, 10, 0), Linear(), 6) is None
