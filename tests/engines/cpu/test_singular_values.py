"""Singular values by kernels are those of the matrix, and of it alone."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.engines.cpu import singular_values as engine
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.kernels import sturm_counts as fused
from pipeline.engines.cpu.singular_values import MOST_COLUMNS, singular_values
from pipeline.numerics import spectra
from pipeline.numerics.randomness import stream

EPS = torch.finfo(torch.float64).eps
ROUNDINGS = 4
"""Of the largest value, by which each may be wrong: those of the reduction; LAPACK needs as many."""


def random_matrix(*shape: int) -> Tensor:
    return torch.from_numpy(stream("values", *shape).standard_normal(shape))


def graded(size: int) -> Tensor:
    return random_matrix(size, size) * torch.logspace(0, -300, size, dtype=torch.float64)


def with_zeros_and_twins(size: int) -> Tensor:
    matrix = random_matrix(size, size)
    matrix[:, size // 2], matrix[:, -1] = 0, matrix[:, 0]
    return matrix


def of_low_rank(size: int) -> Tensor:
    return random_matrix(size, 2) @ random_matrix(2, size)


def orthonormal(size: int) -> Tensor:
    return torch.linalg.qr(random_matrix(size, size)).Q


def vandermonde(size: int) -> Tensor:
    return torch.linspace(-1, 1, size, dtype=torch.float64)[:, None] ** torch.arange(size)


def hilbert(size: int) -> Tensor:
    number = torch.arange(size, dtype=torch.float64)
    return 1 / (number[:, None] + number + 1)


def one_entry(size: int) -> Tensor:
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix[size // 2, size // 3] = 1e-70
    return matrix


def diagonal(size: int) -> Tensor:
    return random_matrix(size).diag()


def ones(size: int) -> Tensor:
    return torch.ones(size, size, dtype=torch.float64)


def bidiagonal_that_splits(size: int) -> Tensor:
    return torch.eye(size, dtype=torch.float64) + torch.diag((torch.arange(1, size) % 3).double(), 1)


MATRICES: list[Callable[[int], Tensor]] = [
    graded,
    lambda size: graded(size).mT,
    with_zeros_and_twins,
    of_low_rank,
    orthonormal,
    vandermonde,
    hilbert,
    one_entry,
    diagonal,
    ones,
    bidiagonal_that_splits,
]


def exact(matrix: np.ndarray) -> np.ndarray:
    """With 30 digits: LAPACK has been seen to be wrong by 60 roundings where many entries are zero."""
    with mpmath.workprec(100):
        return np.array([float(x) for x in mpmath.svd_r(mpmath.matrix(matrix.tolist()), compute_uv=False)])


def known(size: int) -> tuple[Tensor, Tensor]:
    """Ones in a triangle, rows and columns in any order, and the values: of the inverse, which takes differences."""
    rows, columns = (torch.from_numpy(stream("order", size, n).permutation(size)) for n in range(2))
    k = torch.arange(1, size + 1, dtype=torch.float64)
    values = 1 / (2 * torch.sin((2 * k - 1) * (math.pi / (4 * size + 2))))
    return torch.ones(size, size, dtype=torch.float64).triu()[rows][:, columns], values


@pytest.mark.parametrize("size", [1, 2, 3, 17])
@pytest.mark.parametrize("kind", MATRICES)
def test_values_are_right_to_a_few_roundings_of_the_largest(kind: Callable[[int], Tensor], size: int) -> None:
    matrix = kind(size)
    expected = exact(matrix.numpy())
    np.testing.assert_allclose(singular_values(matrix[None])[0], expected, rtol=0, atol=ROUNDINGS * EPS * expected[0])


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 24, 25, 33, 65, 130, 257, MOST_COLUMNS])
def test_values_of_a_triangle_of_ones_are_known(size: int) -> None:
    matrix, values = known(size)
    roundings = ROUNDINGS * max(1, math.sqrt(size / 64))  # as those of long sums add up; LAPACK's are half as large
    torch.testing.assert_close(singular_values(matrix[None])[0], values, rtol=0, atol=roundings * EPS * values[0])


@pytest.mark.parametrize("shape", [(1, 1), (12, 5), (5, 12), (40, 7), (7, 40), (256, 65), (100, 65), (9, 1)])
def test_values_of_any_shape_are_those_of_numpy_from_large_to_small(shape: tuple[int, int]) -> None:
    stack = random_matrix(3, *shape)
    found, expected = singular_values(stack), np.linalg.svd(stack, compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2 * ROUNDINGS * EPS * expected.max())
    assert (found.diff(dim=1) <= 0).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 6))
def test_small_whole_entries_where_polynomials_are_often_exactly_zero(seed: int, size: int) -> None:
    matrix = stream("wholes", seed).integers(-1, 2, (size, size)).astype(float)
    found, expected = singular_values(torch.from_numpy(matrix)[None])[0], exact(matrix)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDINGS * EPS * expected[0])


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), size=st.integers(2, 14))
def test_diagonals_of_numbers_next_to_nothing_or_the_same(seed: int, size: int) -> None:
    rng = stream("tiny", seed)
    numbers = np.array([0, 0, 1, 1, 0.5, *2.0 ** -np.array([29, 30, 56, 58, 59, 60, 62, 400])])
    chosen = rng.choice(numbers, rng.integers(1, 5))
    matrix = np.diag(rng.choice(chosen, size)) + np.diag(rng.choice(chosen, size - 1), 1)
    expected = exact(matrix)
    found = spectra.singular_values(torch.from_numpy(matrix)[None], singular_values)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDINGS * EPS * expected[0])


@pytest.mark.parametrize(("interpolated", "passes"), [(0, 60), (60, 30)], ids=["halving", "interpolation"])
def test_passes_that_only_halve_are_enough_and_interpolation_needs_fewer(
    interpolated: int, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "INTERPOLATED", interpolated)
    monkeypatch.setattr(fused, "MOST_PASSES", passes)
    kernel = Kernel(fused.singular_values_program())
    monkeypatch.setattr(engine, "singular_values_kernel", lambda: kernel)
    stack = random_matrix(8, 65, 65)
    expected = np.linalg.svd(stack, compute_uv=False)
    np.testing.assert_allclose(singular_values(stack), expected, rtol=0, atol=2 * ROUNDINGS * EPS * expected.max())


@pytest.mark.parametrize("size", [5, 33])
def test_values_of_a_matrix_are_its_own_bit_for_bit_and_in_order(size: int) -> None:
    stack = torch.stack([kind(size) for kind in MATRICES])
    values = singular_values(stack)
    assert (values.diff(dim=1) <= 0).all()
    assert torch.equal(singular_values(stack.flip(0)).flip(0), values)
    assert torch.equal(singular_values(stack.mT.contiguous().mT), values)
    with ThreadPoolExecutor(3) as pool:
        alone = list(pool.map(singular_values, stack[:, None]))
    assert torch.equal(torch.cat(alone), values)


def test_matrices_of_zeros_have_none_but_zeros() -> None:
    assert torch.equal(singular_values(torch.zeros(2, 9, 5).double()), torch.zeros(2, 5).double())
    assert singular_values(torch.zeros(2, 9, 0).double()).shape == (2, 0)
    assert singular_values(torch.zeros(0, 9, 5).double()).shape == (0, 5)


@pytest.mark.parametrize("kind", [hilbert, vandermonde, of_low_rank, with_zeros_and_twins])
def test_singular_matrices_have_a_condition_above_what_float64_can_tell(kind: Callable[[int], Tensor]) -> None:
    condition = spectra.condition_number(singular_values(kind(48)[None]), (48, 48))
    assert spectra.trust(float(condition)) is spectra.Trust.AT_LEAST
    assert condition.isfinite().all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1.7e308, 1e-308])
@pytest.mark.parametrize("shape", [(20, 5), (6, 5), (5, 6)])
def test_a_trial_that_diverges_leaves_its_neighbours_alone(bad: float, shape: tuple[int, int]) -> None:
    stack = random_matrix(3, *shape)
    healthy = spectra.singular_values(stack, singular_values)
    stack[1] *= bad
    values = spectra.singular_values(stack, singular_values)
    assert torch.equal(values[[0, 2]], healthy[[0, 2]])
    expected = spectra.singular_values(stack)
    torch.testing.assert_close(values[1], expected[1], rtol=1e-12, atol=0, equal_nan=True)


@given(exponent=st.integers(-1000, 1000), tall=st.booleans())
def test_scaling_by_a_power_of_two_changes_no_digit(exponent: int, tall: bool) -> None:
    matrix = random_matrix(1, 20 if tall else 5, 4)
    values = spectra.singular_values(matrix, singular_values)
    assert torch.equal(spectra.singular_values(matrix * 2.0**exponent, singular_values), values * 2.0**exponent)


def test_matrices_with_more_columns_than_pay_go_to_lapack() -> None:
    matrix = random_matrix(1, MOST_COLUMNS + 2, MOST_COLUMNS + 1)
    assert torch.equal(singular_values(matrix), torch.linalg.svdvals(matrix))
