"""A dashboard is updated on W&B, never made twice, and waits in a file where W&B cannot be reached."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from wandb_drawing import marks, picture
from wandb_graphql import Operations
from wandb_server import WandbServer
from wandb_state import ENTITY, KEY, Fault

from pipeline.cli import main
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.html.wandb_links import read_wandb_links
from pipeline.tracking.dashboard.workspace import view_name
from pipeline.tracking.export.export import export, read_run

PROJECT = "p"


@pytest.fixture
def run(drawn: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn, tmp_path / "run")


@pytest.fixture
def server(server: WandbServer) -> WandbServer:
    """A W&B that has a run of the project."""
    server.run_at((ENTITY, PROJECT, "r"))
    return server


def told(run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["dashboard", str(run), "--set", f"tracking.project={PROJECT}"])
    return code, " ".join(capsys.readouterr().err.split())


def noted(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "wandb" / "dashboard.json").read_text())
    return content


def sections(view: dict[str, Any]) -> dict[str, Any]:
    """The panels of each section of a workspace."""
    found = json.loads(view["spec"])["section"]["panelBankConfig"]["sections"]
    assert len({section["name"] for section in found}) == len(found)
    return {section["name"]: section["panels"] for section in found}


def blocks(report: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(report["spec"])["blocks"]
    return found


def charts(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The custom charts of a report."""
    grids = [block["metadata"] for block in blocks(report) if block["type"] == "panel-grid"]
    panels = [panel for grid in grids for panel in grid["panelBankSectionConfig"]["panels"]]
    return [panel["config"] for panel in panels if panel["viewType"] == "Vega2"]


