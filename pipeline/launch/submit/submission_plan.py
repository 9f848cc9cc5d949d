"""The submission plan of a run: which packs are left, the submissions that would send them, and what these cost."""

from __future__ import annotations

import dataclasses
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
from pipeline.launch.schedulers import scheduler_named
from pipeline.launch.schedulers.waiting import Say
from pipeline.launch.state.in_flight import ending_since, held_tasks, packs_in_flight
from pipeline.launch.submit.code_snapshot import snapshot_folder
from pipeline.launch.submit.job_chains import MissingLinks, missing_links
from pipeline.launch.submit.job_request import check_parallel, request_for
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.provenance import code_version
from pipeline.records.manifest import Manifest
from pipeline.records.packs import parents_of_halves
from pipeline.records.store import finished_packs

if TYPE_CHECKING:
    from pipeline.plans import Plan
    from pipeline.reuse.reusable_trials import ReusableTrials


@dataclass(frozen=True)
class SubmissionPlan:
    """The submission plan: what would be sent now.

    Args:
        manifest: Of the plan, with the halves of packs that were split.
        submissions: The planned submissions; none if nothing is left to send.
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
    """The states of the packs of a run.

    Args:
        finished: Packs with complete records.
        in_flight: Packs that jobs have.
        quarantined: Packs that failed too often.
        submissions: What was sent so far.
        held: Ids of the jobs that schedulers still hold.
    """

    finished: set[str]
    in_flight: set[str]
    quarantined: set[str]
    submissions: Sequence[Submission]
    held: set[str]

    def left(self, packs: Iterable[str]) -> list[str]:
        """Choose the packs that are to be sent."""
        others = self.finished | self.in_flight | self.quarantined
        return [pack for pack in packs if pack not in others]

    def missing_links(self, packs: Iterable[str], cluster: Cluster, links: int) -> list[MissingLinks]:
        """The chains on a cluster that have fewer links than they should have.

        Args:
            packs: Those to look after.
            cluster: Where.
            links: Submissions of a whole chain.

        Returns:
            What each of them lacks.
        """
        profile = cluster.profile
        place = (cluster.name, profile.scheduler, profile.slurm_conf)
        sent = [one for one in self.submissions if (one.cluster, one.scheduler, one.slurm_conf) == place]
        return missing_links(sent, self.held, set(packs) - self.finished - self.quarantined, links)

    def expected_seconds(self, cluster: Cluster, parents: Mapping[str, str]) -> dict[str, float]:
        """Expected seconds of packs that were sent to a cluster before, and of their halves.

        Args:
            cluster: Where.
            parents: The pack that each half was made of.

        Returns:
            Seconds by name; of a half, half of what its pack was expected to take.
        """
        place = (cluster.name, cluster.profile.gpus)
        sent = {
            pack: seconds
            for one in self.submissions
            if (one.cluster, one.gpus) == place
            for pack, seconds in one.costs.items()
        }
        return {half: sent[pack] / 2 for half, pack in parents.items() if pack in sent} | sent


def submission_request(
    cluster: Cluster,
    manifest: Manifest,
    links: int,
    load: int = 0,
    memory: Mapping[str, float] | None = None,
    minutes: Mapping[str, int] | None = None,
) -> SubmissionRequest:
    """Make the submission request of a manifest, before it is known what its packs take.

    Args:
        cluster: Where.
        manifest: Of the plan.
        links: Submissions of a chain, 1 for none.
        load: Jobs that the user has there already.
        memory: Memory of a job on a node for packs that need more than the profile says, in GiB.
        minutes: The least walltime of packs that need one.

    Returns:
        The request, without costs.
    """
    parallel = manifest.parallel
    return SubmissionRequest(
        cluster=cluster,
        costs={},
        memory=memory or {},
        links=links,
        load=load,
        nodes=parallel.nodes,
        together=parallel.processes > 1,
        how=manifest.how,
        minutes=minutes or {},
    )


def plan_submission(
    manifest: Manifest,
    run: Path,
    states: PackStates,
    left: Sequence[str],
    missing: Sequence[MissingLinks],
    request: SubmissionRequest,
    plan: Callable[[], Plan],
    say: Say,
) -> SubmissionPlan:
    """Plan the submissions of the packs that are left, and of the links that chains lack.

    Args:
        manifest: Of the plan.
        run: Folder of the run.
        states: The states of its packs.
        left: Packs that are to be sent.
        missing: What chains lack.
        request: How they are sent.
        plan: Gives the plan; called only if packs have to be measured.
        say: Prints what takes long.

    Returns:
        What would be sent.

    Raises:
        PipelineError: If the limits of the cluster do not allow it, or a job needs more memory than it asks for.
    """
    quarantined = frozenset(states.quarantined - states.finished)
    counts = (len(states.finished), len(states.in_flight), quarantined)
    if not left and not missing:
        return SubmissionPlan(manifest, [], None, None, *counts)
    for chain in missing:
        say(f"a chain ends with {chain.before.name}; missing: link {', '.join(map(str, chain.links))}")
    cluster = request.cluster
    of_chains = [pack for chain in missing for task in chain.tasks for pack in task]
    packs = {pack: manifest.workloads[pack] for pack in (*left, *of_chains)}
    before = states.expected_seconds(cluster, parents_of_halves(run))
    expected = costs(list(packs.values()), manifest.recorded_steps, cluster.profile, cluster.name, say, plan, before)
    request = dataclasses.replace(request, costs=expected.seconds)
    submissions = plan_submissions(request, code_version(), next_name(run), missing)
    judged = estimate(submissions, packs, cluster, expected.startup_s, request.nodes)
    return SubmissionPlan(manifest, submissions, expected, judged, *counts)


def dry_run(
    plan: Plan, run: Path, cluster: Cluster, links: int, say: Say, reusable: ReusableTrials | None = None
) -> SubmissionPlan:
    """Plan what submit would send; nothing is written or sent, and it works where there is no scheduler.

    Args:
        plan: Of the run.
        run: Its folder.
        cluster: Where.
        links: Submissions of a chain, 1 for none.
        say: Prints what takes long, and what is unknown.
        reusable: Trials of the plan that other runs have finished, which submit would take from there.

    Returns:
        What would be sent.

    Raises:
        PipelineError: If the cluster cannot do it.
    """
    manifest = plan.manifest
    check_parallel(cluster, manifest.parallel)
    check_name(cluster, run)
    submissions = read_submissions(run)
    held: set[str] = set()
    try:
        tasks = list(held_tasks(run, submissions))
        ending = ending_since(run, submissions, tasks, time.time())
        held = {task.id for task in tasks} - ending.keys()
    except PipelineError as error:
        say(f"the scheduler could not be asked what is in flight ({error.what})")
    finished = finished_packs(run) | set(reusable.whole_packs(plan) if reusable else ())
    states = PackStates(finished, packs_in_flight(run, submissions, held), set(), submissions, held)
    left, missing = states.left(manifest.workloads), states.missing_links(manifest.workloads, cluster, links)
    request = submission_request(cluster, manifest, links)
    return plan_submission(manifest, run, states, left, missing, request, lambda: plan, say)


def scripts(submission_plan: SubmissionPlan, run: Path, cluster: Cluster) -> Iterator[tuple[Submission, str]]:
    """Render the job script of each submission; ids that only the scheduler gives are written as words.

    Args:
        submission_plan: What would be sent.
        run: Folder of the run.
        cluster: Where.

    Yields:
        Each submission with its exact script.
    """
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf)
    for submission in submission_plan.submissions:
        snapshot = snapshot_folder(run.resolve())
        after = f"ID-OF-{submission.after}" if submission.after else None
        request = request_for(submission, cluster, submission_plan.manifest.parallel, snapshot, after)
        yield submission, scheduler.script(folder_of(run.resolve(), submission.name), request, len(submission.tasks))
