"""Every basis keeps the promises its class makes."""

import math
import re

import numpy as np
import pytest
import torch

from pipeline.claims.basis_claims import BASIS_CLAIMS, random_points
from pipeline.claims.claim import Claim
from pipeline.errors import FieldError, PipelineError
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline
from pipeline.numerics.randomness import stream

EPS = torch.finfo(torch.float64).eps
EVERY = [kind() for kind in BASES.values()] + [BSpline(1), BSpline(2)]
WIDTHS = (1, 2, 3, 4, 8, 17, 33)


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def basis(request: pytest.FixtureRequest) -> Basis:
    return request.param()


@pytest.mark.parametrize("claim", BASIS_CLAIMS, ids=lambda claim: claim.__name__)
@pytest.mark.parametrize("one", EVERY, ids=Basis.label)
def test_every_claim_holds_or_is_not_made(one: Basis, claim: Claim) -> None:
    assert not claim(one)


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


def test_value_is_the_same_from_numpy_memory_that_is_not_contiguous(basis: Basis) -> None:
    table = torch.from_numpy(np.asfortranarray(stream("table").uniform(-1, 1, (50, 3))))
    column = torch.from_numpy(table.numpy()[::2, 1])
    torch.testing.assert_close(basis(column, 9), basis(column.clone(), 9), rtol=4 * EPS, atol=4 * EPS)
