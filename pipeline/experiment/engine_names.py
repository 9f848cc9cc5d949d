"""Engine names: what the ``engine`` field of an experiment may say.

Apart from the engines themselves, which import PyTorch and more.
"""

from __future__ import annotations

from typing import Final, Literal

CLOSED_FORM: Final = "closed_form"
"""The engine that computes what theory says instead of iterating, so that its numbers cannot confirm theory."""

EngineChoice = Literal["auto", "closed_form", "fused", "reference"]
"""The ``engine`` field: the name of an engine, or ``auto`` for the fastest that iterates."""

FASTEST: Final = "fused, one_input"
"""What ``auto`` takes wherever it can; timings that were remembered for other engines are not those of ``auto``."""
