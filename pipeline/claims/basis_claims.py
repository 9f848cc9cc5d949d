"""What is true of every basis, and what a basis says of itself."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis
from pipeline.numerics import spectra
from pipeline.numerics.quadrature import cell_boundaries, gauss
from pipeline.numerics.randomness import stream
from pipeline.problems.measures import Uniform

EPS = torch.finfo(torch.float64).eps
LINE = torch.linspace(-1, 1, 257, dtype=torch.float64)
"""From end to end, the dyadic points among them."""
WIDTHS = (1, 2, 3, 4, 8, 17, 33)


def widths_of(basis: Basis) -> list[int]:
    """Those of ``WIDTHS`` that a basis can have."""
    return [width for width in WIDTHS if _admitted(basis, width)]


def _admitted(basis: Basis, width: int) -> bool:
    try:
        basis.check(width, 1, (-1.0, 1.0))
    except FieldError:
        return False
    return True


def random_points(num_points: int) -> Tensor:
    """Points of [-1, 1], the same ones always, shape ``[P]``, float64."""
    return torch.from_numpy(stream("random points").uniform(-1, 1, num_points))


def has_a_column_for_each_function(basis: Basis) -> str:
    """values are [points, functions], in the dtype of the points."""
    for dtype, width in itertools.product((torch.float64, torch.float32), widths_of(basis)):
        values = basis(LINE.to(dtype, copy=True), width)
        if values.shape != (len(LINE), width):
            return f"the shape is {list(values.shape)} for {len(LINE)} points and {width} functions"
        if values.dtype != dtype:
            return f"the values are {values.dtype} for points of {dtype}"
    return ""


def is_finite_up_to_the_ends(basis: Basis) -> str:
    """values are finite on all of [-1, 1], both ends included."""
    values = basis(LINE.clone(), 200)
    bad = ~values.isfinite()
    return f"function {int(bad.any(dim=0).nonzero()[0])} of 200 is not" if bad.any() else ""


def is_the_same_twice_and_point_by_point(basis: Basis) -> str:
    """a value depends on its point alone, and is the same every time."""
    points = random_points(101)
    whole = basis(points, 33)
    if not torch.equal(whole, basis(points.clone(), 33)):
        return "the same points give other values the second time"
    alone = torch.cat([basis(points[i : i + 1], 33) for i in range(len(points))])
    apart = float((whole - alone).abs().max())
    return f"a point alone differs by {apart:.2g}" if apart > 4 * EPS * float(whole.abs().max()) else ""


def differs_in_single_precision_by_rounding(basis: Basis) -> str:
    """single precision differs from double by its rounding."""
    points = random_points(500).float()
    double = basis(points.double(), 17)
    # Rounding of an argument up to 8 pi, or of 16 recurrence steps, is below 100 units of float32.
    apart, most = float((basis(points, 17).double() - double).abs().max()), 100 * 6e-8 * float(double.abs().max())
    return f"it differs by {apart:.2g}" if not apart <= most else ""


def is_nested_as_claimed(basis: Basis) -> str:
    """nested: a narrow basis is the beginning of a wide one, exactly if that is claimed."""
    points = random_points(100)
    apart = max(float((basis(points, width) - basis(points, 40)[:, :width]).abs().max()) for width in widths_of(basis))
    if basis.nested:  # a vectorised kernel may round a column differently by where it lies in memory
        return f"functions differ by {apart:.2g} from the same ones of 40" if apart > 8 * EPS * _size(basis) else ""
    return "" if apart > 0.1 else "it is nested, and says that it is not"


def _size(basis: Basis) -> float:
    return max(1.0, float(basis(random_points(100), 40).abs().max()))


def begins_with_one_as_claimed(basis: Basis) -> str:
    """begins_with_one: function 0 is the constant 1, exactly if that is claimed."""
    is_one = torch.equal(basis(LINE.clone(), 5)[:, 0], torch.ones_like(LINE))
    return "" if is_one == basis.begins_with_one else f"it is{'' if is_one else ' not'}"


def sums_to_one_as_claimed(basis: Basis) -> str:
    """sums_to_one: the functions are a partition of unity at every width, exactly if that is claimed."""
    for width in widths_of(basis):
        values = basis(random_points(300), width)
        apart = float((values.sum(dim=1) - 1).abs().max())
        # Sums of a few numbers below 1, each from a difference of places up to 33.
        if basis.sums_to_one and (values.min() < 0 or apart > 40 * EPS):
            return f"at width {width} the sum is off by {apart:.2g} and the least value is {float(values.min()):.2g}"
        if not basis.sums_to_one and width > 1 and values.min() >= 0 and apart < 1e-3:
            return f"they are at width {width}"
    return ""


def is_zero_outside_its_support_only(basis: Basis) -> str:
    """support: each function is zero outside of it, and nowhere inside."""
    points = random_points(5000)
    for width in widths_of(basis):
        low, high = basis.support(width).unbind(dim=1)
        inside = (points[:, None] > low) & (points[:, None] < high)
        wrong = (basis(points, width) != 0) != inside
        if wrong.any():
            point, function = (int(index) for index in wrong.nonzero()[0])
            side = "zero inside" if inside[point, function] else "not zero outside"
            return f"function {function} of {width} is {side} of it, at {float(points[point]):.4g}"
    return ""


def is_independent_as_claimed(basis: Basis) -> str:
    """independent: nine functions are linearly independent, exactly if that is claimed."""
    points, weights = _quadrature()
    values = (weights.sqrt()[:, None] * basis(points, 9))[None]
    rank = int(spectra.effective_rank(spectra.singular_values(values), (len(points), 9)))
    return "" if (rank == 9) == basis.independent else f"the rank of nine is {rank}"


def is_orthonormal_as_claimed(basis: Basis) -> str:
    """orthonormal_under: the mean of a product of two functions is 1 or 0, exactly if that is claimed."""
    points, weights = _quadrature()
    if basis.orthonormal_under is not None and basis.orthonormal_under != Uniform():
        return f"means under {basis.orthonormal_under.label()} cannot be checked; those under uniform can"
    apart = 0.0
    for width in widths_of(basis):
        values = basis(points, width)
        apart = max(apart, float((values.mT @ (weights[:, None] * values) - torch.eye(width)).abs().max()))
    if basis.orthonormal_under is None:
        return "" if apart > 0.01 else "they are orthonormal under uniform, and nothing is claimed"
    # Means of products up to 65, over 2112 nodes with their own rounding; a float32 constant would show as 1e-7.
    return f"a mean is off by {apart:.2g}" if apart > 1e-12 else ""


def jumps_as_claimed(basis: Basis) -> str:
    """breaks_at_dyadic: functions jump at dyadic points, exactly if that is claimed."""
    cells = torch.linspace(-1, 1, 2**10 + 1, dtype=torch.float64)
    inside = torch.stack([cells[:-1] + 1e-9, cells[1:] - 1e-9])
    within = float((basis(inside[0], 33) - basis(inside[1], 33)).abs().max())
    across = float((basis(inside[0, 1:], 33) - basis(inside[1, :-1], 33)).abs().max())
    if basis.breaks_at_dyadic:
        right = within == 0 and across > 1
        return "" if right else f"within a cell they change by {within:.2g}, across an edge by {across:.2g}"
    return "" if across < 1e-4 else f"they jump by {across:.2g}"  # slopes up to 33^2 sqrt(65) over 2e-9


def falls_at_the_claimed_order(basis: Basis) -> str | None:
    """order: best errors of exp(x) fall as width^-order, or faster than any power if it is infinite."""
    order = basis.approximation_order()
    if order is None:
        return None
    points, weights = _quadrature()
    root, errors = weights.sqrt()[:, None], []
    # Functions more than cells, of splines: their degree.
    more = getattr(basis, "degree", 1) if not basis.nested else 0
    for width in (8 + more, 16 + more, 32 + more):
        scaled, target = root * basis(points, width), root * points.exp()[:, None]
        best = torch.linalg.lstsq(scaled, target, driver="gelsd").solution
        errors.append(float((scaled @ best - target).norm()))
    if math.isinf(order):
        return "" if errors[1] < 1e-11 else f"the error at width 16 is {errors[1]:.2g}, not rounding"
    falls = [math.log2(wide / narrow) for wide, narrow in itertools.pairwise(errors)]
    # The first function is a constant and dyadic levels begin at powers of two: rates settle from above and below.
    close = all(abs(fall - order) <= 0.1 for fall in falls)
    return "" if close else f"they fall as width^-{falls[0]:.2f} and width^-{falls[1]:.2f}, not width^-{order:g}"


def names_its_source(basis: Basis) -> str:
    """source: it says where the functions are from."""
    return "" if basis.source else "it is empty"


def _quadrature() -> tuple[Tensor, Tensor]:
    """Nodes ``[P]`` and weights ``[P]`` of the uniform distribution on [-1, 1]: 33 Gauss nodes in each of 64 cells."""
    points_P1, weights_P = gauss(cell_boundaries(-1.0, 1.0, (), 64), 1, 33)
    return points_P1[:, 0], weights_P.reshape(-1)


BASIS_GRANTED: tuple[Claim, ...] = (has_a_column_for_each_function, is_the_same_twice_and_point_by_point)
"""What training takes for granted: where one fails, every number would be false."""

BASIS_CLAIMS: tuple[Claim, ...] = (
    *BASIS_GRANTED,
    is_finite_up_to_the_ends,
    differs_in_single_precision_by_rounding,
    is_nested_as_claimed,
    begins_with_one_as_claimed,
    sums_to_one_as_claimed,
    is_zero_outside_its_support_only,
    is_independent_as_claimed,
    is_orthonormal_as_claimed,
    jumps_as_claimed,
    falls_at_the_claimed_order,
    names_its_source,
)
