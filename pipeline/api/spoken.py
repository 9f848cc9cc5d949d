"""Prose of the Python interface, on standard error: what takes long, and why."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write a line; standard output is for what a program prints itself."""
    print(text, file=sys.stderr, flush=True)
