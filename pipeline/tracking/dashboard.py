"""The dashboard of a sweep on W&B: made from its records and the table of diagnostics, updated and never duplicated.

The saved view has a name on W&B that is derived from the sweep, so that it is found again from any
machine. ``wandb/dashboard.json`` in the folder of the run keeps the view as it was made, and where it is.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb_workspaces.workspaces as ws
from wandb_workspaces.reports.v2.interface import Panel

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import PipelineError
from pipeline.experiment.tracking import Tracking
from pipeline.records.files import replacing
from pipeline.tracking.content import Destination
from pipeline.tracking.export import Say, alone, read_run
from pipeline.tracking.network import RefusedError, TroubleError
from pipeline.tracking.panels import Panels, rate_of, sections
from pipeline.tracking.place import destination_of, has_key, way
from pipeline.tracking.remote import Remote, complaint, end_left_sender
from pipeline.tracking.trial_runs import Exportable

FILE = "dashboard.json"
ONLY_THE_SWEEP = "the runs of the sweep"
"""Stands for the filter of a view, which has no words for every name."""


@dataclass(frozen=True)
class Made:
    """What came of making a dashboard.

    Args:
        destination: Where to, in words.
        file: The view as JSON.
        url: Where it is on W&B; empty if it was never sent.
        updated: Whether it was there before.
        closed: Why it was not sent; empty if it was.
    """

    destination: str
    file: Path
    url: str = ""
    updated: bool = False
    closed: str = ""


def make_dashboard(run: Path, tracking: Tracking | None, profile: Destination | None, say: Say) -> Made:
    """Create or update the dashboard of a run; where there is no way to W&B, write it into a file.

    Args:
        run: Folder of the run.
        tracking: Where it is to go; none: where the plan says.
        profile: Entity and project of the cluster.
        say: Told what a person should know.

    Raises:
        PipelineError: If the folder is not that of a run, an export is at work in it, or W&B does not do what it
            should.
    """
    with alone(run, say) as folder:
        end_left_sender(folder)
        source = read_run(run)
        destination = destination_of(tracking or source.plan.experiment.tracking, profile)
        open_way = way(has_key=has_key())
        if open_way.closed:
            view = workspace(source, destination)
            url = _noted(folder, open_way.url, destination)
            file = _note(folder, open_way.url, destination, view, url)
            return Made(destination.label(), file, url, closed=open_way.closed)
        remote = Remote(folder / "scratch")
        try:
            destination = Destination(destination.entity or remote.entity(), destination.project)
            view = workspace(source, destination)
            saved, updated = _save(view, _noted(folder, open_way.url, destination))
            file = _note(folder, open_way.url, destination, saved, saved.url)
            return Made(destination.label(), file, saved.url, updated)
        finally:
            remote.close()


# The view.


def workspace(
    source: Exportable, destination: Destination, diagnostics: Mapping[str, type[Diagnostic]] = DIAGNOSTICS
) -> ws.Workspace:
    """The dashboard of a sweep, without asking anybody: the same whenever it is made of the same records."""
    view = ws.Workspace(
        entity=destination.entity,
        project=destination.project,
        name=_plain(f"{source.group} (dashboard)"),
        sections=[_section(name, panels) for name, panels in sections(source, diagnostics).items()],
        settings=ws.WorkspaceSettings(x_axis="step", max_runs=100),
        runset_settings=ws.RunsetSettings(filters=ONLY_THE_SWEEP, pinned_columns=_columns(rate_of(source))),
    )
    # Set as it is kept: read from words, an equals sign or a bracket in the name would be taken for an operator.
    view._stashed_filter_string, view._stashed_filters_v2 = ONLY_THE_SWEEP, _only(source.group)
    view._internal_name = view_name(source)
    return view


def view_name(source: Exportable) -> str:
    """The name of the view on W&B, of the letters that such a name has."""
    return f"nw-{hashlib.sha256(source.group.encode()).hexdigest()[:11]}-v"


def as_json(view: ws.Workspace) -> dict[str, Any]:
    """A view as it is sent."""
    content: dict[str, Any] = json.loads(view._to_model().model_dump_json(by_alias=True, exclude_none=True))
    return content


def _section(name: str, panels: Panels) -> ws.Section:
    for panel_name, panel in panels.items():
        assert isinstance(panel, Panel)
        panel._id = hashlib.sha256(f"{name}/{panel_name}".encode()).hexdigest()[:12]  # it would be drawn by lot
    return ws.Section(name=name, panels=list(panels.values()), is_open=True)


def _only(group: str) -> dict[str, Any]:
    """The filter that leaves the runs of a group."""
    condition = {"key": {"section": "run", "name": "group"}, "op": "=", "value": group, "disabled": False}
    return {"filterFormat": "filterV2", "filters": [condition]}


def _columns(rate: str) -> list[str]:
    """What the list of runs shows of each."""
    asked = [f"config:{name}.value" for name in ("problem", "model", "width", rate, "seed")]
    return ["run:displayName", *asked, "summary:status", "summary:verdict"]


def _plain(name: str) -> str:
    """A name without the symbols that a view's may not have."""
    return "".join("_" if unicodedata.category(letter) in ("So", "Sk", "Sm", "Sc", "Cs") else letter for letter in name)


