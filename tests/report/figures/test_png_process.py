"""Charts are drawn in processes that are kept for the next chart, and end with this one."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import PipelineError
from pipeline.report.figures import png_process
from pipeline.report.figures.png_process import PngProcess, get_ready, png_of

CHART = {"data": {"values": [{"a": 1}]}, "mark": "point", "width": 20, "height": 10, "padding": 0}


def pixels(png: bytes) -> tuple[int, int]:
    """Width and height, which PNG has at its head (ISO/IEC 15948, 11.2.2)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PngProcess]]:
    """Processes of this test alone, none at first."""
    waiting: list[PngProcess] = []
    monkeypatch.setattr(png_process, "_idle", lambda: waiting)
    yield waiting
    for process in waiting:
        process.end()


def test_charts_drawn_at_a_time_are_each_ones_own_and_processes_are_used_again(idle: list[PngProcess]) -> None:
    widths = [20, 30, 40, 50]
    with ThreadPoolExecutor(2) as pool:
        pictures = list(pool.map(lambda width: png_of(CHART | {"width": width}), widths))
    assert [pixels(png)[0] for png in pictures] == [2 * width for width in widths]
    assert len(idle) <= 2


def test_a_process_that_got_ready_is_the_one_that_draws(idle: list[PngProcess]) -> None:
    get_ready()
    (ready,) = idle
    get_ready()
    assert pixels(png_of(CHART)) == (40, 20)
    assert idle == [ready]
    get_ready(2)
    assert len(idle) == 2
    assert idle[0] is ready


def test_a_chart_that_cannot_be_drawn_is_an_error_here_and_the_next_one_is_drawn(idle: list[PngProcess]) -> None:
    with pytest.raises(ValueError, match="Invalid specification"):
        png_of({})
    assert pixels(png_of(CHART)) == (40, 20)
    assert len(idle) == 1


def test_a_process_that_was_killed_is_an_error_and_not_used_again(idle: list[PngProcess]) -> None:
    idle.append(PngProcess())
    os.kill(idle[0].process.pid, signal.SIGKILL)
    with pytest.raises(PipelineError, match=re.escape("the process that draws figures ended with -9")):
        png_of(CHART)
    assert idle == []


def test_processes_end_with_the_one_that_started_them_however_it_ends() -> None:
    """What they inherit of it is its standard error: it is at its end when all of them are."""
    program = f"""
        import os, signal
        from pipeline.report.figures.png_process import png_of
        png_of({CHART!r})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], stderr=subprocess.PIPE, timeout=300)
    assert ended.returncode == -signal.SIGKILL
