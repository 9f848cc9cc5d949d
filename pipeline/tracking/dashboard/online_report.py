"""The report of a sweep on W&B: its question, what was best, the figures of the local report, and live panels.

All but its last part is made again each time. It is found again by its id, else by its title.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl
from wandb_workspaces._graphql import execute_graphql
from wandb_workspaces.reports.v2 import gql
from wandb_workspaces.reports.v2 import interface as wr

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import PipelineError
from pipeline.report.tables.printing import cell_text, number_of
from pipeline.report.tables.summary import best_of_each_model
from pipeline.tracking.dashboard.custom_charts import CustomChart
from pipeline.tracking.dashboard.markdown import as_markdown, as_text
from pipeline.tracking.dashboard.panels import Panels, sections, with_ids
from pipeline.tracking.dashboard.run_filters import FILTER_TEXT, runs_of
from pipeline.tracking.dashboard.three_way_merge import id_of, merged
from pipeline.tracking.export.destination import project_url
from pipeline.tracking.export.name_lengths import LONGEST_NAME, shortened
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import counts, provenance
from pipeline.tracking.export.trial_runs import RecordedRun
from pipeline.tracking.wandb_errors import TroubleError, as_pipeline_error, parsed_page

NOTES = "Notes"
"""The heading of what is people's own."""
YOURS = "What is written below this heading stays when the report is made again; all above it is made from the records."
COLUMNS, PIXELS_A_ROW = 24, 30
"""Columns of a panel grid, and the height of its rows as it is taken here: too low leaves a chart room, not less."""

Blocks = list[Any]


@dataclass(frozen=True)
class OnlineReport:
    """A report as it is sent.

    Args:
        title: By which it is found again.
        description: Stands below the title.
        spec: Its content, in W&B's words.
    """

    title: str
    description: str
    spec: dict[str, Any]


def online_report(
    source: RecordedRun,
    charts: Sequence[CustomChart],
    presets: Mapping[str, str],
    diagnostics: Mapping[str, type[Diagnostic]] = DIAGNOSTICS,
    trials: Sequence[str] | None = None,
    links: Mapping[str, str] = MappingProxyType({}),
) -> OnlineReport:
    """The report of a sweep, made without W&B: the same whenever it is made of the same records.

    Args:
        source: The recorded run.
        charts: The figures of its local report.
        presets: Ids of their presets on W&B, by name; charts without one are left out.
        diagnostics: The table.
        trials: Those that have a run of their own on W&B; by default all that have ended.
        links: Addresses of the workspace and of the run of the sweep, by their titles.

    Returns:
        Title, description and content.
    """
    question = source.plan.experiment.question
    blocks: Blocks = [
        wr.H1(question),
        *_best(source),
        *_provenance(source, links),
        *_figures(source, [chart for chart in charts if chart.preset in presets], presets),
    ]
    for name, panels in sections(source, diagnostics, trials).items():
        blocks += [wr.H1(name.capitalize()), _grid(name, panels, runs_of(source.group))]
    blocks += [wr.H1(NOTES), wr.P(YOURS)]
    title = shortened(f"{source.group} (report)", LONGEST_NAME)
    view = wr.Report(project="", entity="", title=title, description=question, blocks=blocks, width="fluid")
    spec = json.loads(view._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
    return OnlineReport(title, question, spec)


# What it says.


def _best(source: RecordedRun) -> Blocks:
    """The best trial of each model, and numbers of trials by status."""
    said = counts(source)
    ended = ", ".join(f"{said[word]} {word}" for word in ("done", "diverged", "failed", "pending") if said[word])
    table = best_of_each_model(source.results)
    constant = [name for name in ("dimension", "train", "noise") if table[name].n_unique() == 1]
    table = table.drop(constant).rename({name: name.replace("_", " ") for name in table.drop(constant).columns})
    words = f"{number_of(said['trials'], 'trial')}: {ended}.\n\n{as_markdown(table)}"
    return [wr.H1("The best of each model"), wr.MarkdownBlock(words)]


def _provenance(source: RecordedRun, links: Mapping[str, str]) -> Blocks:
    """Provenance: plan, command, code, packages, hosts."""
    said = provenance(source)
    planned, trained = said["planned"], said["trained"]
    facts = {
        "plan": source.group,
        "command": source.command,
        "planned with": f"Python {planned.get('python', '?')}, commit {planned.get('code', '?')}",
        "packages": ", ".join(f"{name} {version}" for name, version in planned.get("packages", {}).items()),
        **{f"trained by {name}": ", ".join(trained[name]) for name in ("version", "code", "engine", "device", "host")},
        "training time": f"{cell_text(counts(source)['training_seconds'])} s, added over packs",
        "optimizer": source.plan.experiment.optimizer.label(),
        "numbers": source.plan.experiment.dtype,
    }
    rows = [(name, value) for name, value in facts.items() if value]
    table = as_markdown(pl.DataFrame(rows, schema=["what", "which"], orient="row"))
    words = "The records of the run are the truth; all of this is made from them."
    beside = "".join(f"\n\n[{name}]({address})" for name, address in links.items())
    return [wr.H1("Where the numbers come from"), wr.MarkdownBlock(f"{words}{beside}\n\n{table}")]


def _figures(source: RecordedRun, charts: Sequence[CustomChart], presets: Mapping[str, str]) -> Blocks:
    """The figures of the local report, drawn from the tables of the sweep's own run."""
    blocks: Blocks = []
    for chart in charts:
        panel = wr.CustomChart(
            query={"summaryTable": {"tableKey": chart.table}},
            chart_name=presets[chart.preset],
            chart_fields=chart.fields,
            layout=wr.Layout(w=COLUMNS, h=math.ceil(chart.size[1] / PIXELS_A_ROW)),
        )
        grid = _grid(f"figures/{chart.figure.name}", {"chart": panel}, runs_of(source.group, "sweep"), hidden=True)
        blocks += [wr.H2(chart.figure.title), wr.MarkdownBlock(as_text(chart.figure.caption)), grid]
    return [wr.H1("Figures"), *blocks] if blocks else []


def _grid(section: str, panels: Panels, runs: dict[str, Any], *, hidden: bool = False) -> wr.PanelGrid:
    """The panels of a section over some runs."""
    shown_runs = wr.Runset(name=FILTER_TEXT, filters=FILTER_TEXT)
    shown_runs._stashed_filter_string, shown_runs._stashed_filters_v2 = FILTER_TEXT, runs
    shown_runs._id = hashlib.sha256(f"report/{section}/runs".encode()).hexdigest()[:12]
    return wr.PanelGrid(runsets=[shown_runs], panels=with_ids(f"report/{section}", panels), hide_run_sets=hidden)


# W&B.


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
    if arrived is None or _outline(parsed_page(arrived["spec"], "report", where)) != _outline(spec):
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


def _outline(spec: Mapping[str, Any]) -> list[Any]:
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
