"""A long export says how far it is, now and then, and how long it will take."""

from __future__ import annotations

import re
import time

from pipeline.tracking.export import progress
from pipeline.tracking.export.progress import Progress


def test_a_line_now_and_then_and_none_when_all_is_done() -> None:
    said: list[str] = []
    counted = Progress("runs", 4, said.append)
    counted.advance()
    assert said == []  # too soon
    for _ in range(3):
        counted.begun -= 3 * progress.SECONDS_BETWEEN_LINES  # as if time had passed
        counted.said -= 3 * progress.SECONDS_BETWEEN_LINES
        counted.advance()
    assert len(said) == 2
    assert said[0].startswith("2/4 runs, ")
    assert said[1].startswith("3/4 runs, ")


def test_what_is_left_takes_as_long_for_each_run_as_those_before() -> None:
    said: list[str] = []
    counted = Progress("runs", 100, said.append)
    counted.begun = counted.said = time.monotonic() - 60
    counted.advance(25)
    (line,) = said
    minutes, seconds = map(int, re.fullmatch(r"25/100 runs, (\d+) min (\d+) s left", line).groups())  # type: ignore[union-attr]
    assert 180 <= 60 * minutes + seconds < 190
