"""Names of the engines that an experiment may ask for."""

from __future__ import annotations

from typing import Final, Literal

CLOSED_FORM: Final = "closed_form"
"""The engine that computes what theory says instead of iterating, so that its numbers cannot confirm theory."""

EngineChoice = Literal["auto", "closed_form", "fused", "reference"]
"""What may be asked to compute a pack: an engine by its name, or ``auto`` for the fastest that iterates."""

FASTEST: EngineChoice = "fused"
"""What ``auto`` takes wherever it can."""
