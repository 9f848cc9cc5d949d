"""The figure that shows what a run has measured, drawn into the page: sharp at every size, in the page's colours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup, escape

from pipeline.report.html.index_page import IndexEntry

HEAD = re.compile(r'^<svg [^>]*?width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)" viewBox="(?P<box>[\d. -]+)">')
SPARE = re.compile(
    r' (?:role="graphics-[^"]*"|aria-[a-z]+="[^"]*"|pointer-events="none")|<path class="foreground"[^>]*/>'
)
"""What Vega writes for readers of its marks; here the drawing as a whole has a name."""
NAMED = re.compile(r'(?<= id=")|(?<=url\(#)')
"""Where a drawing names a part of itself."""
LARGE = {
    "axis": {"labelFontSize": 13.5, "titleFontSize": 14.5},
    "legend": {"labelFontSize": 13.5, "titleFontSize": 13.5, "symbolSize": 140},
    "title": {"fontSize": 13.5},
}
"""Type that can be read in a lecture hall, too, where a report has 11 pixels."""
UNDER_EACH_OTHER = {"layout": {"top": {"anchor": "start", "direction": "vertical", "margin": 6}}}
"""Legends that do not widen a drawing, but make it higher."""
WIDE = 2.0
"""Width over height from which a drawing leaves no room for words beside it."""


@dataclass(frozen=True)
class MeasuredFigure:
    """A figure of a report as SVG.

    Args:
        svg: The drawing, whose name is its title; ``--wide`` is the width that it was drawn for.
        caption: How to read it; empty where the report does not say.
        is_wide: Whether words stand above it, not beside it, on a wide screen.
    """

    svg: Markup
    caption: str
    is_wide: bool


def measured_figure(entry: IndexEntry) -> MeasuredFigure | None:
    """The figure that tells most of a run, drawn from the chart in the folder of its report.

    Args:
        entry: Of the run.

    Returns:
        ``None`` where there is no chart, or none that can be drawn.
    """
    folder = entry.report.parent / "figures"
    for path in [*(folder / f"{name}.json" for name in entry.figures), *sorted(folder.glob("*.json"))]:
        if path.exists():
            return _figure(entry.name, path)
    return None


def _figure(name: str, path: Path) -> MeasuredFigure | None:
    try:
        return drawn(json.loads(path.read_bytes()), name)
    except (OSError, ValueError, AttributeError):
        return None


def drawn(chart: dict[str, Any], name: str) -> MeasuredFigure:
    """A chart as a drawing that stands in a page among others, without a ground of its own.

    Args:
        chart: Vega-Lite; nothing is fetched for it.
        name: That no other drawing of the page has.

    Returns:
        The figure.

    Raises:
        ValueError: If Vega cannot draw it.
    """
    title, _, caption = str(chart.get("description", f"A figure of {name}")).partition(". ")
    svg = vl_convert.vegalite_to_svg(chart | {"config": _config(chart)}, allowed_base_urls=[])
    head = HEAD.match(svg)
    if head is None:
        raise ValueError(f"Vega draws no picture of a known size: {svg[:60]!r}")
    opening = Markup('<svg class="marks" role="img" aria-label="{}" viewBox="{}" style="--wide: {}px">')
    marks = NAMED.sub(f"{escape(name)}-", SPARE.sub("", svg[head.end() :]))
    is_wide = float(head["width"]) > WIDE * float(head["height"])
    return MeasuredFigure(opening.format(title, head["box"], head["width"]) + Markup(marks), caption, is_wide)


def _config(chart: dict[str, Any]) -> dict[str, Any]:
    """What of a chart is not data, for a page: no ground, no words for each mark, and larger type."""
    config = chart.get("config", {}) | {"background": None, "aria": False}
    config |= {part: config.get(part, {}) | larger for part, larger in LARGE.items()}
    is_a_row = 1 < len(chart.get("concat", ())) <= chart.get("columns", 1)
    return config if is_a_row else config | {"legend": config["legend"] | UNDER_EACH_OTHER}
