"""Submitting a run: what has neither complete records nor a job in flight, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.launch.clusters.lookup import Cluster, check_name
from pipeline.launch.notes.submission import Submission, read_submissions
from pipeline.launch.schedulers import clusters_wanted, scheduler_named
from pipeline.launch.schedulers.waiting import Say, announce_if_slow
from pipeline.launch.state.history import Incident, incidents, quarantined
from pipeline.launch.state.in_flight import close_finished_predecessors, held_after_ending, packs_in_flight
from pipeline.launch.submit.job_request import check_parallel
from pipeline.launch.submit.reconcile import reconcile, submit_lock
from pipeline.launch.submit.retry_policy import apply_out_of_memory_policy, longer_walltimes
from pipeline.launch.submit.sending import send
from pipeline.launch.submit.submission_plan import PackStates, SubmissionPlan, plan_submission, submission_request
from pipeline.records.last_work import note_work
from pipeline.records.manifest import Manifest
from pipeline.records.store import finished_packs

if TYPE_CHECKING:
    from pipeline.plans import Plan
    from pipeline.reuse.reusable_trials import ReusableTrials


def submit_run(
    manifest: Manifest,
    run: Path,
    cluster: Cluster,
    links: int,
    say: Say,
    only: frozenset[str] | None = None,
    plan: Plan | None = None,
    reusable: ReusableTrials | None = None,
) -> Iterator[SubmissionPlan | Submission]:
    """Send what has neither complete records nor a job in flight.

    Args:
        manifest: Of what is to be trained.
        run: Folder of the run.
        cluster: Where.
        links: Submissions of a chain, 1 for none.
        say: Prints what takes long.
        only: The packs to look at; by default all.
        plan: What the manifest is of, written down before anything is sent; none if the run has it already.
        reusable: Trials of the plan that other runs have finished, which are taken from there.

    Yields:
        First what will be sent, then each submission as its job is known.

    Raises:
        PipelineError: If the scheduler cannot be asked, or refuses.
    """
    check_parallel(cluster, manifest.parallel)
    check_name(cluster, run)
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf, clusters_wanted())
    with announce_if_slow(say, f"waiting for the scheduler of {cluster.name} to answer"):
        scheduler.tasks({})  # a login node without the scheduler is found out before anything is written
    with submit_lock(run, say):
        note_work(run)
        if plan is not None:
            plan = _write(plan, run, reusable, say)
            manifest = plan.manifest
        manifest = manifest.refined(run)  # by whoever was at work on this run until now
        reconcile(run, say)
        states, failures = _states(run, say)
        left = states.left(_chosen(manifest, only))
        halved, memory = _halve(manifest, run, left, failures, cluster, say)
        minutes = longer_walltimes(left, failures, cluster.profile, manifest.parallel.nodes)
        manifest = manifest.refined(run) if halved else manifest
        left = [half for pack in left for half in halved.get(pack, (pack,))]
        missing = states.missing_links(_chosen(manifest, only), cluster, links)
        request = submission_request(cluster, manifest, links, scheduler.load(), memory, minutes)
        whole = functools.partial(_plan_of, manifest, run, plan)
        submission_plan = plan_submission(manifest, run, states, left, missing, request, whole, say)
        yield submission_plan
        if submission_plan.submissions:
            yield from send(run, submission_plan.submissions, cluster, manifest.parallel, say)


def _chosen(manifest: Manifest, only: Collection[str] | None) -> list[str]:
    return [pack for pack in manifest.workloads if only is None or pack in only]


def _states(run: Path, say: Say) -> tuple[PackStates, list[Incident]]:
    """The states of the packs of a run once what is ending has ended, and what went wrong so far."""
    submissions = read_submissions(run)
    held = held_after_ending(run, submissions, say)
    close_finished_predecessors(run, submissions, held, say)
    failures = incidents(run, submissions, held)
    in_flight = packs_in_flight(run, submissions, held)
    return PackStates(finished_packs(run), in_flight, quarantined(run, failures), submissions, held), failures


def _halve(
    manifest: Manifest, run: Path, left: Sequence[str], failures: Sequence[Incident], cluster: Cluster, say: Say
) -> tuple[dict[str, tuple[str, str]], dict[str, float]]:
    """Apply the out-of-memory policy to packs that are left: those that were halved, and the memory of others."""
    trials = {pack: manifest.workloads[pack].trials for pack in left}
    halved, memory = apply_out_of_memory_policy(run, trials, left, failures, cluster.profile)
    for pack, halves in halved.items():
        say(f"pack {pack} ran out of memory: its halves are {' and '.join(halves)}")
    return halved, memory


def _write(plan: Plan, run: Path, reusable: ReusableTrials | None, say: Say) -> Plan:
    """Write a plan, and take what other runs have finished of it; the plan as the folder has it."""
    from pipeline.plans import write_plan

    plan = write_plan(plan, run)
    if reusable is not None and reusable.sources:
        from pipeline.reuse.taking import take

        take(plan, run, reusable, say)
    return plan


def _plan_of(manifest: Manifest, run: Path, plan: Plan | None) -> Plan:
    """The plan with all packs of a manifest, read again where it is not at hand or some of them were halved."""
    from pipeline.plans import read_plan  # takes seconds; only if packs have to be measured

    if plan is not None and plan.manifest.workloads.keys() == manifest.workloads.keys():
        return plan
    written = read_plan(run)
    return written if plan is None else written.run_as(plan.experiment)
