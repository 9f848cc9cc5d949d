"""A quadrature that no basis function breaks: composite Gauss, split at dyadic points and wherever asked."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

Quadrature = Callable[..., tuple[Tensor, Tensor]]


@pytest.fixture
def quadrature() -> Quadrature:
    """Points ``[P]`` of [-1, 1] and weights ``[P]`` of sum 1, so that a weighted sum is a mean."""

    def points_and_weights(cells: int = 64, nodes: int = 33, breaks: tuple[float, ...] = ()) -> tuple[Tensor, Tensor]:
        edges = np.unique(np.concatenate([np.linspace(-1, 1, cells + 1), breaks]))
        node, weight = np.polynomial.legendre.leggauss(nodes)
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        points = middle[:, None] + half[:, None] * node
        return torch.from_numpy(points.ravel()), torch.from_numpy((half[:, None] * weight / 2).ravel())

    return points_and_weights
