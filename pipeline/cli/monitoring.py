"""The verbs that look at jobs: status and logs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.run_folders import run_and_names, run_folder
from pipeline.cli.prose import print_json, say
from pipeline.errors import number_of

if TYPE_CHECKING:
    from pipeline.launch.state.history import Incident
    from pipeline.launch.state.status import Status

LINES_OF_LOG = 15
"""Lines of the newest log that are shown of each distinct error."""
WAITING = "waiting for the scheduler to answer"
MOST_GROUPS = 3
"""Distinct errors that status mentions."""


@dataclass(frozen=True)
class StatusOptions:
    """Options of status.

    Args:
        run: Folder of the run; none: the newest.
        json: Whether the output is for a program.
    """

    run: Path | None
    json: bool


@dataclass(frozen=True)
class LogsOptions:
    """Options of logs.

    Args:
        what: Trials, jobs or arrays, none for all errors; and the folder of a run.
        json: Whether the output is for a program.
    """

    what: tuple[str, ...]
    json: bool


def status(options: StatusOptions) -> int:
    """Print how a sweep stands: trials and jobs by state, and the time that is left."""
    from pipeline.launch.schedulers.waiting import announce_if_slow
    from pipeline.launch.state.status import status as status_of

    folder = run_folder(options.run)
    with announce_if_slow(say, WAITING):
        found = status_of(folder)
    if options.json:
        _print_status_json(folder, found)
    else:
        _print_status(folder, found)
    return 1 if found.trials.keys() & {"failed", "quarantined"} else 0


def _print_status_json(folder: Path, found: Status) -> None:
    from pipeline.launch.state.logs import groups, groups_table
    from pipeline.report.tables.printing import as_json_rows

    print_json(
        {
            "run": str(folder),
            "trials": found.trials,
            "arrays": as_json_rows(found.arrays),
            "seconds_left": found.seconds_left,
            "errors": as_json_rows(groups_table(groups(found.incidents))),
            "scheduler": found.unknown or "answered",
        }
    )


def _print_status(folder: Path, found: Status) -> None:
    from pipeline.launch.state.logs import groups, groups_table
    from pipeline.report.tables.printing import as_text

    print(_bar(found.trials))
    if found.arrays.height:
        print(as_text(found.arrays, keep=found.arrays.columns))
    _say_left(found.seconds_left)
    _say_lost(found)
    if found.unknown:
        say(f"what waits and what runs is unknown: {found.unknown}")
    distinct = groups_table(groups(found.incidents))
    if distinct.height and found.trials.keys() - {"done", "diverged"}:
        print(as_text(distinct.head(MOST_GROUPS).drop("log")))
        say("logs shows more; retry sends again what can be mended")
    if ended := sum(found.trials.get(state, 0) for state in ("done", "diverged")):
        so_far = "" if ended == sum(found.trials.values()) else " so far"
        say(f"the answer{so_far}: python -m pipeline report {shlex.quote(str(folder))}")


def logs(options: LogsOptions) -> int:
    """Print what went wrong, grouped by error, newest first; or all that a trial or a job has said."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.launch.state.logs import logs_of

    folder, what = run_and_names(options.what)
    if what:
        submissions = read_submissions(folder)
        _print_logs([path for name in what for path in logs_of(folder, submissions, name)], json=options.json)
    else:
        _print_errors(folder, json=options.json)
    return 0


def _print_logs(paths: Sequence[Path], *, json: bool) -> None:
    """Print some log files in full."""
    if json:
        print_json([{"log": str(path), "text": path.read_text(errors="replace")} for path in paths])
        return
    for path in paths:
        print(f"==> {path} <==\n{path.read_text(errors='replace').rstrip()}\n")
    if not paths:
        say("nothing was written yet")


def _print_errors(folder: Path, *, json: bool) -> None:
    """Print each distinct error of a run, and the end of its newest log."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.launch.schedulers.waiting import announce_if_slow
    from pipeline.launch.state.history import incidents
    from pipeline.launch.state.logs import groups, groups_table
    from pipeline.launch.state.status import status as status_of
    from pipeline.report.tables.printing import as_json_rows, as_text

    submissions = read_submissions(folder)
    with announce_if_slow(say, WAITING):
        stands = status_of(folder)
    every = {one.task_id(index) for one in submissions for index in range(len(one.tasks))}
    found = groups(incidents(folder, submissions, every) if stands.unknown else stands.incidents)
    if json:
        print_json(as_json_rows(groups_table(found)))
        return
    if stands.unknown:
        say(f"which jobs have ended is unknown: {stands.unknown}")
    if found:
        print(as_text(groups_table(found)))
        for group in found:
            print(_last_lines(group.incidents[0]))
    else:
        say(_nothing(stands))
    _say_lost(stands)


def _nothing(stands: Status) -> str:
    """The sentence where no error is known, which does not mean that there is none."""
    if stands.unknown:
        return "no error is known so far"
    return "no error was left behind" if stands.trials.get("lost") else "nothing has gone wrong"


def _say_lost(stands: Status) -> None:
    if lost := stands.trials.get("lost"):
        ended = "a job that ended before it was done" if lost == 1 else "jobs that ended before they were done"
        say(f"{number_of(lost, 'trial', 'are')} of {ended}; retry sends {'it' if lost == 1 else 'them'} again")


def _say_left(seconds: float | None) -> None:
    from pipeline.durations import duration

    if seconds is not None:
        say(f"about {duration(seconds)} left")


def _bar(trials: dict[str, int], width: int = 40) -> str:
    """The trials of a sweep as a bar, and how many are in each state."""
    whole = sum(trials.values())
    marks = {"done": "█", "diverged": "▓", "running": "▒", "failed": "x", "quarantined": "x", "lost": "?"}
    bar = "".join(mark * round(width * trials.get(state, 0) / max(1, whole)) for state, mark in marks.items())
    counts = ", ".join(f"{number} {state}" for state, number in trials.items())
    finished = trials.get("done", 0) + trials.get("diverged", 0)
    return f"[{bar[:width]:·<{width}}] {number_of(finished, 'trial', whole=whole)}: {counts}"


def _last_lines(incident: Incident) -> str:
    from pipeline.launch.notes.exit_reasons import part_of, tail

    text = tail(incident.log) if incident.attempt is None else part_of(incident.log, incident.attempt)
    lines = text.splitlines()[-LINES_OF_LOG:]
    return "\n".join((f"==> {incident.log} <==", *lines, ""))
