"""Evenly spaced items of a sequence, where all would be too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def evenly_spaced(items: Sequence[Item], most: int) -> list[Item]:
    """At most N items of a sequence, evenly spaced, both ends among them.

    Args:
        items: In order.
        most: N, at least 2.

    Returns:
        All items where there are no more than N.
    """
    if len(items) <= most:
        return list(items)
    return [items[round(position)] for position in np.linspace(0, len(items) - 1, most)]


def every(items: Sequence[Item], stride: int) -> list[Item]:
    """One of every N items of a sequence, from the first on, and the last.

    Args:
        items: In order.
        stride: N.

    Returns:
        All items for a stride of 1.
    """
    kept = list(items[::stride])
    return kept if (len(items) - 1) % stride == 0 else [*kept, items[-1]]
