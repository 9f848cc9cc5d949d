"""The card of a run for the cell of a notebook: its question, its answer and the figure that shows it."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

from pipeline.report.answer.answer import Answer
from pipeline.report.figures.png_process import png_of
from pipeline.report.figures.png_rendering import SCALE
from pipeline.report.html.page_tables import verdict_class
from pipeline.report.html.rendering import render


def run_card(question: str, answer: Answer, trials: str, folder: Path, chart: dict[str, Any] | None) -> str:
    """A run as HTML that needs neither scripts nor a network; the colours of its text are those of the notebook.

    Args:
        question: What was asked.
        answer: What it answers.
        trials: How many there are, and how they ended, in words.
        folder: Of the run.
        chart: Vega-Lite of the figure that shows the answer; ``None`` where nothing is drawn yet.

    Returns:
        HTML.
    """
    picture = png_of(chart) if chart else b""
    return render(
        "run_card.html",
        question=question,
        answer=answer,
        verdict_class=verdict_class(answer.verdict),
        trials=trials,
        folder=str(folder),
        picture=base64.b64encode(picture).decode(),
        width=_width(picture),
    )


def _width(png: bytes) -> int:
    """Width of a chart from the header of its picture, IHDR of PNG; 0 for none."""
    return struct.unpack(">I", png[16:20])[0] // SCALE if png else 0
