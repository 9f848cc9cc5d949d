"""Stacked least-squares solutions are those of NumPy, whatever the rank, the scale and the stack."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.numerics.least_squares import CACHE_LINE, damped_by_normal_equations, damped_by_qr, least_squares, padded
from pipeline.numerics.randomness import stream

SHAPES = [(20, 5), (24, 8), (7, 7), (5, 9), (1, 3), (33, 1)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
NUM_TRIALS, NUM_TARGETS = 5, 2


def matrices(shape: tuple[int, int], rank: int | None = None) -> Tensor:
    """Random matrices of a shape, ``[T, P, F]``, of some rank."""
    rng = stream("matrices", *shape)
    if rank is None:
        return torch.from_numpy(rng.standard_normal((NUM_TRIALS, *shape)))
    left = rng.standard_normal((NUM_TRIALS, shape[0], rank))
    return torch.from_numpy(left @ rng.standard_normal((NUM_TRIALS, rank, shape[1])))


def targets(num_points: int) -> Tensor:
    return torch.from_numpy(stream("targets").standard_normal((num_points, NUM_TARGETS)))


def monomials(num_points: int, num_features: int) -> Tensor:
    """Columns that are nearly dependent, ``[1, P, F]``."""
    x = torch.linspace(0, 1, num_points, dtype=torch.float64)
    return (x[:, None] ** torch.arange(num_features))[None]


# --- exact ---


@pytest.mark.parametrize("rank", [None, 1])
@each_shape
def test_solution_is_the_shortest_of_numpy(shape, rank) -> None:
    features, values = matrices(shape, rank), targets(shape[0])
    fitted = least_squares(features, values)
    assert fitted.solution_TFK.shape == (NUM_TRIALS, shape[1], NUM_TARGETS)
    for matrix, solution in zip(features, fitted.solution_TFK, strict=True):
        expected = np.linalg.lstsq(matrix.numpy(), values.numpy())[0]
        # Condition numbers below 1e3.
        np.testing.assert_allclose(solution, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("rank", [None, 1])
@each_shape
def test_range_is_that_of_the_matrix(shape, rank) -> None:
    features = matrices(shape, rank)
    range_TPS = least_squares(features, targets(shape[0])).range_TPS
    expected = features @ torch.linalg.pinv(features)
    torch.testing.assert_close(range_TPS @ range_TPS.mT, expected, rtol=1e-11, atol=1e-11)
    assert torch.equal(range_TPS.norm(dim=1).round().sum(dim=1), torch.full((NUM_TRIALS,), rank or min(shape)).double())


def test_matrix_of_zeros_has_the_solution_zero_and_no_range() -> None:
    fitted = least_squares(torch.zeros(1, 6, 3, dtype=torch.float64), targets(6))
    assert not fitted.solution_TFK.any()
    assert not fitted.range_TPS.any()


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e200])
def test_scale_of_the_matrix_only_scales_the_solution(scale) -> None:
    features, values = matrices((20, 5)), targets(20)
    solution = least_squares(features * scale, values).solution_TFK
    torch.testing.assert_close(solution * scale, least_squares(features, values).solution_TFK, rtol=1e-11, atol=0)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_solution_of_a_matrix_that_is_not_finite_is_nan_and_that_of_its_neighbours_is_not(bad) -> None:
    features = matrices((20, 5))
    expected = least_squares(features, targets(20)).solution_TFK
    features[1, 2, 3] = bad
    solution = least_squares(features, targets(20)).solution_TFK
    assert solution[1].isnan().all()
    others = [0, 2, 3, 4]
    assert torch.equal(solution[others], expected[others])


# --- damped ---


def test_damped_steps_are_those_of_an_augmented_system_of_numpy() -> None:
    matrix_TNM = matrices((6, 20))
    residual_TM = torch.from_numpy(stream("residuals").standard_normal((NUM_TRIALS, 20)))
    damping_T = torch.logspace(-8, 2, NUM_TRIALS, dtype=torch.float64)
    gradient_TN = (matrix_TNM @ residual_TM[..., None])[..., 0]
    by_normal = damped_by_normal_equations(matrix_TNM, gradient_TN, damping_T)
    by_qr = damped_by_qr(matrix_TNM, residual_TM, damping_T)
    for trial in range(NUM_TRIALS):
        stacked = np.concatenate([matrix_TNM[trial].numpy().T, float(damping_T[trial]) ** 0.5 * np.eye(6)])
        expected = np.linalg.lstsq(stacked, np.concatenate([residual_TM[trial].numpy(), np.zeros(6)]))[0]
        np.testing.assert_allclose(by_normal[trial], expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(by_qr[trial], expected, rtol=1e-12, atol=1e-13)


def test_qr_keeps_the_digits_that_the_normal_equations_lose() -> None:
    """Monomials of condition 1e7 on a known solution: 1e-16 times the condition, against its square."""
    features = monomials(40, 10)
    values = stream("solution").standard_normal(10)
    residual = features @ torch.from_numpy(values)[:, None]
    gradient = (features.mT @ residual)[..., 0]
    damping = torch.tensor([1e-30], dtype=torch.float64)
    by_qr = damped_by_qr(features.mT, residual[..., 0], damping)[0]
    by_normal = damped_by_normal_equations(features.mT, gradient, damping)[0]
    assert np.abs(by_qr.numpy() - values).max() < 1e-8
    assert not np.abs(by_normal.numpy() - values).max() < 1e-6


def test_step_that_does_not_exist_is_nan_and_its_neighbours_are_not() -> None:
    """Without damping: a matrix of zeros, and one that is not finite."""
    matrix_TNM = matrices((3, 8))[:4]
    matrix_TNM[1] = torch.nan
    matrix_TNM[0] = 0
    residual_TM, damping_T = torch.ones(4, 8, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    gradient_TN = (matrix_TNM @ residual_TM[..., None])[..., 0]
    for step_TN in (
        damped_by_normal_equations(matrix_TNM, gradient_TN, damping_T),
        damped_by_qr(matrix_TNM, residual_TM, damping_T),
    ):
        assert step_TN.shape == (4, 3)
        assert step_TN[:2].isnan().all()
        assert step_TN[2:].isfinite().all()


# --- the stack ---


@each_shape
def test_numbers_of_a_matrix_are_the_same_bits_in_every_stack(shape) -> None:
    features, values = matrices(shape), targets(shape[0])
    residual_TM = torch.from_numpy(stream("residuals").standard_normal((NUM_TRIALS, shape[0])))
    gradient_TN = (features.mT * residual_TM[:, None]).sum(dim=2)
    damping_T = torch.full((NUM_TRIALS,), 0.01, dtype=torch.float64)

    def numbers(of: slice) -> tuple[Tensor, ...]:
        matrix = features[of].clone()
        by_normal = damped_by_normal_equations(matrix.mT, gradient_TN[of].clone(), damping_T[of])
        return (
            *least_squares(matrix, values),
            by_normal,
            damped_by_qr(matrix.mT, residual_TM[of].clone(), damping_T[of]),
        )

    whole = numbers(slice(None))
    for first, last in ((0, 1), (1, 2), (4, 5), (1, 4), (3, 5)):
        for part, of_whole in zip(numbers(slice(first, last)), whole, strict=True):
            assert torch.equal(part, of_whole[first:last])


@each_shape
def test_padded_matrices_begin_on_a_cache_line(shape) -> None:
    wide = padded(matrices(shape))
    assert wide.stride(0) % CACHE_LINE == wide.stride(1) % CACHE_LINE == wide.shape[1] % CACHE_LINE == 0
    assert torch.equal(wide[:, : shape[0], : shape[1]], matrices(shape))
    assert wide.count_nonzero() == matrices(shape).count_nonzero()
