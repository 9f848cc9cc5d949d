"""A card shows what the run says, whatever that is, and its figure at its own size."""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from pathlib import Path
from typing import Any

from pipeline.report.answer.answer import Answer
from pipeline.report.html.run_card import run_card

CHART: dict[str, Any] = {"mark": "point", "data": {"values": [{}]}, "width": 120, "height": 40}
ANSWER = Answer(("One <i>is</i> best.", "Two tie."), (), "widths", "agrees (3 of 3 trials)", "1 diverged.")


def test_texts_are_shown_as_they_are_and_not_run() -> None:
    card = run_card("Is <b>x</b> & y?", ANSWER, "3 trials", Path("/runs/<script>"), None)
    assert "Is &lt;b&gt;x&lt;/b&gt; &amp; y?" in card
    assert "<p>One &lt;i&gt;is&lt;/i&gt; best.</p>\n<p>Two tie.</p>" in card
    assert "Theory, on widths: <b>agrees (3 of 3 trials)</b>." in card
    assert "/runs/&lt;script&gt;" in card
    assert "1 diverged." in card
    assert "<img" not in card


def test_what_a_run_does_not_say_has_no_place() -> None:
    card = run_card("?", Answer(("Nothing yet.",), (), "", "", ""), "3 trials", Path("/runs"), None)
    assert re.findall(r"<p>", card) == ["<p>"] * 3
    assert "Theory" not in card


def test_the_picture_is_a_png_as_wide_as_the_chart() -> None:
    card = run_card("?", ANSWER, "3 trials", Path("/runs"), CHART)
    (picture, width) = re.findall(r'src="data:image/png;base64,([^"]+)" width="(\d+)"', card)[0]
    png = b64decode(picture)
    assert png[1:4] == b"PNG"
    assert struct.unpack(">I", png[16:20])[0] == 2 * int(width)
    assert 120 <= int(width) < 200
