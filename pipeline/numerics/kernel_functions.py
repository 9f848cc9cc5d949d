"""Positive-definite kernel functions that are expectations of products of random features.

Shape letters: Q points of the second set.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def gaussian_kernel(x_PD: Tensor, y_QD: Tensor, scale: float = 1.0) -> Tensor:
    """Gaussian kernel ``exp(-|x - y|^2 / (2 scale^2))`` of all pairs of points.

    It is the expectation of ``cos(w . (x - y))`` over ``w ~ N(0, I / scale^2)``.

    Args:
        x_PD: First points.
        y_QD: Second points.
        scale: Width of the kernel, in units of the inputs, above 0.

    Returns:
        Shape ``[P, Q]``, in (0, 1].

    Source: Rahimi, Recht, "Random features for large-scale kernel machines" (NIPS 2007), figure 1.
    """
    return torch.exp(-(x_PD[:, None] - y_QD).square().sum(dim=-1) / (2 * scale**2))


def arc_cosine_kernel(x_PD: Tensor, y_QD: Tensor, degree: int = 1) -> Tensor:
    """Arc-cosine kernel ``2 E[max(w . x, 0)^n max(w . y, 0)^n]`` over ``w ~ N(0, I)``, of degree n = 0 or 1.

    With theta the angle between x and y it is ``1 - theta / pi`` for degree 0 and
    ``|x| |y| (sin theta + (pi - theta) cos theta) / pi`` for degree 1.

    Args:
        x_PD: First points.
        y_QD: Second points.
        degree: n.

    Returns:
        Shape ``[P, Q]``.

    Raises:
        ValueError: For another degree.

    Example:
        Of two points at a right angle, with themselves and with each other.

        >>> points_PD = torch.eye(2).double()
        >>> arc_cosine_kernel(points_PD, points_PD, degree=0).round(decimals=12).tolist()
        [[1.0, 0.5], [0.5, 1.0]]

    Source: Cho, Saul, "Kernel methods for deep learning" (NIPS 2009), equations 1 to 5.
    """
    length_P, length_Q = x_PD.norm(dim=1), y_QD.norm(dim=1)
    # A point at the origin has no direction; in degree 1 its kernel is 0 whatever the angle.
    unit_PD, unit_QD = (x / length[:, None].clamp(min=1e-300) for x, length in ((x_PD, length_P), (y_QD, length_Q)))
    # Half the angle has these for its sine and its cosine; an arc cosine would lose half the digits of a small angle.
    apart_PQ, together_PQ = (unit_PD[:, None] - unit_QD).norm(dim=-1), (unit_PD[:, None] + unit_QD).norm(dim=-1)
    angle_PQ = 2 * torch.atan2(apart_PQ, together_PQ)
    if degree == 0:
        return 1 - angle_PQ / math.pi
    if degree == 1:
        falling_PQ = angle_PQ.sin() + (math.pi - angle_PQ) * angle_PQ.cos()
        return length_P[:, None] * length_Q * falling_PQ / math.pi
    raise ValueError(f"the arc-cosine kernel is here for degree 0 and 1, not {degree}")
