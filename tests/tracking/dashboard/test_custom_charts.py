"""A custom chart of W&B is the figure of the report, mark for mark."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from wandb_drawing import fitted, kinds, marks, picture

from pipeline.errors import PipelineError
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.figure import Figure
from pipeline.tracking.dashboard.custom_charts import LAYER, MOST_ROWS, PANEL, CustomChart, custom_chart, custom_charts

every_figure = pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])


def figure_of(run: Path, figure: Figure) -> dict[str, Any]:
    """A figure as the local report has it."""
    spec: dict[str, Any] = json.loads((run / "figures" / f"{figure.name}.json").read_text())
    return spec


def chart_of(figure: Figure, spec: dict[str, Any]) -> CustomChart:
    chart = custom_chart(figure, spec)
    assert chart is not None
    return chart


def drawn_by_wandb(chart: CustomChart) -> dict[str, Any]:
    return picture(json.loads(json.dumps(chart.spec)), chart.fields, chart.columns, chart.rows)


@every_figure
@pytest.mark.parametrize("version", ["6.1", "5.21"])
def test_wandb_draws_what_the_report_shows(drawn: Path, figure: Figure, version: str) -> None:
    spec = figure_of(drawn, figure)
    local = marks(spec)
    assert len(local) > 20
    assert marks(drawn_by_wandb(chart_of(figure, spec)), version) == local


@every_figure
def test_columns_of_other_names_go_into_the_blanks_as_well(drawn: Path, figure: Figure) -> None:
    chart = chart_of(figure, figure_of(drawn, figure))
    others = {column: f"another {column}" for column in chart.columns}
    assert marks(picture(chart.spec, others, list(others.values()), chart.rows)) == marks(drawn_by_wandb(chart))


@every_figure
def test_a_chart_has_no_data_nothing_null_and_no_blank_without_a_column(drawn: Path, figure: Figure) -> None:
    chart = chart_of(figure, figure_of(drawn, figure))
    text = json.dumps(chart.spec)
    assert "null" not in text
    assert "datasets" not in chart.spec
    assert re.findall(r'"data": .*?\}', text) == ['"data": {"name": "wandb"}']
    blanks = set(re.findall(r"\$\{field:(.*?)\}", text))
    assert {PANEL, LAYER} < blanks <= set(chart.columns)
    assert not {"id", "name"} & set(chart.columns)  # of the run


@every_figure
def test_a_row_says_what_it_is_drawn_by_and_none_is_there_twice(drawn: Path, figure: Figure) -> None:
    spec = figure_of(drawn, figure)
    chart = chart_of(figure, spec)
    assert chart.columns[:2] == [PANEL, LAYER]
    assert len(chart.rows) == sum(len(rows) for rows in spec["datasets"].values())
    assert len({(row[0], row[1]) for row in chart.rows}) == len(spec["datasets"])


@every_figure
def test_a_single_plot_fits_its_panel_and_shows_the_same_marks(drawn: Path, figure: Figure) -> None:
    spec = figure_of(drawn, figure)
    first = spec.get("concat", [spec])[0]
    alone = {key: spec[key] for key in ("$schema", "config", "datasets", "description")} | first
    in_panel = fitted(drawn_by_wandb(chart_of(figure, alone)), 700, 500)
    assert kinds(in_panel) == kinds(alone)
    assert kinds(alone).total() >= 2


def test_another_specification_has_another_name_and_the_same_has_the_same(drawn: Path) -> None:
    figure, spec = FIGURES[0], figure_of(drawn, FIGURES[0])
    chart = chart_of(figure, spec)
    assert re.fullmatch(r"error-by-width-[0-9a-f]{12}", chart.preset)
    assert chart_of(figure, json.loads(json.dumps(spec))).preset == chart.preset
    assert chart_of(figure, spec | {"title": "Another"}).preset != chart.preset


def test_the_name_of_a_specification_does_not_depend_on_the_rows(drawn: Path) -> None:
    figure, spec = FIGURES[0], figure_of(drawn, FIGURES[0])
    fewer = {name: rows[:1] for name, rows in spec["datasets"].items()}
    assert chart_of(figure, spec | {"datasets": fewer}).preset == chart_of(figure, spec).preset


def test_of_a_table_that_is_too_long_the_last_plots_are_left_out(drawn: Path) -> None:
    (figure,) = [figure for figure in FIGURES if figure.name == "loss_by_step"]
    spec = figure_of(drawn, figure)
    assert len(spec["concat"]) == 2
    second = re.findall(r'"data": {"name": "(.*?)"}', json.dumps(spec["concat"][1]))[0]
    long = spec | {"datasets": spec["datasets"] | {second: spec["datasets"][second] * MOST_ROWS}}
    chart = chart_of(figure, long)
    assert len(chart.spec["concat"]) == 1
    assert chart.spec["title"] == "The first 1 of 2 panels"
    assert {row[0] for row in chart.rows} == {"linear(legendre), width 4"}
    first = long | {"concat": spec["concat"][1:]}
    assert custom_chart(figure, first) is None


def test_two_layers_of_one_name_are_told_apart(drawn: Path) -> None:
    (figure,) = [figure for figure in FIGURES if figure.name == "fitted"]
    chart = chart_of(figure, figure_of(drawn, figure))
    assert {row[1] for row in chart.rows} == {"value", "value 2"}  # the target, and what was fitted


def test_every_chart_of_a_run_is_found_in_order(drawn: Path) -> None:
    assert [chart.figure for chart in custom_charts(drawn)] == list(FIGURES)
    assert [chart.table for chart in custom_charts(drawn)] == [f"chart_{figure.name}" for figure in FIGURES]


def test_a_damaged_figure_is_named(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    shutil.copy(drawn / "figures" / "fitted.json", tmp_path / "figures")
    assert [chart.figure.name for chart in custom_charts(tmp_path)] == ["fitted"]
    (tmp_path / "figures" / "fitted.json").write_text('{"concat": [')
    with pytest.raises(PipelineError, match=r"figures/fitted\.json: not a figure in Vega-Lite\n  hint: .* report"):
        custom_charts(tmp_path)
