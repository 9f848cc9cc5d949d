"""The report of a sweep as W&B has it: found again by its id, else by its title; merged, saved and verified."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from wandb_workspaces._graphql import execute_graphql
from wandb_workspaces.reports.v2 import gql

from pipeline.errors import PipelineError
from pipeline.tracking.dashboard.online_report import NOTES, OnlineReport
from pipeline.tracking.dashboard.run_filters import FILTER_TEXT
from pipeline.tracking.dashboard.three_way_merge import id_of, merged
from pipeline.tracking.export.destination import project_url
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.wandb_errors import TroubleError, as_pipeline_error, parsed_page


def save_report(
    api: Any, destination: Destination, report: OnlineReport, noted: str, before: Mapping[str, Any]
) -> tuple[dict[str, str], bool]:
    """Save a report, merged with the one that is there.

    Args:
        api: Of W&B's client.
        destination: Entity and project.
        report: As it is made now.
        noted: The id that it had last time; empty if that is not known.
        before: Its content as it was last sent; empty if that is not known.

    Returns:
        Its id and address on W&B, and whether there was one before.

    Raises:
        RefusedError: If W&B says no.
        TroubleError: If it does not answer as it should, or has something else afterwards.
    """
    where = destination.label()
    try:
        there = _existing(api, destination, report.title, noted)
        _set_project(api, destination, report.spec["blocks"])
        spec = over(parsed_page(there["spec"], "report", where), report.spec, before) if there else report.spec
        id_ = _upserted(api, destination, report, there, spec)
        arrived = _view(api, id_)
    except PipelineError:
        raise
    except Exception as error:  # the client raises a dozen kinds
        raise as_pipeline_error(error, where) from None
    if arrived is None or _structure(parsed_page(arrived["spec"], "report", where)) != _structure(spec):
        what = "W&B took the report without a complaint and does not have it whole"
        raise TroubleError(what, where=where, hint="try again later; it is updated, not made twice")
    return {"id": id_, "url": _url(api, destination, arrived["displayName"], id_)}, there is not None


def _existing(api: Any, destination: Destination, title: str, noted: str) -> dict[str, Any] | None:
    """The report as W&B has it: that of the noted id, else the first of that title."""
    there = _view(api, noted) if noted else None
    if there is not None:
        return there
    found = (report.id for report in api.reports(destination.label()) if report.display_name == title)
    first = next(found, "")
    return _view(api, first) if first else None


def _view(api: Any, id_: str) -> dict[str, Any] | None:
    """The report of an id, if it was not deleted."""
    view: dict[str, Any] | None = execute_graphql(api, gql.view_report, {"reportId": id_})["view"]
    return view


def _upserted(
    api: Any, destination: Destination, report: OnlineReport, there: Mapping[str, Any] | None, spec: dict[str, Any]
) -> str:
    """Save a report under the name that it has, or a new one; its id."""
    variables = {
        "id": there["id"] if there else None,
        "name": there["name"] if there else secrets.token_hex(6),
        "displayName": there["displayName"] if there else report.title,
        "entityName": destination.entity,
        "projectName": destination.project,
        "description": report.description,
        "type": "runs",
        "spec": json.dumps(spec),
    }
    return str(execute_graphql(api, gql.upsert_view, variables)["upsertView"]["view"]["id"])


def over(theirs: Mapping[str, Any], ours: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The three-way merge of a report: blocks above *Notes* are ours, what people have written below stays.

    Args:
        theirs: The content that is there.
        ours: As it is made now.
        before: As it was last sent; of that only the grids of panels count, in which people may add and set panels.

    Returns:
        The content to send.
    """
    old, new = theirs.get("blocks") or [], ours["blocks"]
    there, made = _grids(old), _grids(before.get("blocks") or [])
    new = [_with_theirs(block, there, made) for block in new]
    end = next((place for place, block in enumerate(old) if _is_notes(block)), None)
    if end is not None:
        new = [*new[: next(place for place, block in enumerate(new) if _is_notes(block))], *old[end:]]
    return {**ours, **theirs, "blocks": new}


def _grids(blocks: Iterable[Any]) -> dict[str, Any]:
    """The grids of panels, by the id of their first set of runs."""
    return {_runs_of(block): block for block in blocks if _runs_of(block)}


def _with_theirs(block: Any, there: Mapping[str, Any], made: Mapping[str, Any]) -> Any:
    """A block of ours with what people have made of it, if it is a grid of panels."""
    theirs = there.get(_runs_of(block))
    if theirs is None:
        return block
    ids = {id_of(panel) for panel in _panels(block)}
    return merged(made.get(_runs_of(block)) or _only(theirs, ids), block, theirs)


def _only(grid: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """A grid with panels of these ids only."""
    metadata = grid["metadata"]
    bank = metadata["panelBankSectionConfig"]
    ours = [panel for panel in bank["panels"] if id_of(panel) in ids]
    return {"metadata": {"panelBankSectionConfig": {"panels": ours}}}


def _runs_of(block: Mapping[str, Any]) -> str:
    """The id of the first set of runs of a grid of panels; empty if the block is none."""
    runs = (block.get("metadata") or {}).get("runSets") or []
    return str(runs[0].get("id") or "") if runs else ""


def _is_notes(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "heading" and _text(block) == NOTES


def _text(block: Mapping[str, Any]) -> str:
    return "".join(child.get("text", "") for child in block.get("children", []))


def _set_project(api: Any, destination: Destination, blocks: Iterable[Mapping[str, Any]]) -> None:
    """Set the project of our sets of runs, which has a number on W&B."""
    names = {"entityName": destination.entity, "projectName": destination.project}
    number = execute_graphql(api, gql.projectInternalId, names)["project"]["internalId"]
    for runs in (runs for block in blocks for runs in block.get("metadata", {}).get("runSets", [])):
        if runs.get("name") == FILTER_TEXT:
            runs["project"] = {"id": number, "name": destination.project, "entityName": destination.entity}


def _structure(spec: Mapping[str, Any]) -> list[Any]:
    """The blocks of a report, its headings and its panels."""
    return [(block.get("type"), _text(block), [id_of(panel) for panel in _panels(block)]) for block in spec["blocks"]]


def _panels(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    bank = (block.get("metadata") or {}).get("panelBankSectionConfig") or {}
    return bank.get("panels") or []


def _url(api: Any, destination: Destination, title: str, id_: str) -> str:
    """The address of a report, as W&B writes it."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")
    where = project_url(api, destination.entity, destination.project)
    return f"{where}/reports/{words}--{id_.replace('=', '')}"
