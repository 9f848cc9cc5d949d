"""The workspace of a sweep on W&B: a saved view, found again by a name that is derived from the sweep."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import wandb_workspaces.workspaces as ws
from wandb_workspaces._graphql import execute_graphql

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import PipelineError
from pipeline.tracking.dashboard.panels import rate_of, sections, with_ids
from pipeline.tracking.dashboard.run_filters import FILTER_TEXT, runs_of, with_disabled_filters
from pipeline.tracking.dashboard.three_way_merge import id_of, merged, merged_sections
from pipeline.tracking.export.destination import project_url
from pipeline.tracking.export.name_lengths import LONGEST_NAME, shortened
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.trial_runs import RecordedRun
from pipeline.tracking.wandb_errors import RefusedError, TroubleError, as_pipeline_error, parsed_page

Json = dict[str, Any]


def workspace(
    source: RecordedRun,
    destination: Destination,
    diagnostics: Mapping[str, type[Diagnostic]] = DIAGNOSTICS,
    trials: Sequence[str] | None = None,
) -> ws.Workspace:
    """The workspace of a sweep, made without W&B: the same whenever it is made of the same records.

    Args:
        source: The recorded run.
        destination: Entity and project.
        diagnostics: The table.
        trials: Those that have a run of their own on W&B; by default all that have ended.

    Returns:
        The saved view.
    """
    view = ws.Workspace(
        entity=destination.entity,
        project=destination.project,
        name=shortened(_plain(f"{source.group} (dashboard)"), LONGEST_NAME),
        sections=[
            ws.Section(name=name, panels=with_ids(name, panels), is_open=True)
            for name, panels in sections(source, diagnostics, trials).items()
        ],
        settings=ws.WorkspaceSettings(x_axis="step", max_runs=100),
        runset_settings=ws.RunsetSettings(filters=FILTER_TEXT, pinned_columns=_columns(rate_of(source.results))),
    )
    view._stashed_filter_string, view._stashed_filters_v2 = FILTER_TEXT, _runs(source)
    view._internal_name = view_name(source)
    return view


def _runs(source: RecordedRun) -> Json:
    """The filter for the runs of a sweep, with disabled filters for those that diverged or failed."""
    ended = [word for word in ("diverged", "failed") if (source.results["status"] == word).any()]
    return with_disabled_filters(runs_of(source.group), *ended)


def view_name(source: RecordedRun) -> str:
    """The name of the view on W&B: ``nw-``, 11 letters or digits, ``-v``."""
    return f"nw-{hashlib.sha256(source.group.encode()).hexdigest()[:11]}-v"


def as_json(view: ws.Workspace) -> Json:
    """A view as JSON, as it is sent."""
    content: Json = json.loads(view._to_model().model_dump_json(by_alias=True, exclude_none=True))
    return content


def _columns(rate: str) -> list[str]:
    """The pinned columns of the list of runs."""
    axes = [f"config:{name}.value" for name in ("problem", "model", "width", rate, "seed")]
    return ["run:displayName", *axes, "summary:status", "summary:verdict"]


def _plain(name: str) -> str:
    """A name without symbols, which W&B does not take in that of a view."""
    return "".join("_" if unicodedata.category(letter) in ("So", "Sk", "Sm", "Sc", "Cs") else letter for letter in name)


# W&B.


VIEW = """
query View($entityName: String, $name: String, $viewType: String, $viewName: String) {
  project(name: $name, entityName: $entityName) {
    allViews(viewType: $viewType, viewName: $viewName) { edges { node { id displayName spec } } }
  }
}
"""
UPSERT_VIEW = """
mutation UpsertView2($id: ID, $entityName: String, $projectName: String, $type: String, $name: String,
                     $displayName: String, $description: String, $spec: String) {
  upsertView(input: {id: $id, entityName: $entityName, projectName: $projectName, name: $name, type: $type,
                     displayName: $displayName, description: $description, spec: $spec, createdUsing: WANDB_SDK}) {
    view { id name }
    inserted
  }
}
"""
KIND = "project-view"


def save_workspace(api: Any, view: Json, before: Json) -> tuple[str, bool]:
    """Save a workspace, merged with the one that is there.

    Args:
        api: Of W&B's client.
        view: As it is made now.
        before: Its specification as it was last sent; empty if that is not known.

    Returns:
        Its address on W&B, and whether there was one before.

    Raises:
        RefusedError: If W&B says no.
        TroubleError: If it does not answer as it should, or has something else afterwards.
    """
    where = f"{view['entity']}/{view['project']}"
    try:
        there = _found(api, view)
        spec = (
            view["spec"]
            if there is None
            else over(parsed_page(there["spec"], "workspace", where), view["spec"], before)
        )
        _upsert(api, view, there, spec)
        arrived = _found(api, view)
    except PipelineError:
        raise
    except Exception as error:  # the client raises a dozen kinds
        raise as_pipeline_error(error, where) from None
    if arrived is None or _structure(parsed_page(arrived["spec"], "workspace", where)) != _structure(spec):
        what = "W&B took the dashboard without a complaint and does not have it whole"
        raise TroubleError(what, where=where, hint="try again later; it is updated, not made twice")
    return url_of(api, view), there is not None


def url_of(api: Any, view: Json) -> str:
    """The address of a view."""
    name = view["name"].removeprefix("nw-").removesuffix("-v")
    return f"{project_url(api, view['entity'], view['project'])}?nw={name}"


def over(theirs: Json, ours: Json, before: Json) -> Json:
    """The three-way merge of a workspace.

    Args:
        theirs: The specification that is there.
        ours: As it is made now.
        before: As it was made last time; empty if that is not known: then all settings are people's, and all panels
            of ours are as we had made them.

    Returns:
        The specification to save.
    """
    known = {id_of(panel) for section in _sections(ours) for panel in section["panels"]}
    presumed = [
        {**section, "panels": [panel for panel in section.get("panels") or [] if id_of(panel) in known]}
        for section in _sections(theirs)
    ]
    sections = merged_sections(_sections(before) if before else presumed, _sections(ours), _sections(theirs))
    whole: Json = merged(before or None, ours, theirs)
    whole["section"]["panelBankConfig"]["sections"] = sections
    return whole


def _sections(spec: Json) -> list[Json]:
    found: list[Json] = spec.get("section", {}).get("panelBankConfig", {}).get("sections") or []
    return found


def _found(api: Any, view: Json) -> Json | None:
    """The view as W&B has it, if it does."""
    place = {"entityName": view["entity"], "name": view["project"], "viewType": KIND, "viewName": view["name"]}
    project = execute_graphql(api, VIEW, place)["project"]
    if project is None:
        what, where = "W&B has no such project, or none that this key may see", f"{view['entity']}/{view['project']}"
        raise RefusedError(what, where=where, hint="sync first: the first run makes it")
    nodes: list[Json] = [edge["node"] for edge in project["allViews"]["edges"]]
    return nodes[0] if nodes else None


def _upsert(api: Any, view: Json, there: Json | None, spec: Json) -> None:
    """Save a view under the title that it has, or a new one."""
    variables = {
        "id": there["id"] if there else None,
        "entityName": view["entity"],
        "projectName": view["project"],
        "type": KIND,
        "name": view["name"],
        "displayName": there["displayName"] if there else view["displayName"],
        "description": "",
        "spec": json.dumps(spec),
    }
    execute_graphql(api, UPSERT_VIEW, variables)


def _structure(spec: Json) -> list[tuple[str, list[str]]]:
    """The sections of a view and their panels."""
    return [(str(part.get("name")), [id_of(panel) for panel in part.get("panels") or []]) for part in _sections(spec)]
