"""The verbs that send jobs: submit and retry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.api.begun_runs import begun_plan, finished_otherwise
from pipeline.api.cluster_folders import check_chain, folder_on
from pipeline.api.run_folders import link_run, run_and_names
from pipeline.cli.destinations import cluster_of
from pipeline.cli.experiments import announce, config_file, plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.prose import print_json, say
from pipeline.cli.submission_output import as_json, print_dry_run, print_submission_plan
from pipeline.errors import PipelineError
from pipeline.reuse.request import Reuse

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.plans import Plan
    from pipeline.records.manifest import Manifest
    from pipeline.reuse.reusable_trials import ReusableTrials


@dataclass(frozen=True)
class SubmitOptions:
    """Options of submit.

    Args:
        config: YAML file of the experiment.
        overrides: What ``--set`` changes.
        cluster: Name of the cluster, or its YAML file.
        out: Folder of the run; none: where the profile says.
        dry_run: Whether to print the jobs, and to send nothing.
        json: Whether the output is for a program.
        chain: Jobs that wait for each job, to go on where it stopped.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: Folders of runs, or single runs, to take finished trials from, besides the folder of the run's own.
    """

    config: Path
    overrides: Overrides
    cluster: str
    out: Path | None
    dry_run: bool
    json: bool
    chain: int
    fresh: bool = False
    reuse: tuple[Path, ...] = ()


@dataclass(frozen=True)
class RetryOptions:
    """Options of retry.

    Args:
        what: Names of packs, none for all that failed or were lost; and the folder of a run.
        overrides: What ``--set`` changes of the profile.
        quarantined: Whether packs that failed twice are sent again too.
        json: Whether the output is for a program.
        chain: Jobs that wait for each job, to go on where it stopped.
    """

    what: tuple[str, ...]
    overrides: Overrides
    quarantined: bool
    json: bool
    chain: int


def submit(options: SubmitOptions) -> int:
    """Send what is neither finished nor in flight to a cluster, and return at once."""
    from pipeline.config import read_document
    from pipeline.launch.clusters.lookup import read_cluster
    from pipeline.launch.cost.device_choice import suited
    from pipeline.launch.submit.submission_plan import dry_run
    from pipeline.reuse.reusable_trials import in_words, planned_with_reuse

    planned = plan_of(read_document(config_file(options.config)), options.overrides, on_cluster=True)
    cluster = read_cluster(options.cluster, options.overrides.profile)
    folder = folder_on(cluster, planned, options.out)
    planned, begun = begun_plan(planned, folder)
    reuse = Reuse(options.fresh, options.reuse)
    otherwise = finished_otherwise(planned, folder, reuse) if begun else []
    planned, reusable = planned_with_reuse(planned, folder, reuse)
    cluster = suited(cluster, options.cluster, planned.manifest, say)
    links = 1 + options.chain
    check_chain(cluster, links)
    if not options.dry_run:
        announce(planned, folder)
    for sentence in otherwise + in_words(reusable, planned.num_trials):
        say(sentence)
    if options.dry_run:
        found = dry_run(planned, folder, cluster, links, say, reusable)
        print_dry_run(planned, found, folder, cluster, json=options.json)
        return 0
    _send(planned.manifest, folder, cluster, links, plan=planned, reusable=reusable, json=options.json)
    link_run(folder)
    return 0


def retry(options: RetryOptions) -> int:
    """Send again what failed or was lost: smaller, with more memory or time if it ran out, not if it failed twice."""
    from pipeline.launch.notes.submission import read_submissions

    folder, packs = run_and_names(options.what)
    manifest = _manifest(folder)
    submissions = read_submissions(folder)
    if not submissions:
        raise PipelineError("nothing was sent of this run yet", where=str(folder), hint="submit sends it")
    unknown = [pack for pack in packs if pack not in manifest.workloads]
    if unknown:
        raise PipelineError(f"no pack of this run is called {unknown[0]!r}", hint="logs --json names them")
    if options.quarantined:
        _forgive_quarantined(folder)
    cluster = cluster_of(submissions[-1], options.overrides)
    links = 1 + options.chain
    check_chain(cluster, links)
    _send(manifest, folder, cluster, links, frozenset(packs) or None, json=options.json)
    return 0


def _manifest(folder: Path) -> Manifest:
    """Read the manifest of a run, or make it from its plan."""
    from pipeline.records.manifest import read_manifest

    manifest = read_manifest(folder)
    if manifest is None:
        from pipeline.plans import read_plan  # takes seconds, and says what is wrong

        manifest = read_plan(folder).manifest
    return manifest


def _forgive_quarantined(folder: Path) -> None:
    """Let packs be sent again that failed twice."""
    from pipeline.launch.notes.submission import read_submissions
    from pipeline.launch.state.history import forgive, incidents, quarantined
    from pipeline.launch.state.status import ask

    submissions = read_submissions(folder)
    tasks, unknown = ask(folder, submissions)
    if unknown:
        raise PipelineError(unknown, hint="what failed is known once the scheduler answers; try again later")
    forgive(folder, sorted(quarantined(folder, incidents(folder, submissions, set(tasks)))))


def _send(
    manifest: Manifest,
    folder: Path,
    cluster: Cluster,
    links: int,
    only: frozenset[str] | None = None,
    plan: Plan | None = None,
    reusable: ReusableTrials | None = None,
    *,
    json: bool,
) -> None:
    from pipeline.launch.notes.submission import Submission
    from pipeline.launch.submit.submit_run import submit_run

    answer: dict[str, Any] = {"run": str(folder), "sent": []}
    for step in submit_run(manifest, folder, cluster, links, say, only, plan, reusable):
        if isinstance(step, Submission):
            jobs = len(step.tasks)
            after = f", after {step.after}" if step.after else ""
            say(f"sent {step.name}: {jobs} job{'s' * (jobs != 1)} as {step.job}{after}")
            answer["sent"].append({"array": step.name, "job": step.job, "jobs": jobs, "after": step.after})
        else:
            print_submission_plan(step, cluster, rows=not json)
            answer |= as_json(step)
    if json:
        print_json(answer)
