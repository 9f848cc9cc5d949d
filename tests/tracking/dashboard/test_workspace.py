"""A workspace shows every diagnostic by its existing, and only the runs of its sweep."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from drawn_run import write_run
from panel_numbers import is_empty, numbers_of
from wandb_state import ENTITY

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.plans import read_plan
from pipeline.records.schema import RECORDS
from pipeline.records.store import read_records_of, write_records
from pipeline.tracking.dashboard.recorded_metrics import recorded_metrics
from pipeline.tracking.dashboard.workspace import as_json, view_name, workspace
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.trial_runs import PREDICTED, SMALLEST, RecordedRun

THERE = Destination(ENTITY, "p")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    return read_run(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A sweep of which every diagnostic is recorded at two steps."""
    return read_run(with_every_diagnostic(write_run(tmp_path_factory.mktemp("whole"))))


def with_every_diagnostic(folder: Path, *others: str) -> Path:
    for pack in read_plan(folder).packs:
        there = read_records_of(folder, pack.id)
        missing = [*others, *(name for name in DIAGNOSTICS if name not in set(there["diagnostic"]))]
        rows = [(trial.id, step, name, 0.5, pack.id) for trial in pack.trials for name in missing for step in (0, 10)]
        more = pl.DataFrame(rows, schema=RECORDS, orient="row")
        write_records(folder, pack.id, 0, pl.concat([there.select(more.columns), more]))
    return folder


