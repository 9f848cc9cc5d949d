"""Charts as PNG, drawn in processes of their own.

While ``vl_convert`` 1.9.0 draws, no other thread of its process can run Python. In a process of its own it draws
beside the tables and the page.
"""

from __future__ import annotations

import atexit
import base64
import functools
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

MOST_AT_ONCE = 2
"""Charts that are drawn at a time. A report has a few, and each process takes a third of a second to start."""


class PngProcess:
    """A process that draws one chart after another."""

    def __init__(self) -> None:
        program = str(Path(__file__).with_name("png_rendering.py"))
        self.process = subprocess.Popen(
            [sys.executable, "-P", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def answer(self, chart: str) -> dict[str, str]:
        """What the program says to a line.

        Args:
            chart: Vega-Lite as JSON.

        Returns:
            The picture, or what is wrong with the chart.

        Raises:
            PipelineError: If the process has ended, as when memory is short.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(chart, file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            hint = "is there memory enough? then write it again: python -m pipeline report"
            raise PipelineError(f"the process that draws figures ended with {self.process.wait()}", hint=hint)
        answer: dict[str, str] = json.loads(line)
        return answer

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was written and never read
                    pipe.close()


def png_of(chart: dict[str, Any]) -> bytes:
    """A chart as PNG; called from several threads, it draws as many at a time.

    Args:
        chart: Vega-Lite.

    Returns:
        The file.

    Raises:
        ValueError: If Vega cannot draw it, or JSON cannot hold it.
        PipelineError: If the process that draws has ended, as when memory is short.
    """
    text, idle = json.dumps(chart), _idle()
    try:
        process = idle.pop()
    except IndexError:
        process = PngProcess()
    try:
        answer = process.answer(text)
    except BaseException:
        process.end()
        raise
    idle.append(process)
    if "error" in answer:
        raise ValueError(answer["error"])
    return base64.b64decode(answer["png"])


def get_ready(number: int = 1) -> None:
    """Start processes, unless they run already: they get ready to draw while others compute what is drawn."""
    while len(_idle()) < number:
        _idle().append(PngProcess())


@functools.cache
def _idle() -> list[PngProcess]:
    """Processes that wait for a chart, from the first chart to the end of this process."""
    idle: list[PngProcess] = []
    atexit.register(_end_all, idle)
    return idle


def _end_all(processes: Iterable[PngProcess]) -> None:
    for process in processes:
        process.end()
