"""The dashboard of a sweep on W&B, a workspace and a report: made from its records, updated and never duplicated.

``wandb/dashboard.json`` in the folder of the run keeps both as they were made, with the specifications of the
report's charts, and where they are; where W&B cannot be reached it waits there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.experiment.wandb_tracking import Tracking
from pipeline.records.atomic_writes import replacing
from pipeline.tracking.dashboard.chart_presets import create_presets, preset_id
from pipeline.tracking.dashboard.custom_charts import CustomChart, custom_charts
from pipeline.tracking.dashboard.local_report import local_report
from pipeline.tracking.dashboard.online_report import OnlineReport, online_report
from pipeline.tracking.dashboard.saved_report import save_report
from pipeline.tracking.dashboard.workspace import as_json, save_workspace, workspace
from pipeline.tracking.export.connection import Connection, check_rate_limit
from pipeline.tracking.export.destination import Connectivity, connectivity, destination_of, has_key, project_url
from pipeline.tracking.export.export import Say, exclusive_export, read_run
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import sweep_id
from pipeline.tracking.export.sync_process import end_orphaned_sender
from pipeline.tracking.export.trial_runs import RecordedRun
from pipeline.tracking.export.trial_selection import selected_trials
from pipeline.tracking.retries import Clock
from pipeline.tracking.settings import checked_settings
from pipeline.tracking.wandb_errors import RefusedError
from pipeline.tracking.wandb_files.client_folders import client_folder

Spec = dict[str, Any]

FILE = "dashboard.json"


@dataclass(frozen=True)
class Page:
    """A page on W&B.

    Args:
        url: Where it is; empty if it was never sent.
        updated: Whether it was there before.
    """

    url: str = ""
    updated: bool = False


@dataclass(frozen=True)
class DashboardResult:
    """The result of making a dashboard.

    Args:
        destination: Entity and project.
        file: The dashboard as JSON.
        workspace: The workspace on W&B.
        report: The report on W&B.
        offline_reason: Why nothing was sent; empty if it was.
    """

    destination: str
    file: Path
    workspace: Page
    report: Page
    offline_reason: str = ""


@dataclass(frozen=True)
class DashboardState:
    """What is kept of a dashboard: where it is on W&B, and how it was made when it was last sent.

    Args:
        url: Of the workspace.
        report: Id and address of the report.
        presets: The ids of the charts' presets, by name.
        sent: The specifications of ``view`` and ``report`` as they were last sent; empty if they never were.
    """

    url: str = ""
    report: dict[str, str] = field(default_factory=lambda: {"id": "", "url": ""})
    presets: dict[str, str] = field(default_factory=dict)
    sent: Spec = field(default_factory=dict)


def make_dashboard(run: Path, tracking: Tracking | None, profile: Destination | None, say: Say) -> DashboardResult:
    """Create or update the dashboard of a run; where W&B is offline, write it into a file.

    Args:
        run: Folder of the run.
        tracking: Where it goes; by default as in the plan.
        profile: Entity and project of the cluster.
        say: Told what a person should know.

    Returns:
        What was sent or written.

    Raises:
        PipelineError: If the folder is not that of a run, an export is at work in it, or W&B does not do what it
            should.
    """
    with exclusive_export(run, say) as folder, client_folder(folder) as scratch, checked_settings(say):
        end_orphaned_sender(folder)
        source = read_run(run)
        tracking = tracking or source.plan.experiment.tracking
        destination = destination_of(tracking, profile)
        access = connectivity(has_key=has_key())
        local_report(run)
        charts, trials = custom_charts(run), selected_trials(tracking, source.results)
        if access.offline_reason:
            return _write(folder, access, destination, source, charts, trials)
        check_rate_limit(access.url, Clock(), say)
        remote = Connection(scratch)
        destination = Destination(destination.entity or remote.entity(), destination.project)
        return _send(folder, access.url, destination, source, charts, trials, remote, say)


def _write(
    folder: Path,
    offline: Connectivity,
    destination: Destination,
    source: RecordedRun,
    charts: Sequence[CustomChart],
    trials: Sequence[str],
) -> DashboardResult:
    """Write a dashboard into its file, as it would be sent."""
    state = _read_state(folder, offline.url, destination)
    presets = {chart.preset: preset_id(destination.entity, chart) for chart in charts}
    view = as_json(workspace(source, destination, trials=trials))
    report = online_report(source, charts, presets, trials=trials)
    file = _write_state(folder, offline.url, destination, state, view, report, charts)
    pages = Page(state.url), Page(state.report["url"])
    return DashboardResult(destination.label(), file, *pages, offline.offline_reason)


def _send(
    folder: Path,
    server: str,
    destination: Destination,
    source: RecordedRun,
    charts: Sequence[CustomChart],
    trials: Sequence[str],
    remote: Connection,
    say: Say,
) -> DashboardResult:
    """Send a dashboard to W&B."""
    state = _read_state(folder, server, destination)
    view = as_json(workspace(source, destination, trials=trials))
    url, was_there = save_workspace(remote.api, view, state.sent.get("view", {}))
    presets: dict[str, str] = {}
    try:
        presets = create_presets(remote.api, destination.entity, charts, state.presets)
    except RefusedError as refusal:
        say(f"the report is made without its figures: {refusal}")
    run = f"{project_url(remote.api, destination.entity, destination.project)}/runs/{sweep_id(source)}"
    links = {"the workspace, with every run": url, "the run of the sweep, with its tables, report and records": run}
    report = online_report(source, charts, presets, trials=trials, links=links)
    before = state.sent.get("report", {})
    place, report_was_there = save_report(remote.api, destination, report, state.report["id"], before)
    sent = {"view": view["spec"], "report": report.spec}
    file = _write_state(folder, server, destination, DashboardState(url, place, presets, sent), view, report, charts)
    return DashboardResult(destination.label(), file, Page(url, was_there), Page(place["url"], report_was_there))


# The file in which it is kept.


def _write_state(
    folder: Path,
    server: str,
    destination: Destination,
    state: DashboardState,
    view: Spec,
    report: OnlineReport,
    charts: Sequence[CustomChart],
) -> Path:
    """Write a dashboard and where it is."""
    path = folder / FILE
    content = {
        "server": server,
        "destination": destination.label(),
        "url": state.url,
        "view": view,
        "report": state.report | asdict(report),
        "presets": state.presets,
        "sent": state.sent,
        "charts": [{"name": chart.preset, "title": chart.figure.title, "spec": chart.spec} for chart in charts],
    }
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _read_state(folder: Path, server: str, destination: Destination) -> DashboardState:
    """What was written last time, if it was of the same server and project."""
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_bytes())
        where = str(content["destination"])
        if not destination.entity:  # without a network nobody says whose key it is
            where = where.rpartition("/")[2]
        if content["server"] != server or where != destination.label():
            return DashboardState()
        report = {key: str(content.get("report", {}).get(key, "")) for key in ("id", "url")}
        return DashboardState(
            str(content["url"]), report, dict(content.get("presets", {})), dict(content.get("sent", {}))
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return DashboardState()
