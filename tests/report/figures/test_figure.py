"""What was drawn is written whole: as a picture, and as the JSON it was drawn from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import altair as alt
import pytest

from pipeline.report.figures.figure import Caption, FigureSpec

POINT = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q").properties(width=20, height=10).to_dict()
SPEC = FigureSpec(Caption("dot", "A dot", "One dot."), POINT)


def test_a_figure_is_a_png_of_its_name(tmp_path: Path) -> None:
    SPEC.write_png(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dot.png"]
    assert (tmp_path / "dot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_figure_is_vega_lite_of_its_name(tmp_path: Path) -> None:
    SPEC.write_json(tmp_path)
    assert json.loads((tmp_path / "dot.json").read_text()) == POINT


def test_a_chart_with_a_number_that_json_does_not_have_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("Out of range float values are not JSON compliant")):
        FigureSpec(SPEC.figure, {"width": float("nan")}).write_json(tmp_path)
    assert list(tmp_path.iterdir()) == []
