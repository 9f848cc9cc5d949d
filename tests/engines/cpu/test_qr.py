"""A triangular factor has the singular values of its matrix, and the same scalar products of columns."""

import pytest
import torch
from torch import Tensor

from pipeline.engines.cpu.qr import MOST_COLUMNS, triangular_factors
from pipeline.engines.cpu.singular_values import singular_values
from pipeline.numerics.randomness import stream

SIZES = [(1, 1), (9, 1), (8, 2), (20, 7), (33, 33), (77, 10), (256, 65), (40, 18), (MOST_COLUMNS + 1, MOST_COLUMNS + 1)]


def matrices(rows: int, columns: int) -> Tensor:
    """At random; with a column of zeros and one that is there twice; powers, nearly dependent; nearly a triangle."""
    stack = torch.from_numpy(stream("tall", rows, columns).standard_normal((4, rows, columns)))
    stack[1, :, columns // 2], stack[1, :, -1] = 0, stack[1, :, 0]
    stack[2] = torch.linspace(-1, 1, rows).double()[:, None] ** torch.arange(columns)
    stack[3] = stack[3].triu() + 1e-8 * stack[3].tril(-1)
    return stack


@pytest.mark.parametrize("size", SIZES)
def test_triangular_factor_has_the_singular_values_and_scalar_products_of_its_matrix(size: tuple[int, int]) -> None:
    """Values that LAPACK finds of 257 columns are off by up to 2e-15 already, those of the kernel by a tenth of it."""
    stack = matrices(*size)
    factors = triangular_factors(stack)
    assert torch.equal(factors, factors.triu())
    largest_T = torch.linalg.matrix_norm(stack, 2)
    error_TS = singular_values(factors) - torch.linalg.svdvals(stack)  # of squares, which it does not reduce again
    assert (error_TS.abs().amax(dim=1) <= 3e-15 * largest_T).all()
    error_TFF = factors.mT @ factors - stack.mT @ stack
    assert (torch.linalg.matrix_norm(error_TFF, 2) <= 1e-14 * largest_T**2).all()


def test_diagonal_of_rows_already_triangular_is_theirs_but_for_signs() -> None:
    upper = torch.from_numpy(stream("upper").standard_normal((1, 12, 12))).triu()
    found = triangular_factors(torch.cat([upper, torch.zeros(1, 9, 12).double()], dim=1))
    torch.testing.assert_close(found.abs(), upper.abs(), rtol=1e-14, atol=0)


def test_factor_of_a_matrix_is_its_own_bit_for_bit_however_it_lies_in_memory() -> None:
    stack = matrices(77, 10)
    alone = triangular_factors(stack[2, None])
    assert torch.equal(triangular_factors(stack)[2], alone[0])
    assert torch.equal(triangular_factors(stack.mT.contiguous().mT)[2], alone[0])


@pytest.mark.parametrize("scale", [1e-75, 1e75])
def test_scale_does_not_matter_within_what_does_not_overflow(scale: float) -> None:
    stack = matrices(77, 10)
    torch.testing.assert_close(
        triangular_factors(stack * scale) / scale, triangular_factors(stack), rtol=1e-9, atol=1e-14
    )


@pytest.mark.parametrize("tiny", [1e-153, 1e-155, 1e-158, 1e-163, 5e-324])
def test_columns_whose_squares_nearly_vanish_do_no_harm_to_the_others(tiny: float) -> None:
    """Such are the features of units that have gone far below zero, as ``exp(-360)`` is 1e-156."""
    stack = matrices(40, 5)[:1]
    stack[:, :, 2] *= tiny
    stack[:, :, 4] = 3 * stack[:, :, 2]
    error_TS = torch.linalg.svdvals(triangular_factors(stack)) - torch.linalg.svdvals(stack)
    assert error_TS.abs().max() <= 3e-15 * torch.linalg.matrix_norm(stack, 2)
