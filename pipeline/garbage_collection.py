"""Garbage collection of Python in processes that load much and end soon."""

from __future__ import annotations

import atexit
import gc

OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""New objects after which the garbage collector looks for cycles; with Python's 700 importing PyTorch takes a fifth
longer.
"""


def collect_seldom() -> None:
    """Look for cycles seldom, and not in what is loaded when the process ends, which takes a second of PyTorch."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