def sections(view: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = view["spec"]["section"]["panelBankConfig"]["sections"]
    assert len({section["name"] for section in found}) == len(found)
    return {section["name"]: section["panels"] for section in found}


def texts(panels: list[dict[str, Any]]) -> str:
    return "\n".join(panel["config"]["value"] for panel in panels if panel["viewType"] == "Markdown Panel")


# What it shows.


@pytest.mark.parametrize(("name", "kind"), DIAGNOSTICS.items(), ids=DIAGNOSTICS.keys())
def test_every_diagnostic_that_is_recorded_is_drawn_in_its_section(
    whole: RecordedRun, name: str, kind: type[Diagnostic]
) -> None:
    """Against the step if it is there at several, and what is no measure of progress against the width as well."""
    panels = sections(as_json(workspace(whole, THERE)))[kind.section()]
    lines = [panel["config"] for panel in panels if name in panel["config"].get("metrics", [])]
    axes = [(panel["config"].get("xAxis"), panel["config"].get("yAxis")) for panel in panels]
    once = recorded_metrics(whole, list(whole.outcome_by_trial)).diagnostics[name].steps == 1
    ways = [] if once else [("setting.value", "median", "minmax")]
    if name in SMALLEST and not once:
        ways.append(("model_and_problem.value", "min", "none"))
    assert [(line["groupBy"], line["groupAgg"], line["groupArea"]) for line in lines] == ways
    assert all(line["xAxis"] == "step" for line in lines)
    assert all(
        line["metrics"] == [name, *([PREDICTED] if name == "loss" and "by" in ways else [])] for line in lines[1:]
    )
    last = f"summary:{name}.last" if name in SMALLEST else f"summary:{name}"
    assert axes.count(("config:width.value", last)) == (name not in SMALLEST or once)


def test_the_predicted_loss_is_beside_the_measured_one_of_the_same_setting(source: RecordedRun) -> None:
    panels = sections(as_json(workspace(source, THERE)))["convergence"]
    first = next(panel["config"] for panel in panels if "loss" in panel["config"].get("metrics", []))
    assert (first["metrics"], first["groupBy"]) == (["loss", PREDICTED], "setting.value")


def test_every_panel_has_something_to_show(source: RecordedRun) -> None:
    numbers = numbers_of(source)
    for name, panels in sections(as_json(workspace(source, THERE))).items():
        assert [panel["config"].get("chartTitle") for panel in panels if is_empty(panel, numbers)] == [], name


def test_a_panel_without_numbers_is_found(source: RecordedRun) -> None:
    numbers = numbers_of(source)
    unknown = {"groupBy": "setting.value", "metrics": ["unheard"], "xAxis": "config:unheard.value", "value": " "}
    unknown |= {"columns": [{"accessor": "summary:unheard"}]}
    kinds = ("Run History Line Plot", "Scatter Plot", "Bar Chart", "Parallel Coordinates Plot", "Scalar Chart")
    assert all(is_empty({"viewType": kind, "config": unknown}, numbers) for kind in (*kinds, "Markdown Panel"))
    assert not is_empty({"viewType": "Weave", "config": {}}, numbers)


def test_no_line_and_no_bar_goes_over_two_models_or_problems(source: RecordedRun) -> None:
    runs = numbers_of(source).runs
    told_apart = [f"config:{name}.value" for name in ("model", "problem")]
    panels = [panel["config"] for part in sections(as_json(workspace(source, THERE))).values() for panel in part]
    groups = {f"config:{config['groupBy']}" for config in panels if config.get("groupBy")}
    assert groups == {f"config:{name}.value" for name in ("setting", "model_and_width", "model_and_problem")}
    for group in groups:
        most = runs.group_by(group).agg(pl.col(told_apart).n_unique())
        assert most.select(told_apart).max().row(0) == (1, 1)
    of_seeds = runs.group_by("config:setting.value").agg(pl.col("config:learning_rate.value").n_unique(), pl.len())
    assert of_seeds["config:learning_rate.value"].max() == 1
    assert of_seeds["len"].unique().to_list() == [2]


def test_a_sweep_of_which_no_trial_has_a_run_shows_what_its_own_run_says(source: RecordedRun) -> None:
    found = sections(as_json(workspace(source, THERE, trials=[])))
    assert list(found) == ["sweep", "theory", "runs"]
    assert {panel["viewType"] for panel in found["sweep"]} == {"Weave"}


def test_what_only_other_trials_have_is_not_shown(source: RecordedRun) -> None:
    relu = [row["trial"] for row in source.rows.values() if "relu" in row["model"]]
    shown = set(sections(as_json(workspace(source, THERE, trials=relu))))
    assert "conditioning" not in shown
    assert "sharpness" in shown


def test_sections_are_in_order(whole: RecordedRun) -> None:
    names = list(sections(as_json(workspace(whole, THERE))))
    assert names[:2] == ["convergence", "conditioning"]
    assert names[-3:] == ["sweep", "theory", "runs"]
    assert set(names[2:-3]) == {kind.section() for kind in DIAGNOSTICS.values()} - {*names[:2]}


def test_a_new_diagnostic_brings_its_section(tmp_path: Path) -> None:
    class Margin(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        unit: ClassVar[str] = "margin"

        @classmethod
        def section(cls) -> str:
            return "confidence"

    source = read_run(with_every_diagnostic(write_run(tmp_path), "margin"))
    found = sections(as_json(workspace(source, THERE, {**DIAGNOSTICS, "margin": Margin})))
    assert list(found)[-4:] == ["confidence", "sweep", "theory", "runs"]
    titles = {panel["config"]["chartTitle"] for panel in found["confidence"]}
    assert titles == {"margin of each setting, median over seeds", "margin against width"}


def test_a_diagnostic_of_ones_own_is_drawn_though_it_is_in_no_table(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Margin(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        unit: ClassVar[str] = "margin"

    source = read_run(with_every_diagnostic(write_run(tmp_path), "margin"))
    experiment = dataclasses.replace(source.plan.experiment, diagnostics=(Margin(),))
    source = dataclasses.replace(source, plan=dataclasses.replace(source.plan, experiment=experiment))
    found = sections(as_json(workspace(source, THERE)))
    assert any(panel["config"].get("chartTitle") == "margin against width" for panel in found["test_workspace"])


@pytest.mark.parametrize(("name", "kind"), DIAGNOSTICS.items(), ids=DIAGNOSTICS.keys())
def test_axis_is_logarithmic_unless_it_would_hide_negative_numbers(
    whole: RecordedRun, name: str, kind: type[Diagnostic]
) -> None:
    there = recorded_metrics(whole, list(whole.outcome_by_trial))
    panels = sections(as_json(workspace(whole, THERE)))[kind.section()]
    lines = [panel["config"] for panel in panels if name in panel["config"].get("metrics", [])]
    wanted = there.diagnostics[name].positive and not kind.signed
    assert all(line.get("yLogScale", False) == wanted for line in lines)


def test_a_section_named_like_one_of_ours_is_one_with_it(whole: RecordedRun) -> None:
    class Regret(DIAGNOSTICS["effective_rank"]):  # type: ignore[name-defined,misc]
        @classmethod
        def section(cls) -> str:
            return "theory"

    found = sections(as_json(workspace(whole, THERE, {**DIAGNOSTICS, "effective_rank": Regret})))
    assert found["theory"][0]["config"]["metrics"] == ["effective_rank"]


def test_no_panel_is_there_twice_and_each_keeps_its_id(source: RecordedRun) -> None:
    once, again = (as_json(workspace(source, THERE)) for _ in range(2))
    assert once == again
    panels = [panel for section in sections(once).values() for panel in section]
    assert len({panel["__id__"] for panel in panels}) == len(panels)


def test_the_sweep_is_a_map_of_its_least_error(source: RecordedRun) -> None:
    map_, _, coordinates, best = (panel["config"] for panel in sections(as_json(workspace(source, THERE)))["sweep"][:4])
    assert (map_["xAxis"], map_["yAxis"]) == ("config:learning_rate.value", "config:width.value")
    assert map_["zAxis"] == "summary:test_error.min"
    accessors = [column["accessor"] for column in coordinates["columns"]]
    assert accessors == [*(f"config:{axis}.value" for axis in ("model", "learning_rate", "width")), map_["zAxis"]]
    assert (best["metrics"], best["groupBy"], best["groupAgg"]) == (["test_error.min"], "model_and_width.value", "min")


def test_theory_says_the_verdicts_and_the_predicted_limits(source: RecordedRun) -> None:
    said = texts(sections(as_json(workspace(source, THERE)))["theory"])
    assert "| absolute_value | linear(legendre) | 8 | 4 | agrees (8 of 8 trials) |" in said
    assert "| absolute_value | linear(legendre) | 4 | exact | 2 | 2 |" in said


def test_theory_shows_the_tables_of_the_report_that_say_something(source: RecordedRun, tmp_path: Path) -> None:
    """Two widths have no rate; six have one."""
    wide = read_run(write_run(tmp_path, widths=(2, 4, 8, 16, 32, 64)))
    for run, names in ((source, {"descent"}), (wide, {"rates", "descent"})):
        panels = sections(as_json(workspace(run, THERE)))["theory"]
        assert set(run.theory_tables) == names
        assert {name for name in ("rates", "descent", "coordinates") if f'"{name}"' in json.dumps(panels)} == names


def test_a_reason_for_a_failure_is_text_whatever_it_looks_like(source: RecordedRun) -> None:
    said = texts(sections(as_json(workspace(source, THERE)))["runs"])
    assert said.count(r"&lt;script&gt;alert(1)&lt;/script&gt; \| more |") == 4
    assert "<script>" not in said


@pytest.mark.parametrize("name", ["a_question", "lr=1 <2> 'x'", 'say "=="', "back\\slash ½ 🙂"])
def test_only_the_runs_of_the_sweep_are_shown(tmp_path: Path, name: str) -> None:
    source = read_run(write_run(tmp_path, name))
    (runs,) = as_json(workspace(source, THERE))["spec"]["section"]["runSets"]
    only, *choices = runs["filters"]["filters"]
    assert [(one["key"]["name"], one["value"], one["disabled"]) for one in choices] == [
        ("status", "diverged", True),
        ("status", "failed", True),
    ]
    assert not only["disabled"]
    assert only["key"] == {"section": "run", "name": "group"}
    assert (only["op"], only["value"]) == ("=", source.group)


def test_two_sweeps_have_views_of_other_names(source: RecordedRun, tmp_path: Path) -> None:
    other = read_run(write_run(tmp_path, "another_question"))
    assert view_name(source) == view_name(source) != view_name(other)
    assert re.fullmatch(r"nw-[0-9a-f]{11}-v", view_name(source))
