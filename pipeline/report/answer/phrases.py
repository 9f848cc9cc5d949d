"""Words of answers: numbers, lists and settings as a reader says them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

FACTOR_THAT_COUNTS = 1.05
"""Ratio of two errors below which no factor is named."""
LARGEST_FACTOR = 1000
"""Ratio of two errors from which on the two numbers say more."""
MOST_NAMED = 5
"""Things that a sentence names; of more it counts the rest."""


def short(value: float) -> str:
    """A number to three digits."""
    return f"{value:.3g}"


def listed(items: Sequence[str], most: int = MOST_NAMED) -> str:
    """Things in a row, as ``a, b and c``.

    Args:
        items: At least one.
        most: How many are named.

    Returns:
        Words; of more things than are named the number of the others.
    """
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} others"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def times(larger: float, smaller: float) -> str:
    """How many times a number is another one, as ``9.5 times``; empty where that says nothing."""
    if not smaller or not math.isfinite(larger / smaller) or larger / smaller < FACTOR_THAT_COUNTS:
        return ""
    return f"{larger / smaller:.2g} times" if larger / smaller < LARGEST_FACTOR else ""


def setting_in_words(row: dict[str, Any], several_widths: bool, several_rates: bool, relative: bool) -> str:
    """Where a model was at its best, as ``width 8, learning rate 1``; empty where that is the same everywhere."""
    said = [f"width {row['width']}"] if several_widths else []
    if several_rates and row["rate_axis"] is not None:
        rate = short(row["rate_axis"])
        said.append(f"{rate} times the limit" if relative else f"learning rate {rate}")
    return ", ".join(said)


def from_to(values: Sequence[float]) -> str:
    """A range of numbers, or the number where all are the same to three digits."""
    low, high = short(min(values)), short(max(values))
    return low if low == high else f"{low} to {high}"