# W&B.


def _save(view: ws.Workspace, noted: str) -> tuple[ws.Workspace, bool]:
    """Save a view, over what is there of it; what W&B then has, and whether there was any before.

    Raises:
        RefusedError: If W&B says no.
        TroubleError: If it does not answer as it should, or has something else afterwards.
    """
    where = f"{view.entity}/{view.project}"
    try:
        there = _existing(view, noted)
        saved = view if there is None else _replaced(there, view)
        saved.save()
        arrived = _found(saved.url)
    except PipelineError:
        raise
    except Exception as error:  # the client raises a dozen kinds
        raise complaint(error, where) from None
    if arrived is None or _outline(arrived) != _outline(saved):
        what = "W&B took the dashboard without a complaint and does not have it whole"
        raise TroubleError(what, where=where, hint="try again later; it is updated, not made twice")
    return saved, there is not None


def _existing(view: ws.Workspace, noted: str) -> ws.Workspace | None:
    """The view as W&B has it: where it was noted to be, else under its name."""
    for url in dict.fromkeys([noted, view.url]):
        found = _found(url) if url else None
        if found is not None:
            return found
    return None


def _found(url: str) -> ws.Workspace | None:
    """The view at an address, if there is one."""
    try:
        return ws.Workspace.from_url(url)
    except ValueError as error:
        words = str(error)
        if words.startswith("Workspace ") and "not found" in words:
            return None
        if words.startswith("Project ") and "not found" in words:
            what = "W&B has no such project, or none that this key may see"
            raise RefusedError(what, where=url.partition("?")[0], hint="sync first: the first run makes it") from None
        raise


def _replaced(there: ws.Workspace, view: ws.Workspace) -> ws.Workspace:
    """The view that is there with our sections as they are now; settings and sections of people's own stay."""
    ours = {section.name for section in view.sections}
    there.sections = [*view.sections, *(section for section in there.sections if section.name not in ours)]
    return there


def _outline(view: ws.Workspace) -> list[tuple[str, list[str]]]:
    """The sections of a view and their panels."""
    return [
        (section.name, [panel._id for panel in section.panels if hasattr(panel, "_id")]) for section in view.sections
    ]


# The note.


def _note(folder: Path, server: str, destination: Destination, view: ws.Workspace, url: str) -> Path:
    """Keep a view and where it is."""
    path = folder / FILE
    content = {"server": server, "destination": destination.label(), "url": url, "view": as_json(view)}
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _noted(folder: Path, server: str, destination: Destination) -> str:
    """Where the dashboard was last time, if it was on the same server and in the same project."""
    try:
        noted = json.loads((folder / FILE).read_bytes())
        place = str(noted["destination"])
        if not destination.entity:  # without a network nobody says whose key it is
            place = place.rpartition("/")[2]
        same = noted["server"] == server and place == destination.label()
        return str(noted["url"]) if same else ""
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""