def test_a_dashboard_made_twice_is_one(run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = told(run, capsys), told(run, capsys)
    assert (first[0], again[0]) == (0, 0)
    url = f"{server.url}/{ENTITY}/{PROJECT}?nw={view_name(read_run(run))[3:-2]}"
    assert f"the workspace is made: {url}" in first[1]
    assert f"the workspace is updated: {url}" in again[1]
    (view,), ((id_, report),) = server.views.values(), server.reports.items()
    assert json.loads(view["spec"]) == noted(run)["view"]["spec"]
    assert noted(run)["url"] == url
    url = f"{server.url}/{ENTITY}/{PROJECT}/reports/a-question-{read_run(run).group[-10:]}-report--{id_.rstrip('=')}"
    links = next(block["content"] for block in blocks(report) if "are the truth" in block.get("content", ""))
    assert f"({noted(run)['url']})" in links
    assert f"({server.url}/{ENTITY}/{PROJECT}/runs/{read_run(run).prefix}-sweep)" in links
    assert f"the report is made: {url}" in first[1]
    assert f"the report is updated: {url}" in again[1]
    assert json.loads(report["spec"]) == noted(run)["report"]["spec"]
    assert (noted(run)["report"]["id"], noted(run)["report"]["url"]) == (id_, url)
    assert len(server.charts) == len(charts(report)) == len(FIGURES)
    assert server.requests.count("CreateCustomChart") == len(FIGURES)
    assert server.unknown == []
    assert sorted(path.name for path in (run / "wandb").iterdir()) == ["dashboard.json", "lock"]


def test_a_dashboard_whose_note_is_lost_is_found_again(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (run / "wandb" / "dashboard.json").write_text('{"url": ')
    name = next(iter(server.reports.values()))["name"]
    said = told(run, capsys)[1]
    assert "the workspace is updated" in said
    assert "the report is updated" in said
    assert (len(server.views), len(server.charts)) == (1, len(FIGURES))
    (report,) = server.reports.values()
    assert report["name"] == name
    assert len(charts(report)) == len(FIGURES)


def test_of_many_reports_ours_is_found(run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    told(run, capsys)
    ((id_, ours),) = server.reports.items()
    others = {f"other {number}": ours | {"displayName": f"{number}"} for number in range(70)}
    server.reports = {**others, id_: ours, "like ours": ours | {"project": {"name": "q", "entityName": ENTITY}}}
    (run / "wandb" / "dashboard.json").unlink()
    told(run, capsys)
    assert noted(run)["report"]["id"] == id_
    assert server.requests.count("ProjectViews") == 1 + 2  # the first time, and two pages


def test_a_report_that_was_deleted_is_made_again(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (old,) = server.reports
    server.reports.clear()
    assert "the report is made" in told(run, capsys)[1]
    (new,) = server.reports
    assert new != old
    assert noted(run)["report"]["id"] == new


def test_a_report_that_people_have_renamed_and_written_into_stays_theirs(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (report,) = server.reports.values()
    spec = json.loads(report["spec"])
    place = next(place for place, block in enumerate(spec["blocks"]) if "Notes" in str(block["children"]))
    theirs = {"type": "a-block-of-tomorrow", "children": [{"text": "mine"}], "unheard": {"of": None}}
    spec["blocks"] = [theirs, *spec["blocks"][5:place], spec["blocks"][place], theirs]
    spec["authors"], spec["unheard"] = [{"name": "me"}], 1
    report |= {"spec": json.dumps(spec), "displayName": "My report"}
    assert "the report is updated" in told(run, capsys)[1]
    (report,) = server.reports.values()
    assert report["displayName"] == "My report"
    assert blocks(report)[-1] == theirs
    assert blocks(report)[:-1] == noted(run)["report"]["spec"]["blocks"][:-2]
    assert json.loads(report["spec"])["authors"] == [{"name": "me"}]
    assert json.loads(report["spec"])["unheard"] == 1


def test_the_runs_of_a_report_are_those_of_its_project(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (view,), (report,) = server.views.values(), server.reports.values()
    runs = [runs for block in blocks(report) for runs in block.get("metadata", {}).get("runSets", [])]
    assert len(runs) == len(charts(report)) + len(sections(view))
    assert [of["project"] for of in runs] == [{"id": "42", "name": PROJECT, "entityName": ENTITY}] * len(runs)


def test_what_wandb_holds_of_a_figure_is_the_picture_of_the_report(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Charts and tables arrive separately, from the dashboard and from the sync."""
    done = export(run, Tracking(project=PROJECT, runs="none"), None, print)
    assert not done.problems
    assert told(run, capsys)[0] == 0
    (sweep,) = [stored for place, stored in server.runs.items() if place[2].endswith("-sweep")]
    (report,) = server.reports.values()
    seen = set()
    for panel in charts(report):
        (query,) = panel["userQuery"]["queryFields"]
        (key,) = [field["args"][0]["value"] for field in query["fields"] if field["name"] == "summaryTable"]
        table = json.loads(server.uploads[f"{sweep.place[2]}/{sweep.summary[key]['path']}"])
        preset = server.charts[panel["panelDefId"]]
        assert (preset["chartType"], preset["access"]) == ("vega2", "PRIVATE")
        spec = picture(json.loads(preset["spec"]), panel["fieldSettings"], table["columns"], table["data"])
        local = json.loads((run / "figures" / f"{key.removeprefix('chart_')}.json").read_text())
        assert marks(spec) == marks(local)
        seen.add(key)
    assert seen == {f"chart_{figure.name}" for figure in FIGURES}


def test_what_people_have_changed_stays_and_what_is_ours_is_brought_up_to_date(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slider, a panel in a section of ours, columns, pinned runs, an order, a title, and what no client knows."""
    told(run, capsys)
    (view,) = server.views.values()
    spec = json.loads(view["spec"])
    whole = sections(view)
    bank, (runs,) = spec["section"]["panelBankConfig"], spec["section"]["runSets"]
    theirs = {"__id__": "theirs", "viewType": "A Panel Of Tomorrow", "config": {"unheard": {"of": None}}}
    first, *others = bank["sections"]
    first["panels"][1]["config"]["smoothingWeight"] = 0.6
    first["panels"][2:3] = [theirs]
    bank["sections"] = [{"name": "mine", "panels": [{**theirs, "__id__": "mine"}]}, *reversed(others), first]
    spec["section"]["settings"] |= {"smoothingWeight": 0.6, "smoothingType": "a type of tomorrow", "maxRuns": 7.5}
    runs["runFeed"]["columnPinned"] = {"summary:verdict": True, "summary:loss.min": True}
    runs["pinnedRuns"], runs["id"] = ["UnVuOnYxOmE6cDpsYWI="], "abc"
    spec["section"]["workspaceSettings"] = {"unheard": 1}
    view |= {"spec": json.dumps(spec), "displayName": "Mine"}
    code, said = told(run, capsys)
    assert (code, "the workspace is updated" in said) == (0, True)
    (view,) = server.views.values()
    now, found = json.loads(view["spec"]), sections(view)
    assert view["displayName"] == "Mine"
    assert list(found) == ["mine", *(section["name"] for section in reversed(others)), first["name"]]
    ids = [panel["__id__"] for panel in whole[first["name"]]]
    assert [panel["__id__"] for panel in found[first["name"]]] == [*ids[:3], "theirs", *ids[3:]]
    assert found[first["name"]][1]["config"]["smoothingWeight"] == 0.6
    assert theirs in found[first["name"]]
    for name in ("settings", "workspaceSettings", "runSets"):
        assert now["section"][name] == spec["section"][name]


@pytest.mark.parametrize("note", ["there", "lost"])
def test_a_panel_of_ours_that_says_something_new_says_it_there(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], note: str
) -> None:
    told(run, capsys)
    (view,) = server.views.values()
    spec = json.loads(view["spec"])
    (section,) = [part for part in spec["section"]["panelBankConfig"]["sections"] if part["name"] == "runs"]
    (words,) = [panel for panel in section["panels"] if panel["viewType"] == "Markdown Panel"]
    now, words["config"]["value"] = words["config"]["value"], "as it was said before"
    spec["section"]["settings"]["smoothingWeight"] = 0.6
    view["spec"] = json.dumps(spec)
    path = run / "wandb" / "dashboard.json"
    before = noted(run)
    settings = before["view"]["spec"]["section"]["settings"]
    before["sent"]["view"] = {**spec, "section": {**spec["section"], "settings": settings}}
    path.write_text(json.dumps(before) if note == "there" else "")
    assert told(run, capsys)[0] == 0
    (view,) = server.views.values()
    (words,) = [panel for panel in sections(view)["runs"] if panel["viewType"] == "Markdown Panel"]
    assert words["config"]["value"] == now
    assert json.loads(view["spec"])["section"]["settings"]["smoothingWeight"] == 0.6


def test_what_people_have_added_to_the_grids_of_a_report_stays(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told(run, capsys)
    (report,) = server.reports.values()
    spec = json.loads(report["spec"])
    grid = next(block for block in spec["blocks"] if block["type"] == "panel-grid")
    theirs = {"__id__": "theirs", "viewType": "A Panel Of Tomorrow"}
    grid["metadata"]["panelBankSectionConfig"]["panels"].append(theirs)
    grid["metadata"]["runSets"][0]["pinnedRuns"] = ["a run"]
    report["spec"] = json.dumps(spec)
    assert told(run, capsys)[0] == 0
    (report,) = server.reports.values()
    assert json.loads(report["spec"]) == spec


@pytest.mark.parametrize("spec", ["{}", '{"section": {}}', '{"section": {"panelBankConfig": {"sections": null}}}', "["])
def test_a_view_that_is_not_as_it_should_be_is_made_whole_or_told_of(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], spec: str
) -> None:
    told(run, capsys)
    (view,) = server.views.values()
    view["spec"] = spec
    code, said = told(run, capsys)
    assert code == (1 if spec == "[" else 0)
    assert "Traceback" not in said
    if code:
        assert f"{ENTITY}/{PROJECT}: what W&B has of the workspace is not JSON" in said
    else:
        (view,) = server.views.values()
        assert list(sections(view)) == list(sections({"spec": json.dumps(noted(run)["view"]["spec"])}))


def test_addresses_keep_the_path_of_a_server_that_has_one(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", f"{server.url}/tools/wandb")
    server.run_at((ENTITY, "my project", "r"))
    assert main(["dashboard", str(run), "--set", "tracking.project=my project"]) == 0
    said = capsys.readouterr().err
    assert f"the workspace is made: {server.url}/tools/wandb/{ENTITY}/my%20project?nw=" in said
    assert f"the report is made: {server.url}/tools/wandb/{ENTITY}/my%20project/reports/" in said
    for name, url in read_wandb_links(run).items():  # which the page of the run leads to
        assert f"the {name} is made: {url}" in said
    assert len(read_wandb_links(run)) == 2


def test_without_a_key_the_view_is_written_and_sent_later(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    code, said = told(run, capsys)
    assert code == 0
    assert "nothing was sent: there is no key for W&B here" in said
    assert f"python -m pipeline dashboard {run} sends it" in said
    assert f"is in {run / 'wandb' / 'dashboard.json'}" in said
    waiting = noted(run)
    assert list(sections({"spec": json.dumps(waiting["view"]["spec"])}))[-1] == "runs"
    assert (waiting["url"], waiting["report"]["id"], waiting["report"]["url"], waiting["presets"]) == ("", "", "", {})
    assert waiting["report"]["title"] == f"{read_run(run).group} (report)"
    names = [chart["name"] for chart in waiting["charts"]]
    assert [panel["panelDefId"] for panel in charts({"spec": json.dumps(waiting["report"]["spec"])})] == names
    assert [chart["spec"]["data"] for chart in waiting["charts"]] == [{"name": "wandb"}] * len(FIGURES)
    assert (server.views, server.reports, server.charts) == ({}, {}, {})
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert "the workspace is made" in told(run, capsys)[1]
    there = noted(run)
    monkeypatch.setenv("WANDB_MODE", "offline")
    told(run, capsys)
    assert noted(run)["url"].startswith(server.url)
    assert noted(run)["report"]["url"] == there["report"]["url"] != ""
    assert noted(run)["presets"] == there["presets"] != {}


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
        ("CreateCustomChart", 500, "W&B does not answer as it should"),
        ("ProjectViews", 403, "no access"),
        ("ProjectInternalId", 500, "W&B does not answer as it should"),
        ("upsertView", 401, "the key is refused"),
        ("upsertView", "cut", "W&B does not answer as it should"),
        ("SpecificReport", 429, "W&B does not answer as it should"),
    ],
)
def test_a_refusal_is_one_message_and_no_note(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], where: str, what: int | str, words: str
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
    assert (len(server.views), len(server.reports), len(server.charts)) == (1, 1, len(FIGURES))


def test_where_charts_are_refused_the_report_is_made_without_them(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults.append(Fault("CreateCustomChart", 403))
    code, said = told(run, capsys)
    assert code == 0
    assert f"the report is made without its figures: {ENTITY}: no access" in said
    (report,) = server.reports.values()
    assert charts(report) == []
    assert "Figures" not in [block["children"][0].get("text") for block in blocks(report)]
    server.faults.clear()
    assert "without its figures" not in told(run, capsys)[1]
    (report,) = server.reports.values()
    assert len(charts(report)) == len(FIGURES)


def test_a_report_that_is_not_kept_is_not_called_made(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Operations, "do_upsertView", lambda *_: {"upsertView": {"view": {"id": "Vg=="}}})
    code, said = told(run, capsys)
    assert code == 1
    assert "W&B took the report without a complaint and does not have it whole" in said
    assert not (run / "wandb" / "dashboard.json").exists()


def test_a_view_that_is_not_kept_is_not_called_made(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {"upsertView": {"view": {"id": "v", "name": view_name(read_run(run))}, "inserted": True}}
    monkeypatch.setattr(Operations, "do_UpsertView2", lambda *_: taken)
    code, said = told(run, capsys)
    assert code == 1
    assert "W&B took the dashboard without a complaint and does not have it whole" in said
