"""The verbs of clusters: submit, status, logs, cancel, retry, probe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.cli.prose import counted, print_json, say, split_overrides
from pipeline.errors import PipelineError, nearest

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.launch.cost.estimate import CostEstimate
    from pipeline.launch.state.history import Incident
    from pipeline.launch.state.status import Status
    from pipeline.launch.submit.sweep import SubmissionPlan
    from pipeline.plan import Plan
    from pipeline.records.manifest import Manifest

LINES_OF_LOG = 15
"""Lines of the newest log that are shown of each distinct error."""
WAITING = "waiting for the scheduler to answer"
MOST_GROUPS = 3
"""Distinct errors that status mentions."""


def submit(asked: argparse.Namespace) -> int:
    """Send what is neither finished nor in flight to a cluster, and return at once."""
    from pipeline.cli.here import announce, begun_plan, plan_of
    from pipeline.config import read_document
    from pipeline.launch.submit import sweep

    planned = plan_of(read_document(asked.config), asked)
    cluster = _cluster(asked)
    folder = _folder(planned, cluster, asked)
    planned, _ = begun_plan(planned, folder)
    _check_chain(cluster, 1 + asked.chain)
    if asked.dry_run:
        submission_plan = sweep.dry_run(planned, folder, cluster, 1 + asked.chain, say)
        _print_dry_run(planned, submission_plan, folder, cluster, asked)
        return 0
    announce(planned, folder)
    _send(planned.manifest, folder, cluster, asked, plan=planned)
    _link(folder)
    return 0


def dry_run(planned: Plan, asked: argparse.Namespace) -> int:
    """Print what a plan would become on a cluster."""
    from pipeline.cli.here import begun_plan
    from pipeline.launch.submit import sweep

    cluster = _cluster(asked)
    folder = _folder(planned, cluster, asked)
    planned, _ = begun_plan(planned, folder)
    _print_dry_run(planned, sweep.dry_run(planned, folder, cluster, 1, say), folder, cluster, asked)
    return 0


def status(asked: argparse.Namespace) -> int:
    """Print how a sweep stands: trials and jobs by state, and the time that is left."""
    from pipeline.cli.here import run_folder
    from pipeline.launch.schedulers.waiting import announce_if_slow
    from pipeline.launch.state.logs import groups, groups_table
    from pipeline.launch.state.status import status as status_of
    from pipeline.report.tables.printing import as_json_rows, as_text

    folder = run_folder(asked)
    with announce_if_slow(say, WAITING):
        found = status_of(folder)
    distinct = groups_table(groups(found.incidents))
    if asked.json:
        print_json(
            {
                "run": str(folder),
                "trials": found.trials,
                "arrays": as_json_rows(found.arrays),
                "seconds_left": found.seconds_left,
                "errors": as_json_rows(distinct),
                "scheduler": found.unknown or "answered",
            }
        )
    else:
        print(_bar(found.trials))
        if found.arrays.height:
            print(as_text(found.arrays, keep=found.arrays.columns))
        _say_left(found.seconds_left)
        _say_lost(found)
        if found.unknown:
            say(f"what waits and what runs is unknown: {found.unknown}")
        if distinct.height and found.trials.keys() - {"done", "diverged"}:
            print(as_text(distinct.head(MOST_GROUPS).drop("log")))
            say("logs shows more; retry sends again what can be mended")
    return 1 if found.trials.keys() & {"failed", "quarantined"} else 0


def logs(asked: argparse.Namespace) -> int:
    """Print what went wrong, grouped by error, newest first; or all that a trial or a job has said."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.launch.schedulers.waiting import announce_if_slow
    from pipeline.launch.state.history import incidents
    from pipeline.launch.state.logs import groups, groups_table, logs_of
    from pipeline.launch.state.status import status as status_of
    from pipeline.report.tables.printing import as_json_rows, as_text

    folder, what = _run_and_names(asked)
    submissions = read_submissions(folder)
    if what:
        paths = [path for name in what for path in logs_of(folder, submissions, name)]
        if asked.json:
            print_json([{"log": str(path), "text": path.read_text(errors="replace")} for path in paths])
            return 0
        for path in paths:
            print(f"==> {path} <==\n{path.read_text(errors='replace').rstrip()}\n")
        if not paths:
            say("nothing was written yet")
        return 0
    with announce_if_slow(say, WAITING):
        stands = status_of(folder)
    every = {one.task_id(index) for one in submissions for index in range(len(one.tasks))}
    found = groups(incidents(folder, submissions, every) if stands.unknown else stands.incidents)
    if asked.json:
        print_json(as_json_rows(groups_table(found)))
        return 0
    if stands.unknown:
        say(f"which jobs have ended is unknown: {stands.unknown}")
    if found:
        print(as_text(groups_table(found)))
        for group in found:
            print(_last_lines(group.incidents[0]))
    else:
        say(_nothing(stands))
    _say_lost(stands)
    return 0


