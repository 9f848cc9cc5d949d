"""A program that draws charts as PNG: a chart on each line of its input, a picture on each line of its output.

Run by its path, it needs nothing of this package: a line is Vega-Lite as JSON, and the answer is
``{"png": <base64>}`` or ``{"error": <what Vega says>}``. It ends with its input, as it does when its parent is killed.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from collections.abc import Iterable

import vl_convert

SCALE = 2
"""Pixels of a picture for each pixel of a chart: sharp in print."""


def answer(charts: Iterable[str], descriptor: int) -> None:
    """Draw charts, one after another.

    Args:
        charts: Lines of JSON.
        descriptor: Of the file where the answers are written.
    """
    with os.fdopen(descriptor, "w", encoding="ascii") as answers:
        for chart in charts:
            print(json.dumps(picture_of(chart)), file=answers, flush=True)


def picture_of(chart: str) -> dict[str, str]:
    """The answer to one line."""
    try:
        return {"png": base64.b64encode(vl_convert.vegalite_to_png(chart, scale=SCALE)).decode()}
    except ValueError as error:
        return {"error": str(error)}


SMALLEST = '{"mark": "point", "data": {"values": [{}]}}'
"""A chart that takes no time itself: the first one takes a third of a second, which goes by before it is asked for."""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends the input
    output = os.dup(1)
    os.dup2(2, 1)  # whatever else is said there must not stand between the answers
    picture_of(SMALLEST)
    answer(sys.stdin, output)
