"""What packs and fields are called. On its own, because it is asked where nothing heavy may be imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Literal

CLOSED_FORM: Final = "closed_form"
"""The engine that computes what theory says instead of iterating, so that its numbers cannot confirm theory."""

EngineChoice = Literal["auto", "closed_form", "fused", "reference"]
"""What may be asked to compute a pack: an engine by its name, or ``auto`` for the fastest that iterates."""

FASTEST: EngineChoice = "fused"
"""What ``auto`` takes wherever it can."""

Dtype = Literal["float32", "float64", "tf32"]
"""What is computed with. ``tf32`` is float32 whose products of matrices a graphics card may round to 11 bits."""

STORED: dict[str, Literal["float32", "float64"]] = {"float32": "float32", "float64": "float64", "tf32": "float32"}
"""What each number is kept in."""

DIVERGED_ABOVE: Final = 1e10
"""A trial has diverged when its loss is not finite or above this many times one plus its loss at step 0."""

HOW_IT_RUNS = ("accelerator", "engine", "pack_memory_gib", "checkpoint_seconds", "parallel", "tracking")
"""Fields of an experiment that say how it is computed and shown; no record depends on them."""


def pack_name(trials: Iterable[str]) -> str:
    """The id of a pack, from the ids of its trials in their order: 16 hexadecimal digits."""
    return hashlib.sha256("".join(trials).encode()).hexdigest()[:16]
