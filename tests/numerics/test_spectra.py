"""Condition numbers are right to the digits that float64 holds, and say so when it holds none."""

import functools
import math
import re
from collections.abc import Callable
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pipeline.engines.cpu.singular_values import singular_values
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial
from pipeline.models.bases.trigonometric import Cosine, Fourier
from pipeline.numerics import spectra
from pipeline.numerics.randomness import stream
from pipeline.numerics.spectra import Trust

EPS = torch.finfo(torch.float64).eps
INTERVALS = {"unit_interval": (0.0, 1.0), "pm1": (-1.0, 1.0), "01": (0.0, 1.0)}


def gauss(num_points: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Points, and weights of sum 1."""
    node, weight = np.polynomial.legendre.leggauss(num_points)
    return torch.from_numpy(low + (high - low) * (node + 1) / 2), torch.from_numpy(weight / 2)


def condition_number(features_PF: Tensor) -> float:
    shape = (features_PF.shape[0], features_PF.shape[1])
    return float(spectra.condition_number(spectra.singular_values(features_PF[None]), shape)[0])


def gram_condition_number(basis: Basis, points: Tensor, width: int) -> float:
    return condition_number(basis(points, width)) ** 2


def random_matrices(num_trials: int, num_points: int, num_features: int) -> Tensor:
    return torch.from_numpy(stream("matrices").standard_normal((num_trials, num_points, num_features)))


def with_spectrum(values: list[float], num_points: int) -> Tensor:
    """A matrix ``[1, P, F]`` of the given singular values, turned at random on both sides."""
    left = torch.linalg.qr(random_matrices(1, num_points, len(values))[0]).Q
    right = torch.linalg.qr(random_matrices(1, len(values), len(values))[0]).Q
    return (left * torch.tensor(values, dtype=torch.float64) @ right.mT)[None]


# --- known condition numbers ---


def exact_condition_number(moment: Callable[[int], Fraction], width: int) -> float:
    """That of the Gram matrix of monomials with these means of ``x^k``, from its eigenvalues in sixty digits."""
    with mpmath.workdps(60):
        rows = [[moment(i + j) for j in range(width)] for i in range(width)]
        gram = mpmath.matrix([[mpmath.mpf(cell.numerator) / cell.denominator for cell in row] for row in rows])
        eigenvalues = mpmath.eigsy(gram, eigvals_only=True)
        return float(max(eigenvalues) / min(eigenvalues))


def mean_of_power(interval: str, power: int) -> Fraction:
    return Fraction(0) if interval == "pm1" and power % 2 else Fraction(1, power + 1)


def mean_on_grid(interval: str, power: int) -> Fraction:
    low, high = map(int, INTERVALS[interval])
    return sum(((low + (high - low) * Fraction(k, 99)) ** power for k in range(100)), Fraction(0)) / 100


@pytest.mark.reference("kappa_monomial_gram_*")
def test_condition_of_monomials_on_an_interval_is_that_of_their_exact_gram_matrix(reference: dict, number: int) -> None:
    interval = next(key for key in INTERVALS if key in reference["name"])
    exact = exact_condition_number(functools.partial(mean_of_power, interval), number)
    assert exact == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    points, weights = gauss(40, *INTERVALS[interval])  # exact to degree 79
    kappa = condition_number(weights.sqrt()[:, None] * Monomial()(points, number))
    assert kappa == pytest.approx(math.sqrt(exact), rel=spectra.relative_error(math.sqrt(exact)))


@pytest.mark.reference("kappa_XtX_monomial_linspace100_*")
def test_condition_of_monomials_on_a_grid_is_the_exact_one(reference: dict, number: int) -> None:
    interval = next(key for key in INTERVALS if f"_{key}_" in reference["name"])
    exact = exact_condition_number(functools.partial(mean_on_grid, interval), number)
    assert exact == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    kappa = condition_number(Monomial()(torch.linspace(*INTERVALS[interval], 100, dtype=torch.float64), number))
    assert kappa == pytest.approx(math.sqrt(exact), rel=spectra.relative_error(math.sqrt(exact)))


@pytest.mark.reference("kappa_cosine_midpoint_grid")
def test_cosines_at_midpoints_are_perfectly_conditioned(reference: dict) -> None:
    midpoints = -1 + 2 * (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    expected = pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])
    assert gram_condition_number(Cosine(), midpoints, 32) == expected


@pytest.mark.reference("kappa_cosine_endpoint_grid_n64_p32")
def test_cosines_on_a_grid_with_both_ends_are_not(reference: dict) -> None:
    assert reference["value"] == pytest.approx(95 / 63, rel=1e-15)
    kappa = gram_condition_number(Cosine(), torch.linspace(-1, 1, 64, dtype=torch.float64), 32)
    assert kappa == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])


@pytest.mark.parametrize(("num_points", "width"), [(16, 3), (64, 33), (65, 65)])
def test_fourier_is_perfect_on_a_half_open_grid_and_suffers_from_a_repeated_end(num_points: int, width: int) -> None:
    grid = torch.linspace(-1, 1, num_points + 1, dtype=torch.float64)
    # Sums of 64 terms of size 2.
    assert gram_condition_number(Fourier(), grid[:-1], width) == pytest.approx(1, abs=1e-12)
    assert gram_condition_number(Fourier(), grid, width) == pytest.approx((num_points + width) / num_points, rel=1e-12)


@pytest.mark.parametrize(("width", "printed"), [(7, 1.3), (15, 2.7), (20, 4.9), (30, 36)])
def test_legendre_on_equal_spacing_is_good_up_to_twice_the_root_of_the_points(width: int, printed: float) -> None:
    kappa = gram_condition_number(Legendre(), torch.linspace(-1, 1, 100, dtype=torch.float64), width)
    assert float(f"{kappa:.2g}") == printed  # known to two digits


@pytest.mark.parametrize("width", [2, 7, 15, 30])
def test_chebyshev_is_orthogonal_for_another_distribution_and_grows_worse_under_the_uniform_one(width: int) -> None:
    points, weights = gauss(64, -1, 1)
    row, column = np.indices((width, width))
    # T_i T_j = (T_(i+j) + T_(i-j)) / 2, and the mean of T_n is 1 / (1 - n^2) for even n and 0 for odd n.
    odd = (row + column) % 2 == 1
    means = (1 / (1.0 - (row + column) ** 2 + odd * 2) + 1 / (1.0 - (row - column) ** 2 + odd * 2)) / 2
    eigenvalues = np.linalg.eigvalsh(np.where(odd, 0, means))
    kappa = condition_number(weights.sqrt()[:, None] * Chebyshev()(points, width)) ** 2
    # The eigenvalues of so good a Gram matrix lose nothing: 40 roundings.
    assert kappa == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=1e-12)
    assert kappa > width


def test_reduction_to_a_triangle_keeps_the_digits_of_an_exact_decomposition() -> None:
    points, weights = gauss(30, 0, 1)
    features = weights.sqrt()[:, None] * Monomial()(points, 11)
    assert len(features) > 2 * features.shape[1]  # the matrix is reduced
    values = spectra.singular_values(features[None])[0]
    with mpmath.workdps(40):
        exact = mpmath.svd_r(mpmath.matrix(features.tolist()), compute_uv=False)
        errors = [abs(mpmath.mpf(value) - truth) for value, truth in zip(values.tolist(), exact, strict=True)]
        # Backward stability: every singular value within a few roundings of the largest, ...
        assert max(errors) < 8 * EPS * exact[0]
        # ... which for kappa^2 = 5.2e14 left 2e-10 in the reference; ten times that here.
        squared = (exact[0] / exact[10]) ** 2
        assert abs(condition_number(features) ** 2 / squared - 1) < 2e-9


@pytest.mark.reference("hilbert_lambda_min_asymptotic_ratio_m16")
def test_smallest_eigenvalue_of_the_hilbert_matrix_comes_close_to_its_asymptotic_formula(reference, number) -> None:
    """Its inverse is C^T C, with the coefficients C of the orthonormal polynomials of [0, 1], which are exact.

    So it is one over the square of the largest singular value of C, which keeps all digits where 1e-23 would keep none.
    """
    rows = [
        [(-1) ** (n + k) * math.comb(n, k) * math.comb(n + k, k) * math.sqrt(2 * n + 1) for k in range(number)]
        for n in range(number)
    ]
    smallest = float(spectra.singular_values(torch.tensor(rows, dtype=torch.float64)[None])[0, 0]) ** -2
    formula = 2 ** (15 / 4) * math.pi**1.5 * math.sqrt(number) * (1 + math.sqrt(2)) ** (-4 * number)
    assert smallest / formula == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])


# --- trust ---


@pytest.mark.parametrize(
    ("kappa", "expected"),
    [
        (1.0, Trust.TRUSTED),
        (math.nextafter(1e12, 0), Trust.TRUSTED),
        (1e12, Trust.ONE_DIGIT),
        (math.nextafter(1e15, 0), Trust.ONE_DIGIT),
        (1e15, Trust.AT_LEAST),
        (1e300, Trust.AT_LEAST),
    ],
)
def test_trust_ends_at_1e12_and_the_last_digit_at_1e15(kappa: float, expected: Trust) -> None:
    assert spectra.trust(kappa) is expected


@pytest.mark.parametrize("kappa", [1e3, 1e8, 9e11, 1e14])
def test_trust_is_deserved(kappa: float) -> None:
    """A matrix built to a condition number is found to have it: to many digits if trusted, else to one."""
    found = condition_number(with_spectrum([1.0, 0.5, 0.1, 1 / kappa], 9)[0])
    # Building the matrix already moves the smallest value by a rounding of the largest, kappa * EPS of itself.
    assert found == pytest.approx(kappa, rel=10 * EPS * kappa)
    assert spectra.trust(kappa) is (Trust.TRUSTED if kappa < 1e12 else Trust.ONE_DIGIT)


# --- shapes and ranks ---


def test_more_columns_than_points_are_infinitely_ill_conditioned() -> None:
    """Although the decomposition of a 64 x 65 matrix shows 64 values and no zero."""
    wide = random_matrices(3, 64, 65)
    values = spectra.singular_values(wide)
    assert values.shape == (3, 64)
    assert (spectra.condition_number(values, (64, 65)) == math.inf).all()
    assert (spectra.effective_rank(values, (64, 65)) == 64).all()
    assert spectra.condition_number_of_range(values, (64, 65)).isfinite().all()


def test_null_directions_are_left_out_of_the_condition_of_the_range() -> None:
    matrix = with_spectrum([8.0, 4.0, 2.0, 0.0, 0.0], 12)
    values = spectra.singular_values(matrix)
    assert spectra.effective_rank(values, (12, 5)) == 3
    assert float(spectra.condition_number_of_range(values, (12, 5))) == pytest.approx(4, rel=1e-13)
    assert float(spectra.condition_number(values, (12, 5))) > 1e15


def test_condition_of_the_range_is_the_condition_at_full_rank() -> None:
    values = spectra.singular_values(random_matrices(4, 9, 5))
    assert torch.equal(spectra.condition_number_of_range(values, (9, 5)), spectra.condition_number(values, (9, 5)))


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (40, 7), (6, 6)])
def test_values_and_ranks_are_those_of_numpy(shape: tuple[int, int]) -> None:
    matrices = random_matrices(3, *shape)
    matrices[1, :, 2] = matrices[1, :, 0] - matrices[1, :, 1]  # rank falls by one where columns are few
    values = spectra.singular_values(matrices)
    # A few roundings of the largest value.
    np.testing.assert_allclose(values, np.linalg.svd(matrices, compute_uv=False), rtol=0, atol=8 * EPS * values.max())
    assert spectra.effective_rank(values, shape).tolist() == np.linalg.matrix_rank(matrices.numpy()).tolist()


@pytest.mark.parametrize("shape", [(1000, 3), (3, 1000)])
def test_rounding_grows_with_the_longer_side(shape: tuple[int, int]) -> None:
    """A value of half of 1000 roundings of the largest is nothing, one of twice that is something."""
    for factor, rank in ((0.5, 2), (2.0, 3)):
        values = torch.tensor([[1.0, 0.1, factor * 1000 * EPS]], dtype=torch.float64)
        assert float(spectra.effective_rank(values, shape)) == rank
        smallest = float(values[0, rank - 1])
        assert float(spectra.condition_number_of_range(values, shape)) == pytest.approx(1 / smallest, rel=1e-15)


def test_matrix_of_zeros_has_rank_zero_and_no_condition() -> None:
    values = spectra.singular_values(torch.zeros(1, 5, 3, dtype=torch.float64))
    assert spectra.effective_rank(values, (5, 3)) == 0
    assert spectra.condition_number(values, (5, 3)).isnan()
    assert spectra.condition_number_of_range(values, (5, 3)).isnan()


# --- what must not go wrong ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_single_precision_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'singular values need float64, not {dtype}')}$"):
        spectra.singular_values(torch.zeros(1, 3, 2, dtype=dtype))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("shape", [(12, 5), (6, 5), (5, 6)])
def test_diverged_trial_is_nan_and_leaves_its_neighbours_alone(bad: float, shape: tuple[int, int]) -> None:
    matrices = random_matrices(3, *shape)
    healthy = spectra.singular_values(matrices)
    matrices[1, 2, 3] = bad
    values = spectra.singular_values(matrices)
    assert torch.equal(values[[0, 2]], healthy[[0, 2]])
    for number in (spectra.condition_number, spectra.condition_number_of_range, spectra.effective_rank):
        assert number(values, shape).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("shape", [(100, 4), (6, 5), (5, 6)])
def test_trial_about_to_overflow_is_a_value_and_no_error(shape: tuple[int, int]) -> None:
    """A diverging network passes through 1e308 before it is infinite."""
    matrices = random_matrices(3, *shape)
    healthy = spectra.singular_values(matrices)
    matrices[1] = 1.7e308 * matrices[1].sign()
    values = spectra.singular_values(matrices)
    assert torch.equal(values[[0, 2]], healthy[[0, 2]])
    assert values[1, 0] == math.inf


@pytest.mark.parametrize("compute", [spectra.of_well_scaled, singular_values], ids=["LAPACK", "kernel"])
@pytest.mark.parametrize("shape", [(16, 5), (100, 33), (20, 20), (7, 9)])
def test_columns_of_zeros_are_as_many_values_of_zero_and_infinite_condition(shape: tuple[int, int], compute) -> None:
    """As those of dead units; of a wide matrix only those beyond its excess of columns count."""
    stack = torch.from_numpy(stream("dead", *shape).standard_normal((3, *shape)))
    dead = max(0, shape[1] - shape[0]) + 2
    stack[0, :, :dead] = 0
    stack[1, :, 0] = stack[1, :, 1] * 3  # dependent, but not to the last bit
    values = spectra.singular_values(stack, compute)
    assert (values[0] == 0).sum() == 2
    assert not (values[1:] == 0).any()
    assert spectra.condition_number(values, shape)[0] == math.inf


@pytest.mark.parametrize("shape", [(5, 5), (9, 7), (17, 17), (33, 65), (65, 65), (100, 65), (101, 33)])
def test_values_of_a_matrix_are_its_own_bit_for_bit(shape: tuple[int, int]) -> None:
    """Whatever is beside it in a stack, and nearly dependent columns too, whose small values are all rounding."""
    stack = torch.from_numpy(stream("beside", *shape).standard_normal((12, *shape)))
    stack[::2] *= 10.0 ** torch.linspace(0, -14, shape[1], dtype=torch.float64)
    together = spectra.singular_values(stack)
    for first, last in ((0, 1), (3, 4), (1, 8), (11, 12)):
        assert torch.equal(spectra.singular_values(stack[first:last]), together[first:last])


@given(exponent=st.integers(-1000, 1000), tall=st.booleans())
def test_scaling_by_a_power_of_two_changes_no_digit(exponent: int, tall: bool) -> None:
    shape = (20, 4) if tall else (5, 4)
    matrix = random_matrices(1, *shape)
    values, scaled = spectra.singular_values(matrix), spectra.singular_values(matrix * 2.0**exponent)
    assert torch.equal(scaled, values * 2.0**exponent)
    for number in (spectra.condition_number, spectra.condition_number_of_range, spectra.effective_rank):
        assert torch.equal(number(scaled, shape), number(values, shape))


@given(
    seed=st.integers(0, 2**32), factor=st.floats(1e-100, 1e100), num_points=st.integers(1, 30), width=st.integers(1, 9)
)
def test_condition_is_invariant_under_scaling_and_the_order_of_points_and_columns(
    seed: int, factor: float, num_points: int, width: int
) -> None:
    rng = stream("invariance", seed)
    matrix = torch.from_numpy(rng.standard_normal((num_points, width)))
    shuffled = factor * matrix[rng.permutation(num_points)][:, rng.permutation(width)]
    kappa = condition_number(matrix)
    # Scaling rounds every entry once, and the decomposition a few times: relative to the largest singular value.
    assert condition_number(shuffled) == pytest.approx(kappa, rel=100 * EPS * min(kappa, 1e12))
