"""A sweep on a cluster: from a plan to jobs. What submit, its dry run and retry have in common."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster, check_name
from pipeline.launch.cost.calibration import Costs, costs
from pipeline.launch.cost.estimate import CostEstimate, estimate
from pipeline.launch.notes.submission import Submission, folder_of, next_name, read_submissions
from pipeline.launch.schedulers import clusters_wanted, scheduler_named
from pipeline.launch.schedulers.waiting import announce_if_slow
from pipeline.launch.state.history import incidents, quarantined
from pipeline.launch.state.in_flight import (
    Say,
    close_finished_predecessors,
    ending_since,
    held_after_ending,
    held_tasks,
    packs_in_flight,
    reconcile,
    submit_lock,
)
from pipeline.launch.submit import sending
from pipeline.launch.submit.code_snapshot import snapshot_folder
from pipeline.launch.submit.job_chains import MissingLinks, missing_links
from pipeline.launch.submit.job_request import check_parallel, request_for
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.launch.submit.retry_policy import apply_out_of_memory_policy, longer_walltimes
from pipeline.provenance import code_version
from pipeline.records.manifest import Manifest
from pipeline.records.store import finished_packs

if TYPE_CHECKING:
    from pipeline.plan import Plan


@dataclass(frozen=True)
class SubmissionPlan:
    """What would be sent now.

    Args:
        manifest: Of the plan, with the halves of packs that were split.
        submissions: The submissions; none if nothing is left to send.
        costs: What the packs are expected to take.
        estimate: What the submissions are expected to take; none if there are none.
        finished: How many packs are finished.
        in_flight: How many packs jobs have.
        quarantined: Packs that are kept back.
    """

    manifest: Manifest
    submissions: list[Submission]
    costs: Costs | None
    estimate: CostEstimate | None
    finished: int
    in_flight: int
    quarantined: frozenset[str]


@dataclass(frozen=True)
class PackStates:
    """How the packs of a run stand.

    Args:
        finished: Packs with complete records.
        in_flight: Packs that jobs have.
        kept_back: Packs that failed too often.
        submissions: What was sent so far.
        held: Ids of the jobs that schedulers still hold.
    """

    finished: set[str]
    in_flight: set[str]
    kept_back: set[str]
    submissions: Sequence[Submission]
    held: set[str]

    def left(self, packs: Iterable[str]) -> list[str]:
        """Those of some packs that are to be sent."""
        there = self.finished | self.in_flight | self.kept_back
        return [pack for pack in packs if pack not in there]


def dry_run(plan: Plan, run: Path, cluster: Cluster, links: int, say: Say) -> SubmissionPlan:
    """What submit would send, without writing or sending anything, and without a scheduler if there is none here."""
    check_parallel(cluster, plan.experiment.parallel)
    check_name(cluster, run)
    submissions = read_submissions(run)
    held: set[str] = set()
    try:
        tasks = list(held_tasks(run, submissions))
        ending = ending_since(run, submissions, tasks, time.time())
        held = {task.id for task in tasks} - ending.keys()
    except PipelineError as error:
        say(f"the scheduler could not be asked what is in flight ({error.what})")
    states = PackStates(finished_packs(run), packs_in_flight(submissions, held), set(), submissions, held)
    left = states.left(plan.manifest.workloads)
    cuts = _cuts(states, plan.manifest.workloads, cluster, links, say)
    return _submission_plan(plan.manifest, run, cluster, states, left, cuts, {}, links, 0, say, lambda: plan)


def scripts(submission_plan: SubmissionPlan, run: Path, cluster: Cluster) -> Iterator[tuple[Submission, str]]:
    """The exact script of each submission; ids that only the scheduler gives are written as words."""
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf)
    for submission in submission_plan.submissions:
        snapshot = snapshot_folder(run.resolve())
        after = f"ID-OF-{submission.after}" if submission.after else None
        request = request_for(submission, cluster, submission_plan.manifest.parallel, snapshot, after)
        yield submission, scheduler.script(folder_of(run.resolve(), submission.name), request, len(submission.tasks))


def send(
    manifest: Manifest,
    run: Path,
    cluster: Cluster,
    links: int,
    say: Say,
    only: frozenset[str] | None = None,
    plan: Plan | None = None,
) -> Iterator[SubmissionPlan | Submission]:
    """Send what has neither complete records nor a job in flight.

    Args:
        manifest: Of what is to be trained.
        run: Folder of the run.
        cluster: Where.
        links: Submissions of a chain, 1 for none.
        say: Told what takes long.
        only: The packs to look at; by default all.
        plan: What the manifest is of, written down before anything is sent; none if the run has it already.

    Yields:
        First what will be sent, then each submission as its job is known.

    Raises:
        PipelineError: If the scheduler cannot be asked, or refuses.
    """
    check_parallel(cluster, manifest.parallel)
    check_name(cluster, run)
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf, clusters_wanted())
    with announce_if_slow(say, f"waiting for the scheduler of {cluster.name} to answer"):
        scheduler.tasks({})  # a login node without the scheduler is told before anything is written
    with submit_lock(run, say):
        if plan is not None:
            _write(plan, run)
        manifest = manifest.refined(run)  # by whoever was at work on this run until now
        reconcile(run, say)
        submissions = read_submissions(run)
        held = held_after_ending(run, submissions, say)
        close_finished_predecessors(run, submissions, held, say)
        found = incidents(run, submissions, held)
        in_flight = packs_in_flight(submissions, held)
        states = PackStates(finished_packs(run), in_flight, quarantined(run, found), submissions, held)
        left = states.left(pack for pack in manifest.workloads if only is None or pack in only)
        trials = {pack: manifest.workloads[pack].trials for pack in left}
        halved, memory = apply_out_of_memory_policy(run, trials, left, found, cluster.profile)
        minutes = longer_walltimes(left, found, cluster.profile, manifest.parallel.nodes)
        for pack, halves in halved.items():
            say(f"pack {pack} ran out of memory: its halves are {' and '.join(halves)}")
        manifest = manifest.refined(run) if halved else manifest
        chosen = [half for pack in left for half in halved.get(pack, (pack,))]
        cuts = _cuts(states, [pack for pack in manifest.workloads if only is None or pack in only], cluster, links, say)
        load = scheduler.load()
        whole = functools.partial(_plan_of, manifest, run, plan)
        submission_plan = _submission_plan(
            manifest, run, cluster, states, chosen, cuts, memory, links, load, say, whole, minutes
        )
        yield submission_plan
        if submission_plan.submissions:
            yield from sending.send(run, submission_plan.submissions, cluster, manifest.parallel, say)


def _write(plan: Plan, run: Path) -> None:
    from pipeline.plan import write_plan

    write_plan(plan, run)


def _plan_of(manifest: Manifest, run: Path, plan: Plan | None) -> Plan:
    """The plan with all packs of a manifest, read again where it is not at hand or some of them were halved."""
    from pipeline.plan import read_plan  # takes seconds; only if packs have to be measured

    if plan is not None and plan.manifest.workloads.keys() == manifest.workloads.keys():
        return plan
    written = read_plan(run)
    return written if plan is None else written.run_as(plan.experiment)


def _submission_plan(
    manifest: Manifest,
    run: Path,
    cluster: Cluster,
    states: PackStates,
    left: Sequence[str],
    cuts: Sequence[MissingLinks],
    memory: Mapping[str, float],
    links: int,
    load: int,
    say: Say,
    plan: Callable[[], Plan],
    minutes: Mapping[str, int] | None = None,
) -> SubmissionPlan:
    waiting = frozenset(states.kept_back - states.finished)
    counts = (len(states.finished), len(states.in_flight), waiting)
    if not left and not cuts:
        return SubmissionPlan(manifest, [], None, None, *counts)
    parallel = manifest.parallel
    in_flight = [pack for cut in cuts for task in cut.tasks for pack in task]
    packs = {pack: manifest.workloads[pack] for pack in (*left, *in_flight)}
    before = _expected(states.submissions, cluster)
    expected = costs(list(packs.values()), manifest.recorded_steps, cluster.profile, cluster.name, say, plan, before)
    together = parallel.processes > 1
    request = SubmissionRequest(
        cluster, expected.seconds, memory, links, load, parallel.nodes, together, manifest.how, minutes or {}
    )
    submissions_planned = plan_submissions(request, code_version(), next_name(run), cuts)
    judged = estimate(submissions_planned, packs, cluster, expected.startup_s, parallel.nodes)
    return SubmissionPlan(manifest, submissions_planned, expected, judged, *counts)


def _cuts(states: PackStates, packs: Iterable[str], cluster: Cluster, links: int, say: Say) -> list[MissingLinks]:
    """Chains on a cluster that lack some of N links, and are not finished."""
    profile = cluster.profile
    there = (cluster.name, profile.scheduler, profile.slurm_conf)
    alike = [one for one in states.submissions if (one.cluster, one.scheduler, one.slurm_conf) == there]
    cuts = missing_links(alike, states.held, set(packs) - states.finished - states.kept_back, links)
    for cut in cuts:
        say(f"a chain ends with {cut.before.name}; missing: link {', '.join(map(str, cut.links))}")
    return cuts


def _expected(submissions: Sequence[Submission], cluster: Cluster) -> dict[str, float]:
    """What packs were expected to take that were sent to this cluster before."""
    alike = [one for one in submissions if (one.cluster, one.gpus) == (cluster.name, cluster.profile.gpus)]
    return {pack: seconds for one in alike for pack, seconds in one.costs.items()}
