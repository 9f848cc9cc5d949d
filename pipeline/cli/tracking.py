"""The verbs of W&B: sync and dashboard."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.run_folders import run_folder
from pipeline.cli.options import Overrides
from pipeline.cli.prose import say
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.experiment.wandb_tracking import Tracking
    from pipeline.tracking.dashboard.dashboard import DashboardResult
    from pipeline.tracking.export.export import ExportResult
    from pipeline.tracking.export.run_content import Destination


@dataclass(frozen=True)
class SyncOptions:
    """Options of sync.

    Args:
        run: Folder of the run; none: the newest.
        overrides: What ``--set`` changes of the tracking.
        watch: Seconds after which to look again until the run is finished; none: once.
        online: Whether to write no files for a later sync.
    """

    run: Path | None
    overrides: Overrides
    watch: float | None
    online: bool


@dataclass(frozen=True)
class DashboardOptions:
    """Options of dashboard.

    Args:
        run: Folder of the run; none: the newest.
        overrides: What ``--set`` changes of the tracking.
    """

    run: Path | None
    overrides: Overrides


def sync(options: SyncOptions) -> int:
    """Bring what is finished of a run to W&B, verified; or into files, where there is no way to it."""
    from pipeline.launch.job.exporting import EXIT_UNREACHABLE
    from pipeline.tracking.export.export import BusyError, export
    from pipeline.tracking.wandb_errors import RefusedError, TroubleError, UnreachableError

    folder = run_folder(options.run)
    tracking = _tracking(folder, options.overrides)
    while True:
        try:
            done = export(folder, tracking, _profile(folder), say, online=options.online)
        except PipelineError as error:
            if options.online and isinstance(error, BusyError | UnreachableError | RefusedError):
                say(str(error))
                return 0 if isinstance(error, BusyError) else EXIT_UNREACHABLE
            if options.watch is not None and isinstance(error, TroubleError):
                say(str(error))
            elif isinstance(error, TroubleError | RefusedError):
                say(str(error))
                return 1
            else:
                raise
        else:
            _say_exported(folder, done)
            if options.watch is None or (done.finished and not done.problems and not done.transient):
                return 1 if done.problems else 0
        time.sleep(options.watch)


def dashboard(options: DashboardOptions) -> int:
    """Create or update the dashboard of a run on W&B; or write it into a file, where there is no way to it."""
    from pipeline.tracking.dashboard.dashboard import make_dashboard
    from pipeline.tracking.wandb_errors import RefusedError, TroubleError

    folder = run_folder(options.run)
    try:
        made = make_dashboard(folder, _tracking(folder, options.overrides), _profile(folder), say)
    except (TroubleError, RefusedError) as error:
        say(str(error))
        return 1
    _say_where_dashboard_is(folder, made)
    return 0


def _say_where_dashboard_is(folder: Path, made: DashboardResult) -> None:
    """Say where a dashboard is."""
    if made.offline_reason:
        say(f"nothing was sent: {made.offline_reason}")
        say(f"the dashboard for {made.destination} is in {made.file}")
        say(f"python -m pipeline dashboard {folder} sends it where W&B can be reached")
    else:
        for name, page in (("workspace", made.workspace), ("report", made.report)):
            say(f"the {name} is {'updated' if page.updated else 'made'}: {page.url}")


def _say_exported(folder: Path, done: ExportResult) -> None:
    """Say what was exported."""
    from pipeline.errors import number_of

    for run, what in done.problems.items():
        say(f"run {run}: {what}")
    if done.offline_reason:
        say(f"nothing was sent: {done.offline_reason}")
        where = folder / "wandb"
        waiting = number_of(done.waiting, "run")
        verb = "waits" if done.waiting == 1 else "wait"
        say(f"{waiting} for {done.destination} {verb} in {where}; sync again where W&B can be reached")
    else:
        missing = f", {len(done.problems)} {_are(len(done.problems))} not" if done.problems else ""
        there = f"{number_of(done.verified, 'run')} {_are(done.verified)} on W&B ({done.destination})"
        say(f"{there}, {'each ' if done.verified > 1 else ''}verified{missing}")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _tracking(folder: Path, overrides: Overrides) -> Tracking | None:
    """What is to be tracked, if ``--set`` changes what the plan says."""
    from pipeline.config import read_canonical
    from pipeline.definitions import canonical
    from pipeline.experiment.experiment import Experiment
    from pipeline.plans import read_plan

    if not overrides.texts:
        return None
    for text in overrides.texts:
        if not text.startswith("tracking."):
            what = f"{text.partition('=')[0]!r} is not about tracking"
            hint = "a run that has begun does not change; tracking.runs=all"
            raise PipelineError(what, where=f"--set {text}", hint=hint)
    experiment = canonical(read_plan(folder).experiment)
    return read_canonical(experiment, Experiment, where="--set", overrides=overrides.texts).tracking


def _profile(folder: Path) -> Destination | None:
    """Entity and project that the cluster's profile names, if the run was sent to one."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.tracking.export.run_content import Destination

    submissions = read_submissions(folder)
    if not submissions:
        return None
    return Destination(submissions[-1].wandb_entity or "", submissions[-1].wandb_project or "")
