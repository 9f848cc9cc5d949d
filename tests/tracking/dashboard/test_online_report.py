"""A report on W&B begins with the question, says what was best and from where, and shows every section and figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from drawn_run import write_run
from wandb_state import ENTITY

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.report.figures.catalogue import FIGURES
from pipeline.tracking.dashboard.chart_presets import preset_id
from pipeline.tracking.dashboard.custom_charts import CustomChart, custom_charts
from pipeline.tracking.dashboard.online_report import OnlineReport, online_report
from pipeline.tracking.dashboard.workspace import as_json, workspace
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.name_lengths import LONGEST_NAME, shortened
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.trial_runs import RecordedRun


@pytest.fixture(scope="module")
def source(drawn: Path) -> RecordedRun:
    return read_run(drawn)


@pytest.fixture(scope="module")
def charts(drawn: Path) -> list[CustomChart]:
    return custom_charts(drawn)


@pytest.fixture(scope="module")
def report(source: RecordedRun, charts: list[CustomChart]) -> OnlineReport:
    return online_report(source, charts, presets_of(charts))


def presets_of(charts: list[CustomChart]) -> dict[str, str]:
    return {chart.preset: preset_id(ENTITY, chart) for chart in charts}


def headings(report: OnlineReport, level: int = 1) -> list[str]:
    blocks = [block for block in report.spec["blocks"] if block["type"] == "heading" and block["level"] == level]
    return [block["children"][0]["text"] for block in blocks]


def below(report: OnlineReport, heading: str) -> dict[str, Any]:
    """The block after a heading."""
    blocks = report.spec["blocks"]
    places = [place for place, block in enumerate(blocks) if block["children"][0].get("text") == heading]
    found: dict[str, Any] = blocks[places[0] + 1]
    return found


def panels(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = grid["metadata"]["panelBankSectionConfig"]["panels"]
    return found


def grids(report: OnlineReport) -> list[dict[str, Any]]:
    return [block for block in report.spec["blocks"] if block["type"] == "panel-grid"]


def test_it_begins_with_the_question_what_was_best_and_where_that_comes_from(report: OnlineReport) -> None:
    assert headings(report)[:4] == ["Does it work?", "The best of each model", "Where the numbers come from", "Figures"]
    best = below(report, "The best of each model")["content"]
    assert best.startswith("16 trials: 8 done, 4 diverged, 4 failed.\n\n| problem | model | trials | diverged |")
    assert "| absolute_value | linear(legendre) | 8 | 4 | 4 | 0.5 | 0.025 | agrees (8 of 8 trials) |" in best


def test_it_says_what_the_numbers_were_made_with(report: OnlineReport, source: RecordedRun) -> None:
    said = below(report, "Where the numbers come from")["content"]
    assert f"| plan | {source.group} |" in said
    assert "| trained by engine | fused |" in said
    assert "| training time | 8 s, added over packs |" in said
    assert "trained by code" not in said  # it is not recorded


def test_every_section_of_the_workspace_is_there_with_its_panels(report: OnlineReport, source: RecordedRun) -> None:
    view = as_json(workspace(source, Destination(ENTITY, "p")))
    sections = view["spec"]["section"]["panelBankConfig"]["sections"]
    assert headings(report)[4:] == [*(section["name"].capitalize() for section in sections), "Notes"]
    for section in sections:
        ours = [panel["config"] for panel in panels(below(report, section["name"].capitalize()))]
        assert ours == [panel["config"] for panel in section["panels"]]


def test_a_new_diagnostic_brings_its_section(source: RecordedRun) -> None:
    class Regret(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        unit: ClassVar[str] = "regret"

        @classmethod
        def section(cls) -> str:
            return "hindsight"

    made = online_report(source, [], {}, {**DIAGNOSTICS, "weight_norm": Regret})
    assert panels(below(made, "Hindsight"))[0]["config"]["metrics"] == ["weight_norm"]


def test_every_figure_of_the_local_report_is_drawn_from_the_run_of_the_sweep(
    report: OnlineReport, charts: list[CustomChart], source: RecordedRun
) -> None:
    assert headings(report, 2) == [figure.title for figure in FIGURES]
    for chart, grid in zip(charts, grids(report)[: len(charts)], strict=True):
        (panel,) = panels(grid)
        assert panel["config"]["panelDefId"] == f"{ENTITY}/{chart.preset}"
        assert panel["config"]["fieldSettings"] == {column: column for column in chart.columns}
        assert chart.table in str(panel["config"]["userQuery"])
        assert panel["layout"]["w"] == 24
        assert panel["layout"]["h"] * 30 >= chart.size[1]
        (runs,) = grid["metadata"]["runSets"]
        said = [(only["key"]["name"], only["value"]) for only in runs["filters"]["filters"]]
        assert said == [("group", source.group), ("jobType", "sweep")]


def test_the_panels_of_sections_show_the_runs_of_the_sweep_only(report: OnlineReport, source: RecordedRun) -> None:
    for grid in grids(report)[len(FIGURES) :]:
        (runs,) = grid["metadata"]["runSets"]
        (only,) = runs["filters"]["filters"]
        assert (only["key"]["name"], only["op"], only["value"]) == ("group", "=", source.group)


def test_a_figure_that_wandb_does_not_have_is_left_out(source: RecordedRun, charts: list[CustomChart]) -> None:
    made = online_report(source, charts, presets_of(charts[:1]))
    assert headings(made, 2) == [FIGURES[0].title]
    assert "Figures" not in headings(online_report(source, charts, {}))


def test_it_is_the_same_whenever_it_is_made_and_no_panel_is_there_twice(
    report: OnlineReport, source: RecordedRun, charts: list[CustomChart]
) -> None:
    assert online_report(source, charts, presets_of(charts)) == report
    ids = [panel["__id__"] for grid in grids(report) for panel in panels(grid)]
    assert len(set(ids)) == len(ids)
    runs = [grid["metadata"]["runSets"][0]["id"] for grid in grids(report)]
    assert len(set(runs)) == len(runs)


@pytest.mark.parametrize("name", ["a" * 200, "lr=1 <2> 'x'", "back\\slash ½ 🙂"])
def test_a_report_has_a_title_that_is_found_again_whatever_the_name(tmp_path: Path, name: str) -> None:
    source = read_run(write_run(tmp_path, name))
    made = online_report(source, [], {})
    assert made.title == shortened(f"{source.group} (report)", LONGEST_NAME)
    assert made.description == "Does it work?"


def test_the_report_says_the_answer_below_its_question(report: OnlineReport, source: RecordedRun) -> None:
    texts = [child["text"] for block in report.spec["blocks"] for child in block.get("children", []) if "text" in child]
    question = texts.index(source.plan.experiment.question)
    assert texts[question + 1] == source.answer.text != ""
