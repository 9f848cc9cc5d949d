"""What is true of every activation, and what an activation says of itself."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.models.activations import Activation

LINE = torch.arange(-300, 301, dtype=torch.float64) / 10
"""Weighted sums, 0 among them."""
DTYPES = (torch.float64, torch.float32)


def has_a_value_for_each_sum(activation: Activation) -> str:
    """values have the shape and the dtype of the weighted sums, and these stay as they are."""
    for dtype in DTYPES:
        z = LINE.to(dtype, copy=True).reshape(1, 601, 1)
        before = z.clone()
        value = activation(z)
        if value.shape != z.shape or value.dtype != dtype:
            return f"they are {list(value.shape)}, {value.dtype} for {list(z.shape)}, {dtype}"
        if not torch.equal(z, before):
            return "the sums are overwritten"
        if value.data_ptr() == z.data_ptr():
            return "the values are the very memory of the sums"
        if not value.isfinite().all():
            return f"they are not finite at {float(z[~value.isfinite()][0]):g}"
    return ""


def is_the_same_in_place(activation: Activation) -> str:
    """apply_: in place it gives the same values, in the same memory."""
    for dtype in DTYPES:
        memory = LINE.to(dtype, copy=True)
        result = activation.apply_(memory)
        if result.data_ptr() != memory.data_ptr():
            return "they are in other memory"
        if not torch.equal(result, activation(LINE.to(dtype, copy=True))):
            return "they are other values"
    return ""


def knows_its_derivative_from_its_value(activation: Activation) -> str:
    """multiply_by_derivative_: the derivative, given the value, is that of autograd."""
    for dtype in DTYPES:
        z = LINE.to(dtype, copy=True)
        memory = torch.linspace(-3, 2, len(z), dtype=dtype)
        exact = memory * _slope(activation, z)
        result = activation.multiply_by_derivative_(memory, activation(z.clone()))
        if result.data_ptr() != memory.data_ptr():
            return "the product is in other memory than the gradient"
        if what := _apart(result, exact, z):
            return what
    return ""


def knows_its_second_derivative_from_its_value(activation: Activation) -> str:
    """second_derivative: given the value, it is that of autograd."""
    z = LINE.clone().requires_grad_()
    (slope,) = torch.autograd.grad(activation(z).sum(), z, create_graph=True)
    bend = torch.autograd.grad(slope.sum(), z)[0] if slope.requires_grad else torch.zeros_like(z)
    return _apart(activation.second_derivative(activation(LINE.clone())), bend.detach(), LINE)


def has_a_kink_as_claimed(activation: Activation) -> str:
    """kinked: the derivative jumps at 0, exactly if that is claimed."""
    left, right = _slope(activation, torch.tensor([-1e-9, 1e-9], dtype=torch.float64)).tolist()
    jumps = abs(right - left) > 1e-6  # a second derivative would have to be 500
    return "" if jumps == activation.kinked else f"it is {left:.4g} on the left and {right:.4g} on the right"


def is_convex_if_claimed(activation: Activation) -> str:
    """convex: where that is claimed, neither the value nor the derivative falls."""
    if not activation.convex:
        return ""
    for what, falls in (("value", activation(LINE).diff()), ("derivative", _slope(activation, LINE).diff())):
        if (falls < -1e-9).any():
            return f"its {what} falls at {float(LINE[:-1][falls < -1e-9][0]):g}"
    return ""


def keeps_its_derivatives_within_their_bounds(activation: Activation) -> str | None:
    """derivative_bounds: no value of the first three derivatives is above its bound, by autograd."""
    if activation.derivative_bounds is None:
        return None
    z = LINE.clone().requires_grad_()
    values = activation(z.clone())
    for order, bound in enumerate(activation.derivative_bounds, start=1):
        (values,) = torch.autograd.grad(values.sum(), z, create_graph=True)
        sizes = values.detach().abs()
        if (sizes > bound * (1 + 1e-9)).any():
            at = int(sizes.argmax())
            return f"that of order {order} is {float(sizes[at]):.4g} at {float(LINE[at]):g}, above {bound:.4g}"
        if not values.requires_grad:
            break  # a constant, whose further derivatives are zero
    return ""


def passes_on_what_is_not_a_number(activation: Activation) -> str:
    """the activation of NaN is NaN, so that a diverged trial is seen."""
    nan = torch.full((3,), torch.nan, dtype=torch.float64)
    return "" if activation(nan).isnan().all() and activation.apply_(nan).isnan().all() else "it is a number"


def _slope(activation: Activation, z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    return slope


def _apart(found: Tensor, exact: Tensor, z: Tensor) -> str:
    """Where two functions of z differ by more than the rounding of some products of numbers of the size of a value."""
    difference = (found - exact).abs()
    most = 64 * torch.finfo(z.dtype).eps * (exact.abs() + exact.abs().max().clamp(min=1))
    at = int((difference - most).argmax())
    if (difference <= most).all():
        return ""
    return f"at {float(z[at]):g} it is {float(found[at]):.6g}, and by autograd {float(exact[at]):.6g}"


ACTIVATION_GRANTED: tuple[Claim, ...] = (
    has_a_value_for_each_sum,
    is_the_same_in_place,
    knows_its_derivative_from_its_value,
)
"""What training takes for granted: where one fails, every number would be false."""

ACTIVATION_CLAIMS: tuple[Claim, ...] = (
    *ACTIVATION_GRANTED,
    knows_its_second_derivative_from_its_value,
    has_a_kink_as_claimed,
    is_convex_if_claimed,
    keeps_its_derivatives_within_their_bounds,
    passes_on_what_is_not_a_number,
)
