"""Tensor products: features of several inputs from a basis of one."""

from __future__ import annotations

import functools
import heapq
from typing import Literal

from torch import Tensor

from pipeline.models.bases.basis import Basis

Order = Literal["total_degree", "full"]


@functools.lru_cache(maxsize=256)
def multi_indices(width: int, dimension: int, order: Order) -> tuple[tuple[int, ...], ...]:
    """The first multi-indices by total degree, or by largest degree; ties in lexicographic order from the right.

    A prefix of a wider set is a narrower one. ``C(q + D, D)`` indices hold all of total
    degree q; ``(q + 1)^D`` hold the full tensor product of degree q.
    """
    key = sum if order == "total_degree" else max
    start = (0,) * dimension
    heap: list[tuple[int, tuple[int, ...]]] = [(0, start)]
    seen = {start}
    found: list[tuple[int, ...]] = []
    while len(found) < width:
        _, reversed_index = heapq.heappop(heap)
        found.append(reversed_index[::-1])
        for axis in range(dimension):
            grown = (*reversed_index[:axis], reversed_index[axis] + 1, *reversed_index[axis + 1 :])
            if grown not in seen:
                seen.add(grown)
                heapq.heappush(heap, (key(grown), grown))
    return tuple(found)


def product_features(basis: Basis, inputs_PD: Tensor, width: int, order: Order) -> Tensor:
    """Features ``[P, W]``: products over the inputs of one basis function of each."""
    dimension = inputs_PD.shape[1]
    if dimension == 1:
        return basis(inputs_PD[:, 0], width)
    indices = multi_indices(width, dimension, order)
    features_PW = inputs_PD.new_ones(len(inputs_PD), width)
    for axis in range(dimension):
        degrees = [index[axis] for index in indices]
        features_PW *= basis(inputs_PD[:, axis], max(degrees) + 1)[:, degrees]
    return features_PW
