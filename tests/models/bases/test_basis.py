"""Every basis keeps the promises its class makes."""

import math
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import FieldError, PipelineError
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline, LocalBasis
from pipeline.numerics import spectra
from pipeline.numerics.randomness import stream
from pipeline.problems.measures import Uniform

EPS = torch.finfo(torch.float64).eps
LINE = torch.linspace(-1, 1, 257, dtype=torch.float64)
CLAIMING = [kind() for kind in BASES.values() if kind.orthonormal_under is not None]
CLAIMING_NOTHING = [kind() for kind in BASES.values() if kind.orthonormal_under is None]
WIDTHS = (1, 2, 3, 4, 8, 17, 33)


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def basis(request: pytest.FixtureRequest) -> Basis:
    return request.param()


def random_points(num_points: int) -> Tensor:
    return torch.from_numpy(stream("random points").uniform(-1, 1, num_points))


@pytest.mark.parametrize("width", WIDTHS)
def test_there_is_a_row_for_every_point_and_a_column_for_every_function(basis: Basis, width: int) -> None:
    assert basis(LINE, width).shape == (len(LINE), width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("num_inputs", [1, 2])
def test_narrow_basis_is_a_prefix_of_a_wide_one_exactly_if_it_claims_to_be(
    basis: Basis, width: int, num_inputs: int
) -> None:
    points = torch.from_numpy(stream("prefix").uniform(-1, 1, (100, num_inputs)))
    width **= num_inputs
    narrow, wide = (basis.features(points, size)[:, :width] for size in (width, 40**num_inputs))
    if basis.nested:
        # A vectorised kernel may round a column differently by where it lies in memory: a few units in the last place.
        torch.testing.assert_close(narrow, wide, rtol=4 * EPS, atol=4 * EPS)
    else:
        assert (narrow - wide).abs().max() > 0.1


def test_first_function_is_one_exactly_if_that_is_claimed(basis: Basis) -> None:
    assert torch.equal(basis(LINE, 5)[:, 0], torch.ones_like(LINE)) == basis.begins_with_one


@pytest.mark.parametrize("width", WIDTHS)
def test_functions_are_a_partition_of_unity_exactly_if_that_is_claimed(basis: Basis, width: int) -> None:
    if width == 1 and not basis.sums_to_one:
        return  # the constant alone is one
    values = basis(random_points(300), width)
    apart = float((values.sum(dim=1) - 1).abs().max())
    # Sums of a few numbers below 1, each from a difference of places up to 33.
    assert (values.min() >= 0 and apart < 40 * EPS) if basis.sums_to_one else apart > 1e-3


@pytest.mark.parametrize("width", WIDTHS)
def test_functions_are_zero_outside_their_support_and_nowhere_inside(basis: Basis, width: int) -> None:
    points = random_points(5000)
    low, high = basis.support(width).unbind(dim=1)
    assert low.dtype == torch.float64
    assert ((low >= -1) & (low <= high) & (high <= 1)).all()
    inside = (points[:, None] > low) & (points[:, None] < high)
    assert torch.equal(basis(points, width) != 0, inside)
    assert (inside.sum(dim=0) > 0).all() or not basis.independent


@pytest.mark.parametrize("num_inputs", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_features_of_several_inputs_are_as_many_as_asked_for_in_the_dtype_of_the_inputs(
    basis: Basis, num_inputs: int, dtype: torch.dtype
) -> None:
    points = torch.from_numpy(stream("inputs").uniform(-1, 1, (7, num_inputs))).to(dtype)
    features = basis.features(points, 3**num_inputs)
    assert features.shape == (7, 3**num_inputs)
    assert features.dtype == dtype
    assert len(torch.unique(features, dim=1).T) > 1


def test_features_of_one_input_are_the_functions(basis: Basis) -> None:
    points = random_points(50)
    assert torch.equal(basis.features(points[:, None], 9), basis(points, 9))


NEVER_OUTSIDE = (
    "\n  hint: take inputs in there, or functions of the whole line, such as legendre, cosine or random_fourier"
)


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (0.0, 1.0), (-1.0, 1.5), (-math.inf, math.inf)])
def test_problem_with_inputs_outside_the_domain_is_refused(basis: Basis, bounds: tuple[float, float]) -> None:
    if basis.domain is None or bounds in [(-1.0, 1.0), (0.0, 1.0)]:
        basis.check(9, 2, bounds)
        return
    what = f"{basis.name()} has functions on [-1, 1] only, and the inputs may lie anywhere in "
    what += f"[{bounds[0]:g}, {bounds[1]:g}]"
    with pytest.raises(FieldError, match=f"^{re.escape(what + NEVER_OUTSIDE)}$"):
        basis.check(9, 2, bounds)


@pytest.mark.parametrize("value", [1.25, -3.0, math.inf, math.nan])
def test_inputs_outside_the_domain_are_one_clear_message_and_elsewhere_they_have_values(
    basis: Basis, value: float
) -> None:
    points = torch.tensor([[0.5, 0.0], [0.25, value], [1.0, -1.0]], dtype=torch.float64)
    if basis.domain is None:
        assert basis.features(points, 9).isfinite().all() or not math.isfinite(value)
        return
    what = f"{basis.name()} has functions on [-1, 1] only, and 1 of 3 points lie outside, as far as {abs(value):.4g}"
    with pytest.raises(PipelineError, match=f"^{re.escape(what + NEVER_OUTSIDE)}$"):
        basis.features(points, 9)


