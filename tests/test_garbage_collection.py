"""A process that loads PyTorch ends at once."""

from __future__ import annotations

import atexit
import gc
from typing import Any

import pytest

from pipeline.garbage_collection import OBJECTS_BETWEEN_COLLECTIONS, collect_seldom


def test_cycles_are_looked_for_seldom_and_not_at_the_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is asked for twice."""
    before = gc.get_threshold()
    at_the_end: dict[Any, list[Any]] = {}
    monkeypatch.setattr(atexit, "register", lambda function: at_the_end.setdefault(function, []).append(function))
    monkeypatch.setattr(atexit, "unregister", lambda function: at_the_end.pop(function, None))
    try:
        collect_seldom()
        collect_seldom()
        assert gc.get_threshold()[0] == OBJECTS_BETWEEN_COLLECTIONS > before[0]
        assert at_the_end == {gc.freeze: [gc.freeze]}
    finally:
        gc.set_threshold(*before)
