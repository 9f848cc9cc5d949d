"""The workspace of a sweep on W&B: a saved view, found again by a name that is derived from the sweep."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

import wandb_workspaces.workspaces as ws

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import PipelineError
from pipeline.tracking.content import Destination
from pipeline.tracking.filters import IN_WORDS, runs_of
from pipeline.tracking.limits import LONGEST_NAME, within
from pipeline.tracking.network import RefusedError, TroubleError
from pipeline.tracking.panels import rate_of, sections, with_ids
from pipeline.tracking.remote import complaint
from pipeline.tracking.trial_runs import Exportable


def workspace(
    source: Exportable, destination: Destination, diagnostics: Mapping[str, type[Diagnostic]] = DIAGNOSTICS
) -> ws.Workspace:
    """The dashboard of a sweep, without asking anybody: the same whenever it is made of the same records."""
    view = ws.Workspace(
        entity=destination.entity,
        project=destination.project,
        name=within(_plain(f"{source.group} (dashboard)"), LONGEST_NAME),
        sections=[
            ws.Section(name=name, panels=with_ids(name, panels), is_open=True)
            for name, panels in sections(source, diagnostics).items()
        ],
        settings=ws.WorkspaceSettings(x_axis="step", max_runs=100),
        runset_settings=ws.RunsetSettings(filters=IN_WORDS, pinned_columns=_columns(rate_of(source))),
    )
    view._stashed_filter_string, view._stashed_filters_v2 = IN_WORDS, runs_of(source.group)
    view._internal_name = view_name(source)
    return view


def view_name(source: Exportable) -> str:
    """The name of the view on W&B, of the letters that such a name has."""
    return f"nw-{hashlib.sha256(source.group.encode()).hexdigest()[:11]}-v"


def as_json(view: ws.Workspace) -> dict[str, Any]:
    """A view as it is sent."""
    content: dict[str, Any] = json.loads(view._to_model().model_dump_json(by_alias=True, exclude_none=True))
    return content


def _columns(rate: str) -> list[str]:
    """What the list of runs shows of each."""
    asked = [f"config:{name}.value" for name in ("problem", "model", "width", rate, "seed")]
    return ["run:displayName", *asked, "summary:status", "summary:verdict"]


def _plain(name: str) -> str:
    """A name without the symbols that a view's may not have."""
    return "".join("_" if unicodedata.category(letter) in ("So", "Sk", "Sm", "Sc", "Cs") else letter for letter in name)


# W&B.


def save_workspace(view: ws.Workspace, noted: str) -> tuple[ws.Workspace, bool]:
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
