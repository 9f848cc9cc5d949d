"""Multi-indices of tensor products: which function of each input a product takes, and in which order."""

from __future__ import annotations

import functools
import heapq
from typing import Literal

Order = Literal["total_degree", "full"]


@functools.lru_cache(maxsize=256)
def multi_indices(width: int, dimension: int, order: Order) -> tuple[tuple[int, ...], ...]:
    """Multi-indices by total degree or by largest degree; ties in lexicographic order from the right.

    A prefix of a wider set is a narrower one. ``C(q + D, D)`` indices hold all of total
    degree q; ``(q + 1)^D`` hold the full tensor product of degree q.

    Args:
        width: W, how many.
        dimension: D.
        order: By total degree, or by the largest (full tensor products).

    Returns:
        The first W, each of D integers from 0.

    Example:
        Exponents of the monomials 1, x, y, x^2 of two inputs.

        >>> multi_indices(4, 2, "total_degree")
        ((0, 0), (1, 0), (0, 1), (2, 0))
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
