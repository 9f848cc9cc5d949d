"""A dashboard shows every diagnostic by its existing, and is updated on W&B, never made twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from wandb_graphql import Operations
from wandb_server import WandbServer
from wandb_state import ENTITY, KEY, Fault

from pipeline.cli import main
from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Trial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plan import make_plan, write_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.tracking.content import Destination
from pipeline.tracking.dashboard import as_json, view_name, workspace
from pipeline.tracking.export import read_run
from pipeline.tracking.trial_runs import PREDICTED, SMALLEST, Exportable

HOSTILE = "<script>alert(1)</script> | more"
PROJECT = "p"
THERE = Destination(ENTITY, PROJECT)
EXPERIMENT = Experiment(
    "Does it work?",
    (Linear(), Shallow()),
    (2, 4),
    target=(AbsoluteValue(),),
    learning_rates=(0.5, 4.0),
    seeds=2,
    steps=10,
    record_at=(0, 10),
)

# A small run with known numbers, written as training writes one.


def status(trial: Trial) -> str:
    """Linear trials of the high rate diverged, those of the network failed."""
    if trial.learning_rate == 0.5:
        return "done"
    return "diverged" if trial.shape.model.linear else "failed"


def numbers(trial: Trial) -> list[tuple[int, str, float]]:
    end = {"done": 0.1, "diverged": 9.0, "failed": 1.0}[status(trial)] / trial.shape.width
    losses = [(step, name, value) for step, value in ((0, 1.0), (10, end)) for name in ("loss", "test_error")]
    return losses + ([(0, "largest_stable_learning_rate", 2.0)] if trial.shape.model.linear else [])


def outcome(trial: Trial, pack: Pack) -> tuple[object, ...]:
    said = status(trial)
    step, reason = {"done": (10, ""), "diverged": (7, ""), "failed": (None, HOSTILE)}[said]
    where = ("fused", "cpu", "host", "0.1.0", pack.id, "", 1, "")
    return (trial.id, said, step, reason, trial.learning_rate, 0.5, *where)


def write_run(folder: Path, name: str = "a_question") -> Path:
    plan = make_plan(name, EXPERIMENT)
    write_plan(plan, folder)
    for pack in plan.packs:
        rows = [(trial.id, *row, pack.id) for trial in pack.trials for row in numbers(trial)]
        store.write_records(folder, pack.id, 0, pl.DataFrame(rows, schema=RECORDS, orient="row"))
        outcomes = [outcome(trial, pack) for trial in pack.trials]
        store.write_outcomes(folder, pack.id, pl.DataFrame(outcomes, schema=OUTCOMES, orient="row"))
    return folder


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
    assert "| absolute_value | linear(legendre) | 4 | 2 | 2 |" in said


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


# Where it goes.


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder, on a machine that knows no key and no server."""
    for name in ("WANDB_MODE", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return write_run(tmp_path / "run")


@pytest.fixture
def server(run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A W&B that has a run of the project, and the key to it."""
    import wandb

    server = WandbServer()
    server.start()
    server.run_at((ENTITY, PROJECT, "r"))
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB__GRAPHQL_RETRY_MAX", "0")
    wandb.teardown()
    yield server
    wandb.teardown()
    server.stop()


def told(run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["dashboard", str(run), "--set", f"tracking.project={PROJECT}"])
    return code, " ".join(capsys.readouterr().err.split())


def noted(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "wandb" / "dashboard.json").read_text())
    return content


def test_a_dashboard_made_twice_is_one(run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = told(run, capsys), told(run, capsys)
    assert (first[0], again[0]) == (0, 0)
    url = f"{server.url}/{ENTITY}/{PROJECT}?nw={view_name(read_run(run))[3:-2]}"
    assert f"the dashboard is made: {url}" in first[1]
    assert f"the dashboard is updated: {url}" in again[1]
    (view,) = server.views.values()
    assert json.loads(view["spec"]) == noted(run)["view"]["spec"]
    assert noted(run)["url"] == url
    assert server.unknown == []
    assert sorted(path.name for path in (run / "wandb").iterdir()) == ["dashboard.json", "lock"]


def test_a_dashboard_whose_note_is_lost_is_found_again(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (run / "wandb" / "dashboard.json").write_text('{"url": ')
    assert "the dashboard is updated" in told(run, capsys)[1]
    assert len(server.views) == 1


def test_what_people_have_added_stays(run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    told(run, capsys)
    (view,) = server.views.values()
    spec = json.loads(view["spec"])
    bank = spec["section"]["panelBankConfig"]
    bank["sections"] = [{**bank["sections"][0], "name": "mine"}, {**bank["sections"][0], "panels": []}]
    view["spec"] = json.dumps(spec)
    told(run, capsys)
    (view,) = server.views.values()
    found = sections({"spec": json.loads(view["spec"])})
    assert next(iter(found)) == "convergence"
    assert list(found)[-1] == "mine"
    assert found["convergence"]


def test_without_a_key_the_view_is_written_and_sent_later(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    code, said = told(run, capsys)
    assert code == 0
    assert "nothing was sent: there is no key for W&B here" in said
    assert f"python -m pipeline dashboard {run} sends it" in said
    assert list(sections(noted(run)["view"]))[-1] == "runs"
    assert noted(run)["url"] == ""
    assert server.views == {}
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert "the dashboard is made" in told(run, capsys)[1]
    monkeypatch.setenv("WANDB_MODE", "offline")
    told(run, capsys)
    assert noted(run)["url"].startswith(server.url)


def test_a_project_that_is_not_there_is_said(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.runs.clear()
    code, said = told(run, capsys)
    assert code == 1
    assert "W&B has no such project, or none that this key may see" in said
    assert "sync first" in said


@pytest.mark.parametrize(
    ("where", "what", "words"),
    [
        ("UpsertView2", 401, "the key is refused"),
        ("UpsertView2", 403, "no access"),
        ("UpsertView2", 500, "W&B does not answer as it should"),
        ("View", 403, "no access"),
        ("View", 429, "W&B does not answer as it should"),
    ],
)
def test_a_refusal_is_one_message_and_no_note(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], where: str, what: int, words: str
) -> None:
    server.faults.append(Fault(where, what))
    code, said = told(run, capsys)
    assert code == 1
    assert words in said
    assert said.count("hint:") == 1
    assert "Traceback" not in said
    assert not (run / "wandb" / "dashboard.json").exists()
    server.faults.clear()
    assert told(run, capsys)[0] == 0
    assert len(server.views) == 1


def test_a_view_that_is_not_kept_is_not_called_made(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {"upsertView": {"view": {"id": "v", "name": view_name(read_run(run))}, "inserted": True}}
    monkeypatch.setattr(Operations, "do_UpsertView2", lambda *_: taken)
    code, said = told(run, capsys)
    assert code == 1
    assert "W&B took the dashboard without a complaint and does not have it whole" in said