def _nothing(stands: Status) -> str:
    """What is said where no error is known, which does not mean that there is none."""
    if stands.unknown:
        return "no error is known so far"
    return "no error was left behind" if stands.trials.get("lost") else "nothing has gone wrong"


def _say_lost(stands: Status) -> None:
    if lost := stands.trials.get("lost"):
        say(f"{lost} trials are of jobs that ended before they were done; retry sends them again")


def cancel(asked: argparse.Namespace) -> int:
    """End the jobs of a run, or some of them; what they have recorded stays."""
    from pipeline.launch.submit.cancel import cancel as cancel_jobs

    folder, what = _run_and_names(asked)
    ended = cancel_jobs(folder, what, say)
    if asked.json:
        print_json(ended)
    else:
        number = "1 job was" if len(ended) == 1 else f"{len(ended)} jobs were"
        say(f"{number} told to end" if ended else "no job of this run was there any more")
    return 0


def retry(asked: argparse.Namespace) -> int:
    """Send again what failed or was lost: smaller, with more memory or time if it ran out, not if it failed twice."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.launch.state.history import forgive, incidents, quarantined
    from pipeline.launch.state.status import ask

    folder, packs = _run_and_names(asked)
    manifest = _manifest(folder)
    submissions = read_submissions(folder)
    if not submissions:
        raise PipelineError("nothing was sent of this run yet", where=str(folder), hint="submit sends it")
    unknown_packs = [pack for pack in packs if pack not in manifest.workloads]
    if unknown_packs:
        raise PipelineError(f"no pack of this run is called {unknown_packs[0]!r}", hint="logs --json names them")
    if asked.quarantined:
        tasks, unknown = ask(folder, submissions)
        if unknown:
            raise PipelineError(unknown, hint="what failed is known once the scheduler answers; try again later")
        forgive(folder, sorted(quarantined(folder, incidents(folder, submissions, set(tasks)))))
    cluster = _cluster_of(submissions[-1], asked)
    _send(manifest, folder, cluster, asked, frozenset(packs) or None)
    return 0


def probe(asked: argparse.Namespace) -> int:
    """Compare the profile of a cluster with what it says of itself, and look around on one of its nodes."""
    from pipeline.launch.probe.comparison import differences, report
    from pipeline.launch.probe.probe_job import look
    from pipeline.report.tables.printing import as_json_rows, as_text

    cluster = _cluster(asked)
    tables = {"scheduler": differences(cluster)}
    if not asked.json:
        print(as_text(tables["scheduler"]))
    if not asked.no_job:
        tables["job"] = report(look(cluster, say, asked.patience), cluster)
        if not asked.json:
            print(as_text(tables["job"]))
    if asked.json:
        print_json({name: as_json_rows(table) for name, table in tables.items()})
    return 0


def sentences() -> dict[str, str]:
    """Every cluster that has a profile, with one sentence."""
    from pipeline.launch.clusters.lookup import profiles, read_profile

    return {name: read_profile(name).description for name in profiles()}


def _check_chain(cluster: Cluster, links: int) -> None:
    if links > 1 and not cluster.profile.on_cluster:
        what = f"jobs of {cluster.name} have no time limit and wait for nothing"
        raise PipelineError(what, where="--chain", hint="leave it out")


def _manifest(folder: Path) -> Manifest:
    """What sending the plan of a run takes."""
    from pipeline.records.manifest import read_manifest

    manifest = read_manifest(folder)
    if manifest is None:
        from pipeline.plan import read_plan  # takes seconds, and says what is wrong

        manifest = read_plan(folder).manifest
    return manifest


def _send(
    manifest: Manifest,
    folder: Path,
    cluster: Cluster,
    asked: argparse.Namespace,
    only: frozenset[str] | None = None,
    plan: Plan | None = None,
) -> None:
    _check_chain(cluster, 1 + asked.chain)
    from pipeline.launch.notes.submission import Submission
    from pipeline.launch.submit import sweep

    answer: dict[str, Any] = {"run": str(folder), "sent": []}
    for step in sweep.send(manifest, folder, cluster, 1 + asked.chain, say, only, plan):
        if isinstance(step, Submission):
            jobs = len(step.tasks)
            after = f", after {step.after}" if step.after else ""
            say(f"sent {step.name}: {jobs} job{'s' * (jobs != 1)} as {step.job}{after}")
            answer["sent"].append({"array": step.name, "job": step.job, "jobs": jobs, "after": step.after})
        else:
            _print_submission_plan(step, cluster, rows=not asked.json)
            answer |= _as_json(step)
    if asked.json:
        print_json(answer)


def _print_dry_run(
    planned: Plan, submission_plan: SubmissionPlan, folder: Path, cluster: Cluster, asked: argparse.Namespace
) -> None:
    from pipeline.launch.submit import sweep
    from pipeline.report.tables.plan_table import plan_table
    from pipeline.report.tables.printing import as_json_rows, as_text

    shapes, texts = plan_table(planned), list(sweep.scripts(submission_plan, folder, cluster))
    if asked.json:
        scripts = {submission.name: text for submission, text in texts}
        print_json({"shapes": as_json_rows(shapes), **_as_json(submission_plan), "scripts": scripts})
        return
    print(as_text(shapes))
    _print_submission_plan(submission_plan, cluster)
    for submission, text in texts:
        print(f"==> {submission.name} <==\n{text}")
    say("nothing was sent")


def _print_submission_plan(submission_plan: SubmissionPlan, cluster: Cluster, *, rows: bool = True) -> None:
    from pipeline.launch.cost.estimate import table
    from pipeline.report.tables.printing import as_text, number_of

    manifest = submission_plan.manifest
    whole = counted(manifest.num_trials, len(manifest.workloads))
    waiting = f"{whole}: {submission_plan.finished} packs finished, {submission_plan.in_flight} in flight"
    if submission_plan.quarantined:
        waiting += f", {len(submission_plan.quarantined)} kept back because they failed twice (retry --quarantined)"
    if not submission_plan.submissions:
        say(f"{waiting}; nothing is left to send")
        return
    assert submission_plan.costs is not None
    assert submission_plan.estimate is not None
    say(waiting)
    if rows:
        arrays = table(submission_plan.submissions, manifest.workloads, submission_plan.costs.startup_s)
        print(as_text(arrays, keep=arrays.columns))
    judged = submission_plan.estimate
    say(f"{number_of(judged.jobs, 'job')} on {cluster.name}, {_spent(judged)} ({submission_plan.costs.basis})")
    for warning in judged.warnings:
        say(f"warning: {warning}")


def _spent(judged: CostEstimate) -> str:
    """What jobs are expected to take, in one line."""
    from pipeline.durations import duration

    parts = [f"the longest about {duration(judged.job_seconds)}", f"{judged.memory_gib:.1f} GiB a job"]
    if judged.gpu_hours:
        parts.append(f"{judged.gpu_hours:.3g} GPU-hours")
    for unit, amount in judged.cost.items():
        if unit != "GPU-hours":
            parts.append(f"{amount:.3g} {unit} (at most {judged.reserved[unit]:.3g})")
    return ", ".join(parts)


def _as_json(submission_plan: SubmissionPlan) -> dict[str, Any]:
    from pipeline.launch.cost.estimate import table
    from pipeline.report.tables.printing import as_json_rows

    judged = submission_plan.estimate
    known: dict[str, Any] = {
        "finished_packs": submission_plan.finished,
        "packs_in_flight": submission_plan.in_flight,
        "packs_kept_back": sorted(submission_plan.quarantined),
    }
    if judged is None or submission_plan.costs is None:
        return known | {"arrays": [], "estimate": None}
    return known | {
        "arrays": as_json_rows(
            table(submission_plan.submissions, submission_plan.manifest.workloads, submission_plan.costs.startup_s)
        ),
        "estimate": {
            "jobs": judged.jobs,
            "longest_job_seconds": judged.job_seconds,
            "gpu_hours": judged.gpu_hours,
            "cost": judged.cost,
            "cost_at_most": judged.reserved,
            "memory_gib": judged.memory_gib,
            "warnings": list(judged.warnings),
            "basis": submission_plan.costs.basis,
        },
    }


def _bar(trials: dict[str, int], width: int = 40) -> str:
    """The trials of a sweep as a bar, and how many are in each state."""
    whole = sum(trials.values())
    marks = {"done": "█", "diverged": "▓", "running": "▒", "failed": "x", "quarantined": "x", "lost": "?"}
    bar = "".join(mark * round(width * trials.get(state, 0) / max(1, whole)) for state, mark in marks.items())
    counts = ", ".join(f"{number} {state}" for state, number in trials.items())
    finished = trials.get("done", 0) + trials.get("diverged", 0)
    return f"[{bar[:width]:·<{width}}] {finished} of {whole} trials: {counts}"


def _say_left(seconds: float | None) -> None:
    from pipeline.durations import duration

    if seconds is not None:
        say(f"about {duration(seconds)} left")


def _last_lines(incident: Incident) -> str:
    from pipeline.launch.notes.exit_reasons import part_of, tail

    text = tail(incident.log) if incident.attempt is None else part_of(incident.log, incident.attempt)
    lines = text.splitlines()[-LINES_OF_LOG:]
    return "\n".join((f"==> {incident.log} <==", *lines, ""))


def _cluster(asked: argparse.Namespace) -> Cluster:
    from pipeline.launch.clusters.lookup import read_cluster

    return read_cluster(asked.cluster, split_overrides(asked)[1])


def _cluster_of(submission: Any, asked: argparse.Namespace) -> Cluster:
    """The cluster that a submission went to, with what was changed of its profile then and now: the later wins."""
    from pipeline.config import later_wins
    from pipeline.launch.clusters.lookup import read_cluster

    overrides, changes = split_overrides(asked)
    if overrides:
        hint = f"--set cluster.{overrides[0]} changes the job; another experiment is another submit"
        raise PipelineError(f"an experiment that has begun cannot be changed: {overrides[0]!r}", hint=hint)
    return read_cluster(submission.cluster, later_wins(submission.overrides, changes))


def _folder(planned: Plan, cluster: Cluster, asked: argparse.Namespace) -> Path:
    from pipeline.launch.clusters.lookup import check_folder, folder_of_runs

    folder: Path = asked.out or folder_of_runs(cluster) / planned.folder_name
    check_folder(cluster, folder)
    return folder


def _link(folder: Path) -> None:
    """Let ``runs/`` name a run that lies elsewhere, so that status and the others find it."""
    link = Path("runs") / folder.name
    if link.resolve() != folder.resolve() and not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder.resolve())


def _run_and_names(asked: argparse.Namespace) -> tuple[Path, list[str]]:
    """The run, which may be named among other things, and those other things."""
    from pipeline.cli.here import run_folder

    runs = [name for name in asked.what if (Path(name) / "plan.json").exists()]
    if len(runs) > 1:
        raise PipelineError(f"{runs[1]!r} is a second run", hint="name one")
    for name in asked.what:
        if name not in runs and "/" in name:  # no job, trial or pack is called so
            _refuse_folder(name)
    asked.run = Path(runs[0]) if runs else None
    return run_folder(asked), [name for name in asked.what if name not in runs]


def _refuse_folder(name: str) -> NoReturn:
    """Say what is wrong with a folder that is not that of a run."""
    path = Path(name)
    if path.exists():
        what = f"{name!r} is not the folder of a run"
        raise PipelineError(what, where=str(path / "plan.json"), hint="expected plan.json there")
    runs = [str(plan.parent) for plan in path.parent.glob("*/plan.json")]
    hint = nearest(name, runs) if runs else f"no run is in {str(path.parent)!r}"
    raise PipelineError("there is no such folder", where=name, hint=hint)
