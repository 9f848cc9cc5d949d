"""The program that draws answers each line of its input with one line, a picture or what is wrong with the chart."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

from pipeline.report.figures import png_rendering
from pipeline.report.figures.png_rendering import answer, picture_of

CHART = json.dumps({"data": {"values": [{"a": 1}]}, "mark": "point", "width": 20, "height": 10, "padding": 0})


def test_an_answer_is_a_picture_or_the_words_of_vega() -> None:
    assert base64.b64decode(picture_of(CHART)["png"]).startswith(b"\x89PNG")
    assert "Invalid specification" in picture_of("{}")["error"]
    assert "JSON" in picture_of("{")["error"]


def test_every_line_is_answered_in_its_turn() -> None:
    reading, writing = os.pipe()
    answer(["{}", "{", "{}"], writing)
    with os.fdopen(reading) as answers:
        first, second, third = map(json.loads, answers)
    assert first == third != second


def test_as_a_program_it_ends_with_its_input() -> None:
    words = [sys.executable, "-P", png_rendering.__file__]
    ended = subprocess.run(words, input="{}\n", capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert list(json.loads(ended.stdout)) == ["error"]
