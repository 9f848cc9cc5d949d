"""What the figures share: titles are whole, and colours can be seen on a page of any brightness."""

from __future__ import annotations

import itertools
import json
import math
import re
from importlib.resources import files

import altair as alt
import numpy as np
import polars as pl
import pytest

from pipeline.report.figures.charts import (
    IN_THE_DARK,
    OKABE_ITO,
    VIRIDIS,
    VIRIDIS_IN_THE_DARK,
    Panels,
    chart_of,
    leaves,
    legend_columns,
    log_scale,
    log_ticks,
    number_label,
    panels,
    title_lines,
    with_legend_entry,
)

LONG = "random_fourier(scale=2.0, initialisation=uniform_fan_in, frequencies=learned, seed={})"


@pytest.mark.parametrize("width", [215, 330, 520])
@pytest.mark.parametrize("title", ["", "sine: linear(haar)", "x" * 300, f"sine, 3 inputs: {LONG}, width 32"])
def test_title_is_whole_in_lines_that_fit(title: str, width: int) -> None:
    lines = title_lines(title, width)
    assert "".join("".join(lines).split()) == "".join(title.replace(": ", "", 1).split())
    assert max(len(line) for line in lines) <= (width + 40) / 7


def test_titles_and_labels_that_differ_at_their_ends_differ_in_the_figure() -> None:
    names = [LONG.format(seed) for seed in range(4)]
    table = pl.DataFrame({"panel": names, "x": [1.0] * 4, "y": [2.0] * 4})
    drawn = panels(table, lambda rows: chart_of(rows).mark_point().encode(x="x:Q", y="y:Q"))
    assert drawn is not None
    spec = drawn.to_dict()
    assert [" ".join(panel["title"]) for panel in spec["concat"]] == names
    assert "limit" not in json.dumps([panel["title"] for panel in spec["concat"]])
    assert spec["config"]["legend"]["labelLimit"] == 0


def test_plots_side_by_side_are_written_as_altair_writes_them() -> None:
    table = pl.DataFrame({"panel": [str(place % 13) for place in range(26)], "x": [1.0] * 26, "y": [*range(26)]})
    drawn = panels(table, lambda rows: alt.layer(chart_of(rows).mark_line().encode(x="x:Q", y="y:Q")))
    assert isinstance(drawn, Panels)
    assert drawn.to_dict() == drawn.to_dict(validate=False) == drawn.chart().to_dict()
    assert len(drawn.to_dict()["datasets"]) == 12
    assert drawn.to_dict()["title"] == "The first 12 of 13 panels"


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_lines_can_be_seen_on_a_dark_page() -> None:
    paper = luminance("#17171a")
    seen = [luminance(IN_THE_DARK.get(colour, colour)) for colour in (*OKABE_ITO, *VIRIDIS)]
    assert min((value + 0.05) / (paper + 0.05) for value in seen) > 3  # WCAG 2.2, 1.4.11


SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What linear RGB looks like to who lacks one kind of cones: Machado, Oliveira and Fernandes (2009), severity 1."""
XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, sight: str) -> np.ndarray:
    """A colour in CIELAB, as it is seen: a distance of 2.3 is just noticed."""
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = XYZ_OF_RGB @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / XYZ_OF_RGB.sum(axis=1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colours, least", [(OKABE_ITO, 15), (VIRIDIS, 5)], ids=["models", "quantities"])
def test_the_colour_blind_tell_any_two_colours_of_a_chart_apart(sight, dark, colours, least) -> None:
    seen = [lab(IN_THE_DARK.get(colour, colour) if dark else colour, sight) for colour in colours]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > least


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("colours", [VIRIDIS, VIRIDIS_IN_THE_DARK], ids=["light", "dark"])
def test_a_smaller_quantity_is_brighter_for_everybody(sight, colours) -> None:
    lightness = [lab(colour, sight)[0] for colour in colours]
    assert min(np.diff(lightness)) > 0.9


@pytest.mark.parametrize("colours, among", [(VIRIDIS, 0), (VIRIDIS_IN_THE_DARK, 1)], ids=["light", "dark"])
def test_the_map_that_is_explored_has_the_colours_of_the_charts(colours, among) -> None:
    style = (files("pipeline.report.html") / "static" / "explorer.css").read_text(encoding="utf-8")
    ramps = re.findall(r"--ramp-(\d): (#[0-9a-f]{6});", style)
    assert ramps[8 * among : 8 * among + 8] == [(str(stop), colour.lower()) for stop, colour in enumerate(colours)]


def test_a_chart_holds_null_for_what_json_cannot_write():
    chart = chart_of(pl.DataFrame({"y": [math.nan, math.inf, -math.inf, 1.0]})).mark_point().encode(y="y:Q")
    assert [row["y"] for row in next(iter(chart.to_dict()["datasets"].values()))] == [None, None, None, 1.0]


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (1e-8, 1.0, ["1e-8", "1e-6", "1e-4", "0.01", "1"]),
        (0.02, 0.3, ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]),
        (1.0, 1e15, ["1", "1000", "1e6", "1e9", "1e12", "1e15"]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert [number_label(tick) for tick in log_ticks(low, high)] == ticks


@pytest.mark.parametrize("values", [[0.3], [1e15], [1e15, 1e15], [1.0, 1.2], [1e-8, 1.0]])
def test_a_logarithmic_axis_holds_its_values_and_two_ticks(values):
    scale, axis = (part.to_dict() for part in log_scale(values))
    low, high = scale["domain"]
    assert low < min(values) <= max(values) < high
    assert sum(low <= tick <= high for tick in axis["values"]) >= 2


def test_a_legend_of_many_long_labels_has_several_rows_and_of_one_is_left_alone():
    labels = {f"theory: the best possible error {number}": [number, 1] for number in range(1, 6)}
    chart = alt.Chart(pl.DataFrame({"x": [1.0]})).mark_line()

    def legend(**among):
        label = next(iter(labels))
        drawn = with_legend_entry(chart, alt.StrokeDash, label, labels[label], **among)
        return drawn.to_dict()["encoding"]["strokeDash"]["legend"]

    assert legend(among=labels)["columns"] == 2
    assert "columns" not in legend()
    assert legend_columns(["a" * 500], 80) == 1


def test_a_mark_is_cut_off_only_where_one_of_its_numbers_lies_outside_the_frame():
    frame = alt.Scale(domain=[0.5, 2.0])
    assert not leaves(pl.Series([0.5, None, 2.0]), frame)
    assert not leaves(pl.Series([], dtype=pl.Float64), frame)
    for outside in (0.4, 2.1, math.inf, math.nan):
        assert leaves(pl.Series([1.0, outside]), frame)
        assert not leaves(pl.Series([1.0, outside]), alt.Scale(type="log"))
