"""A dashboard is drawn as its JSON says: grouped, aggregated, on its scales, and with what it leaves out."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from pipeline.report.preview import Numbers, drawing, preview

WIDTHS, LOSSES = (2, 2, 2, 4), (3.0, 1.0, 2.0, 5.0)
"""Of four runs."""


@pytest.fixture
def numbers() -> Numbers:
    runs = pl.DataFrame(
        {
            "run": ["a", "b", "c", "d"],
            "config:width.value": WIDTHS,
            "config:learning_rate.value": [0.1, 0.1, 1 / 3, 1 / 3],
            "config:model.value": ["one", "one", "two", "two"],
            "summary:loss.min": LOSSES,
            "summary:test_error": [1.0, math.nan, -1.0, math.inf],
        }
    )
    rows = [(run, "loss", 10, loss) for run, loss in zip("abcd", LOSSES, strict=True)]
    rows += [("a", "loss", 20, math.nan), ("a", "loss", 20, 0.0), ("a", "predicted_loss", 10, 2.5)]
    history = pl.DataFrame(rows, schema=["run", "name", "step", "value"], orient="row")
    return Numbers(runs, history, {"trials": 4, "seconds": 1.23456})


LINES = {"chartTitle": "loss", "xAxis": "step", "metrics": ["loss", "predicted_loss"], "groupAgg": "median"}
LINES |= {"groupBy": "width.value", "groupArea": "minmax", "yLogScale": True}
NUMBER = {"viewType": "Scalar Chart", "config": {"metrics": ["trials"], "chartTitle": "trials"}}
SCATTER = {"xAxis": "config:width.value", "yAxis": "summary:test_error"}


def drawn(kind: str, config: dict[str, Any], numbers: Numbers) -> dict[str, Any]:
    """The drawing of one panel, and the rows that it shows."""
    return drawing([{"name": "section", "panels": [{"viewType": kind, "config": config}]}], numbers, "title", 9)


def rows(spec: dict[str, Any], *columns: str) -> list[dict[str, Any]]:
    return [row for data in spec["datasets"].values() for row in data if set(columns) <= set(row)]


def words(spec: dict[str, Any]) -> list[str]:
    return [row["text"] for row in rows(spec, "text")]


def test_lines_are_the_aggregate_of_each_group_with_its_range(numbers: Numbers) -> None:
    shown = {
        (row["name"], row["group"], row["step"]): row
        for row in rows(drawn("Run History Line Plot", LINES, numbers), "low")
    }
    assert [shown["loss", 2, 10][key] for key in ("low", "value", "high")] == [1.0, 2.0, 3.0]
    assert shown["loss", 4, 10]["value"] == 5.0
    assert shown["predicted_loss", 2, 10]["value"] == 2.5
    assert len(shown) == 3  # what a logarithmic axis cannot show is left out


def test_another_aggregate_is_another_line(numbers: Numbers) -> None:
    shown = rows(drawn("Run History Line Plot", LINES | {"groupAgg": "max"}, numbers), "low")
    assert {(row["group"], row["value"]) for row in shown if row["name"] == "loss"} == {(2, 3.0), (4, 5.0)}


def test_scales_are_those_of_the_panel(numbers: Numbers) -> None:
    for log in (True, False):
        spec = drawn("Run History Line Plot", LINES | {"yLogScale": log}, numbers)
        (panel,) = spec["vconcat"][0]["concat"]
        assert panel["layer"][1]["encoding"]["y"]["scale"]["type"] == ("log" if log else "linear")


def test_points_are_the_runs_that_have_both_numbers(numbers: Numbers) -> None:
    assert sorted((row["x"], row["y"]) for row in rows(drawn("Scatter Plot", SCATTER, numbers), "y")) == [
        (2, -1.0),
        (2, 1.0),
    ]
    log = rows(drawn("Scatter Plot", SCATTER | {"yAxisLogScale": True}, numbers), "y")
    assert [(row["x"], row["y"]) for row in log] == [(2, 1.0)]


def test_bars_are_the_aggregate_of_each_group(numbers: Numbers) -> None:
    config = {"metrics": ["loss.min"], "groupBy": "width.value", "groupAgg": "min"}
    shown = rows(drawn("Bar Chart", config, numbers), "group", "value")
    assert [(row["group"], row["value"]) for row in shown] == [(2, 1.0), (4, 5.0)]


def test_parallel_coordinates_hold_each_run_on_each_axis(numbers: Numbers) -> None:
    columns = [
        {"accessor": "config:model.value", "displayName": "model"},
        {"accessor": "summary:loss.min", "displayName": "least loss", "log": True},
    ]
    stops = [{"color": "#000000", "offset": 0.0}, {"color": "#ffffff", "offset": 100.0}]
    shown = rows(drawn("Parallel Coordinates Plot", {"columns": columns, "customGradient": stops}, numbers), "place")
    assert sorted((row["run"], row["place"]) for row in shown if row["axis"] == "model") == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
    ]
    ends = {row["run"]: row["place"] for row in shown if row["axis"] == "least loss"}
    assert ends == pytest.approx({0: math.log(3) / math.log(5), 1: 0, 2: math.log(2) / math.log(5), 3: 1})


def test_a_number_is_of_the_sweep(numbers: Numbers) -> None:
    assert words(drawn("Scalar Chart", {"metrics": ["trials"]}, numbers)) == ["4"]
    assert words(drawn("Scalar Chart", {"metrics": ["seconds"]}, numbers)) == ["1.235"]


def test_a_text_is_shown_without_its_marks(numbers: Numbers) -> None:
    text = "### Verdicts\n\n| model | verdict |\n| --- | --- |\n| linear | agrees |\n"
    assert words(drawn("Markdown Panel", {"value": text}, numbers)) == [
        "Verdicts",
        "model | verdict",
        "linear | agrees",
    ]


@pytest.mark.parametrize(
    ("kind", "config", "said"),
    [
        ("Run History Line Plot", LINES | {"metrics": ["nothing"]}, "Run History Line Plot: no numbers"),
        (
            "Run History Line Plot",
            LINES | {"groupBy": "nothing.value", "metrics": ["x"]},
            "Run History Line Plot: no numbers",
        ),
        ("Scatter Plot", SCATTER | {"xAxis": "summary:nothing"}, "Scatter Plot: no numbers"),
        ("Scalar Chart", {"metrics": ["nothing"]}, "Scalar Chart: no numbers"),
        ("Run Comparer", {}, "Run Comparer: drawn by W&B"),
    ],
)
def test_a_panel_that_cannot_be_drawn_comes_last_and_says_why(
    numbers: Numbers, kind: str, config: dict[str, Any], said: str
) -> None:
    panels = [{"viewType": kind, "config": config}, NUMBER]
    assert words(drawing([{"name": "section", "panels": panels}], numbers, "title", 9)) == ["4", said]


def test_of_a_section_without_numbers_a_line_is_left(numbers: Numbers) -> None:
    nothing = {"viewType": "Scatter Plot", "config": SCATTER | {"xAxis": "summary:nothing"}}
    spec = drawing([{"name": "sharpness", "panels": [nothing] * 5}], numbers, "title", 3)
    assert words(spec) == ["none of its 5 panels has numbers here"]
    assert spec["vconcat"][0]["title"] == "sharpness"


def test_panels_that_are_left_out_are_counted(numbers: Numbers) -> None:
    sections = [{"name": "first", "panels": [NUMBER] * 5}, {"name": "second", "panels": [NUMBER]}]
    spec = drawing(sections, numbers, "title", 3)
    assert [section["title"] for section in spec["vconcat"]] == ["first, and 2 more panels", "second"]
    assert [len(section["concat"]) for section in spec["vconcat"]] == [3, 1]


def test_a_dashboard_becomes_a_picture(numbers: Numbers) -> None:
    panels = [{"viewType": "Run History Line Plot", "config": LINES}, {"viewType": "Scatter Plot", "config": SCATTER}]
    assert preview([{"name": "section", "panels": panels}], numbers, "title", 3)[:8] == b"\x89PNG\r\n\x1a\n"