def test_values_are_finite_on_the_whole_interval_both_ends_included(basis: Basis) -> None:
    assert basis(LINE, 200).isfinite().all()


def test_value_at_a_point_does_not_depend_on_the_other_points(basis: Basis) -> None:
    points = random_points(101)
    alone = torch.cat([basis(points[i : i + 1], 33) for i in range(len(points))])
    torch.testing.assert_close(basis(points, 33), alone, rtol=4 * EPS, atol=4 * EPS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_of_the_points_is_kept(basis: Basis, dtype: torch.dtype) -> None:
    assert basis(LINE.to(dtype), 9).dtype == dtype


def test_single_precision_differs_from_double_by_its_rounding_only(basis: Basis) -> None:
    points = random_points(500).float()
    double = basis(points.double(), 17)
    # Rounding of an argument up to 8 pi, or of 16 recurrence steps, is below 100 units of float32.
    torch.testing.assert_close(basis(points, 17).double(), double, rtol=0, atol=100 * 6e-8 * float(double.abs().max()))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("basis", CLAIMING, ids=Basis.label)
def test_claimed_orthonormality_holds(basis: Basis, width: int, quadrature) -> None:
    assert basis.orthonormal_under == Uniform(), (
        "the quadrature here is of the uniform distribution; write that of the new one"
    )
    points, weights = quadrature()
    values = basis(points, width)
    # Means of products up to 65, over 2112 nodes with their own rounding; a float32 constant would show as 1e-7.
    torch.testing.assert_close(
        values.mT @ (weights[:, None] * values), torch.eye(width, dtype=torch.float64), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("basis", CLAIMING_NOTHING, ids=Basis.label)
def test_basis_that_claims_nothing_is_not_orthonormal(basis: Basis, quadrature) -> None:
    """Otherwise it should make the claim."""
    points, weights = quadrature()
    values = basis(points, 4)
    assert (values.mT @ (weights[:, None] * values) - torch.eye(4)).abs().max() > 0.01


def test_jumps_are_at_dyadic_points_if_claimed_and_nowhere_otherwise(basis: Basis) -> None:
    cells = torch.linspace(-1, 1, 2**10 + 1, dtype=torch.float64)
    inside = torch.stack([cells[:-1] + 1e-9, cells[1:] - 1e-9])
    within_a_cell = (basis(inside[0], 33) - basis(inside[1], 33)).abs().max()
    across_an_edge = (basis(inside[0, 1:], 33) - basis(inside[1, :-1], 33)).abs().max()
    if basis.breaks_at_dyadic:
        assert within_a_cell == 0
        assert across_an_edge > 1
    else:
        assert across_an_edge < 1e-4  # slopes up to 33^2 sqrt(65) over 2e-9


def test_functions_are_linearly_independent_exactly_if_that_is_claimed(basis: Basis, quadrature) -> None:
    points, weights = quadrature()
    values = (weights.sqrt()[:, None] * basis(points, 9))[None]
    rank = spectra.effective_rank(spectra.singular_values(values), tuple(values.shape[1:]))
    assert bool(rank == 9) == basis.independent


def test_source_is_named(basis: Basis) -> None:
    assert basis.source


def test_value_is_the_same_from_numpy_memory_that_is_not_contiguous(basis: Basis) -> None:
    table = torch.from_numpy(np.asfortranarray(stream("table").uniform(-1, 1, (50, 3))))
    column = torch.from_numpy(table.numpy()[::2, 1])
    torch.testing.assert_close(basis(column, 9), basis(column.clone(), 9), rtol=4 * EPS, atol=4 * EPS)


OF_KNOWN_ORDER = [kind() for kind in BASES.values() if kind().approximation_order()] + [BSpline(1), BSpline(2)]


@pytest.mark.parametrize("basis", OF_KNOWN_ORDER, ids=Basis.label)
def test_errors_of_a_smooth_function_fall_at_least_as_fast_as_the_order_says(basis: Basis, quadrature) -> None:
    """exp(x), whose ends do not match, in the mean square: as fast for a finite order, faster than any power else."""
    points, weights = quadrature()
    root = weights.sqrt()[:, None]
    errors = []
    degree = getattr(basis, "degree", 1) if isinstance(basis, LocalBasis) else 0  # functions more than cells
    for width in (8 + degree, 16 + degree, 32 + degree):
        scaled = root * basis(points, width)
        target = root * points.exp()[:, None]
        errors.append(float((scaled @ torch.linalg.lstsq(scaled, target, driver="gelsd").solution - target).norm()))
    falls = np.log2(errors[0] / errors[1]), np.log2(errors[1] / errors[2])
    order = basis.approximation_order()
    if np.isinf(order):
        assert errors[1] < 1e-11
    else:
        # The first function is a constant and dyadic levels begin at powers of two: rates settle from above and below.
        assert falls == pytest.approx((order, order), abs=0.1)
