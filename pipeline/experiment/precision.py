"""Precision of a trial's arithmetic, and of the numbers it keeps."""

from __future__ import annotations

from typing import Literal

Dtype = Literal["float32", "float64", "tf32"]
"""What is computed with. ``tf32`` is float32 whose products of matrices a GPU may round to 11 bits."""

STORED: dict[str, Literal["float32", "float64"]] = {"float32": "float32", "float64": "float64", "tf32": "float32"}
"""What each number is stored in: ``tf32`` is a way to multiply, not a format in memory."""
