"""A workspace shows every diagnostic by its existing, and only the runs of its sweep."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from drawn_run import write_run
from wandb_state import ENTITY

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.tracking.content import Destination
from pipeline.tracking.export import read_run
from pipeline.tracking.trial_runs import PREDICTED, SMALLEST, Exportable
from pipeline.tracking.workspace import as_json, view_name, workspace

THERE = Destination(ENTITY, "p")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    return read_run(write_run(tmp_path_factory.mktemp("run")))


def sections(view: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = view["spec"]["section"]["panelBankConfig"]["sections"]
    assert len({section["name"] for section in found}) == len(found)
    return {section["name"]: section["panels"] for section in found}


def texts(panels: list[dict[str, Any]]) -> str:
    return "\n".join(panel["config"]["value"] for panel in panels if panel["viewType"] == "Markdown Panel")


# What it shows.


@pytest.mark.parametrize(("name", "kind"), DIAGNOSTICS.items(), ids=DIAGNOSTICS.keys())
def test_every_diagnostic_is_drawn_against_the_step_in_its_section(
    source: Exportable, name: str, kind: type[Diagnostic]
) -> None:
    panels = sections(as_json(workspace(source, THERE)))[kind.section()]
    lines = [panel["config"] for panel in panels if name in panel["config"].get("metrics", [])]
    assert [line["groupBy"] for line in lines] == ["width.value", "learning_rate.value"]
    assert {(line["xAxis"], line["groupArea"]) for line in lines} == {("step", "minmax")}
    beside = [PREDICTED] if name == "loss" else []
    assert all(line["metrics"] == [name, *beside] for line in lines)


@pytest.mark.parametrize("name", sorted(DIAGNOSTICS.keys() - SMALLEST))
def test_what_is_no_measure_of_progress_is_drawn_against_the_width(source: Exportable, name: str) -> None:
    panels = sections(as_json(workspace(source, THERE)))[DIAGNOSTICS[name].section()]
    axes = [(panel["config"].get("xAxis"), panel["config"].get("yAxis")) for panel in panels]
    assert axes.count(("config:width.value", f"summary:{name}")) == 1


def test_sections_are_in_order(source: Exportable) -> None:
    names = list(sections(as_json(workspace(source, THERE))))
    assert names[:2] == ["convergence", "conditioning"]
    assert names[-3:] == ["sweep", "theory", "runs"]
    assert set(names[2:-3]) == {kind.section() for kind in DIAGNOSTICS.values()} - {*names[:2]}


def test_a_new_diagnostic_brings_its_section(source: Exportable) -> None:
    class Margin(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        unit: ClassVar[str] = "margin"

        @classmethod
        def section(cls) -> str:
            return "confidence"

    found = sections(as_json(workspace(source, THERE, {**DIAGNOSTICS, "margin": Margin})))
    assert list(found)[-4:] == ["confidence", "sweep", "theory", "runs"]
    assert {"margin by width", "margin against width"} <= {p["config"]["chartTitle"] for p in found["confidence"]}


@pytest.mark.parametrize(("name", "kind"), DIAGNOSTICS.items(), ids=DIAGNOSTICS.keys())
def test_axis_is_logarithmic_unless_it_would_hide_negative_numbers(
    source: Exportable, name: str, kind: type[Diagnostic]
) -> None:
    panels = sections(as_json(workspace(source, THERE)))[kind.section()]
    lines = [panel["config"] for panel in panels if name in panel["config"].get("metrics", [])]
    assert [line.get("yLogScale", False) for line in lines] == [not kind.signed] * 2


def test_a_section_named_like_one_of_ours_is_one_with_it(source: Exportable) -> None:
    class Regret(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        @classmethod
        def section(cls) -> str:
            return "theory"

    found = sections(as_json(workspace(source, THERE, {**DIAGNOSTICS, "regret": Regret})))
    assert found["theory"][0]["config"]["metrics"] == ["regret"]


def test_no_panel_is_there_twice_and_each_keeps_its_id(source: Exportable) -> None:
    once, again = (as_json(workspace(source, THERE)) for _ in range(2))
    assert once == again
    panels = [panel for section in sections(once).values() for panel in section]
    assert len({panel["__id__"] for panel in panels}) == len(panels)


def test_the_sweep_is_a_map_of_its_least_error(source: Exportable) -> None:
    map_, _, coordinates, best = (panel["config"] for panel in sections(as_json(workspace(source, THERE)))["sweep"][:4])
    assert (map_["xAxis"], map_["yAxis"]) == ("config:learning_rate.value", "config:width.value")
    assert map_["zAxis"] == "summary:test_error.min"
    accessors = [column["accessor"] for column in coordinates["columns"]]
    assert accessors == [*(f"config:{axis}.value" for axis in ("model", "learning_rate", "width")), map_["zAxis"]]
    assert (best["metrics"], best["groupBy"], best["groupAgg"]) == (["test_error.min"], "width.value", "min")


def test_theory_says_the_verdicts_and_the_predicted_limits(source: Exportable) -> None:
    said = texts(sections(as_json(workspace(source, THERE)))["theory"])
    assert "| absolute_value | linear(legendre) | 8 | 4 | agrees (8 of 8 trials) |" in said
    assert "| absolute_value | linear(legendre) | 4 | exact | 2 | 2 |" in said


def test_theory_shows_the_tables_of_the_report_that_say_something(source: Exportable, tmp_path: Path) -> None:
    """Two widths have no rate; six have one."""
    wide = read_run(write_run(tmp_path, widths=(2, 4, 8, 16, 32, 64)))
    for run, names in ((source, {"descent"}), (wide, {"rates", "descent"})):
        panels = sections(as_json(workspace(run, THERE)))["theory"]
        assert set(run.beside_theory) == names
        assert {name for name in ("rates", "descent", "coordinates") if f'"{name}"' in json.dumps(panels)} == names


def test_a_reason_for_a_failure_is_text_whatever_it_looks_like(source: Exportable) -> None:
    said = texts(sections(as_json(workspace(source, THERE)))["runs"])
    assert said.count(r"&lt;script&gt;alert(1)&lt;/script&gt; \| more |") == 4
    assert "<script>" not in said


@pytest.mark.parametrize("name", ["a_question", "lr=1 <2> 'x'", 'say "=="', "back\\slash ½ 🙂"])
def test_only_the_runs_of_the_sweep_are_shown(tmp_path: Path, name: str) -> None:
    source = read_run(write_run(tmp_path, name))
    (runs,) = as_json(workspace(source, THERE))["spec"]["section"]["runSets"]
    (only,) = runs["filters"]["filters"]
    assert only["key"] == {"section": "run", "name": "group"}
    assert (only["op"], only["value"]) == ("=", source.group)


def test_two_sweeps_have_views_of_other_names(source: Exportable, tmp_path: Path) -> None:
    other = read_run(write_run(tmp_path, "another_question"))
    assert view_name(source) == view_name(source) != view_name(other)
    assert re.fullmatch(r"nw-[0-9a-f]{11}-v", view_name(source))
