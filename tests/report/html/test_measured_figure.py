"""What a run has measured is drawn into the page: one picture with one name, in the page's colours, of its own data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import polars as pl
import pytest

from pipeline.report.figures.charts import AXIS, GRID, IN_THE_DARK, INK, MUTED, Panels, chart_of, panels, styled
from pipeline.report.html.index_page import IndexEntry
from pipeline.report.html.measured_figure import drawn, measured_figure
from pipeline.report.html.rendering import dark_colours

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script> & "quoted" </svg>'


def plot(rows: pl.DataFrame) -> alt.Chart:
    """A line that is cut off at the frame, which gives the drawing a part with a name."""
    return chart_of(rows).mark_line(clip=True).encode(x="x:Q", y=alt.Y("y:Q", title=HOSTILE))


def chart(num_panels: int = 1) -> dict[str, Any]:
    rows = pl.DataFrame({"panel": [f"panel {number}" for number in range(num_panels) for _ in (0, 1)]})
    whole = panels(rows.with_columns(x=pl.lit(1.0), y=pl.lit(2.0)), plot)
    assert whole is not None
    return whole.to_dict() | {"description": "The error & its <theory>. Dashed: theory."}


def entry(folder: Path, *figures: str) -> IndexEntry:
    (folder / "figures").mkdir()
    return IndexEntry("xor", "Why?", folder / "report.html", "4 done", "agrees", figures)


def names(svg: str) -> set[str]:
    return set(re.findall(r' id="([^"]*)"', svg))


def test_a_drawing_is_one_image_that_is_called_by_its_title() -> None:
    figure = drawn(chart(), "xor")
    root = ElementTree.fromstring(figure.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "The error & its <theory>"
    assert figure.caption == "Dashed: theory."
    assert not [one for one in root.iter() if one is not root and (one.get("role") or one.get("aria-label"))]
    assert root.get("width") is root.get("height") is None
    _, _, width, _ = map(float, str(root.get("viewBox")).split())
    assert root.get("style") == f"--wide: {width:g}px"


def test_words_of_a_chart_stay_words() -> None:
    texts = [one.text for one in ElementTree.fromstring(drawn(chart(), "xor").svg).iter() if one.tag.endswith("text")]
    assert HOSTILE in texts
    assert "<script" not in drawn(chart() | {"description": HOSTILE}, "xor").svg


def test_a_drawing_has_no_ground_and_its_quiet_colours_are_those_that_turn_on_a_dark_page() -> None:
    svg, turned = drawn(chart(), "xor").svg, dark_colours()
    assert 'fill="white"' not in svg
    for colour, of in ((GRID, "stroke"), (AXIS, "stroke"), (MUTED, "fill"), (INK, "fill")):
        assert f'{of}="{colour}"' in svg
        assert f"[{of}='{colour}']" in turned
        assert colour in IN_THE_DARK


def test_parts_of_two_drawings_have_names_of_their_own() -> None:
    first, second = (drawn(chart(), name).svg for name in ("xor", "activations"))
    assert names(first)
    assert not names(first) & names(second)
    for svg in (first, second):
        assert set(re.findall(r"url\(#([^)]*)\)", svg)) == names(svg)


@pytest.mark.parametrize(("num_panels", "is_wide"), [(1, False), (3, True), (4, False)])
def test_words_stand_beside_a_drawing_unless_it_is_a_row_of_panels(num_panels: int, is_wide: bool) -> None:
    assert drawn(chart(num_panels), "xor").is_wide == is_wide


def test_legends_stand_below_each_other_but_above_a_row_of_panels_beside_each_other() -> None:
    encoded = alt.Chart(pl.DataFrame({"x": [1], "a": ["b"], "c": ["d"]})).mark_point()
    plot = encoded.encode(x="x:Q", color="a:N", shape="c:N").properties(width=200, height=100)
    one, row = (styled(Panels([plot] * number, number).chart()).to_dict() for number in (1, 2))
    heights = [float(drawn(whole, "xor").svg.split('viewBox="')[1].split()[3].split('"')[0]) for whole in (one, row)]
    assert heights[0] > heights[1] + 10


def test_the_first_figure_that_is_there_is_drawn(tmp_path: Path) -> None:
    of = entry(tmp_path, "loss_by_step", "error_by_width")
    assert measured_figure(of) is None
    for name in ("condition_by_width", "error_by_width"):
        (tmp_path / "figures" / f"{name}.json").write_text(json.dumps(chart() | {"description": f"{name}. Why."}))
    figure = measured_figure(of)
    assert figure is not None
    assert 'aria-label="error_by_width"' in figure.svg


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"mark": "point", "data": {"url": "http://127.0.0.1:9/a.json"}, "encoding": {"x": {"field": "a"}}}',
    ],
    ids=["cut short", "a list", "nothing", "data from elsewhere"],
)
def test_a_chart_that_cannot_be_drawn_from_itself_is_none(tmp_path: Path, text: str) -> None:
    of = entry(tmp_path)
    (tmp_path / "figures" / "error_by_width.json").write_text(text)
    assert measured_figure(of) is None
