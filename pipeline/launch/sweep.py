"""A sweep on a cluster: from a plan to jobs. What submit, its dry run and retry have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.definitions import canonical
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import HOW_IT_RUNS
from pipeline.experiment.packing import Pack
from pipeline.launch import flight, submit
from pipeline.launch.calibration import Costs, costs
from pipeline.launch.clusters import Cluster
from pipeline.launch.drafts import Wish, drafts
from pipeline.launch.estimate import Estimate, estimate
from pipeline.launch.flight import Say
from pipeline.launch.history import incidents, quarantined
from pipeline.launch.remedies import relieve
from pipeline.launch.requests import check_parallel, request_for
from pipeline.launch.schedulers import scheduler_named
from pipeline.launch.snapshot import snapshot_folder
from pipeline.launch.submission import Submission, folder_of, next_name, read_submissions
from pipeline.plan import Plan, read_plan, write_plan
from pipeline.provenance import code_version
from pipeline.records.packs import read_packs
from pipeline.records.store import finished_packs


@dataclass(frozen=True)
class Prepared:
    """What would be sent now.

    Args:
        plan: The plan, packs that were split included.
        drafts: The submissions; none if nothing is left to send.
        costs: What the packs are expected to take.
        estimate: What the submissions are expected to take; none if there are none.
        finished: How many packs are finished.
        in_flight: How many packs jobs have.
        quarantined: Packs that are kept back.
    """

    plan: Plan
    drafts: list[Submission]
    costs: Costs | None
    estimate: Estimate | None
    finished: int
    in_flight: int
    quarantined: frozenset[str]


def rehearse(plan: Plan, run: Path, cluster: Cluster, links: int, say: Say) -> Prepared:
    """What submit would send, without writing or sending anything, and without a scheduler if there is none here."""
    check_parallel(cluster, plan.experiment.parallel)
    finished = finished_packs(run)
    submissions = read_submissions(run)
    try:
        flying = flight.in_flight(submissions, flight.held(run, submissions))
    except PipelineError as error:
        say(f"the scheduler could not be asked what is in flight ({error.what})")
        flying = set()
    left = [pack for pack in plan.packs if pack.id not in finished | flying]
    return _prepared(plan, run, cluster, left, {}, links, 0, flying, frozenset(), submissions, say)


def scripts(prepared: Prepared, run: Path, cluster: Cluster) -> Iterator[tuple[Submission, str]]:
    """The exact script of each submission; ids that only the scheduler gives are written as words."""
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf)
    for draft in prepared.drafts:
        snapshot = snapshot_folder(run.resolve())
        after = f"ID-OF-{draft.after}" if draft.after else None
        request = request_for(draft, cluster, prepared.plan.experiment.parallel, snapshot, after)
        yield draft, scheduler.script(folder_of(run.resolve(), draft.name), request, len(draft.tasks))


def send(
    plan: Plan, run: Path, cluster: Cluster, links: int, say: Say, only: frozenset[str] | None = None
) -> Iterator[Prepared | Submission]:
    """Send what has neither complete records nor a job in flight.

    Args:
        plan: What is to be trained.
        run: Folder of the run.
        cluster: Where.
        links: Submissions of a chain, 1 for none.
        say: Told what takes long.
        only: The packs to look at; by default all.

    Yields:
        First what will be sent, then each submission as its job is known.

    Raises:
        PipelineError: If the scheduler cannot be asked, or refuses.
    """
    check_parallel(cluster, plan.experiment.parallel)
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf)
    scheduler.tasks({})  # a login node without the scheduler is told before anything is written
    with flight.one_submitter(run, say):
        write_plan(plan, run)
        flight.settle(run, say)
        submissions = read_submissions(run)
        held = flight.held(run, submissions)
        flying = flight.in_flight(submissions, held)
        found = incidents(run, submissions, held)
        kept_back = quarantined(run, found)
        finished = finished_packs(run)
        packs = read_packs(run)
        wanted = [name for name in packs if only is None or name in only]
        left = [name for name in wanted if name not in finished | flying | kept_back]
        halved, memory = relieve(run, packs, left, found, cluster.profile)
        for pack, halves in halved.items():
            say(f"pack {pack} ran out of memory: its halves are {' and '.join(halves)}")
        if halved or packs.keys() != {pack.id for pack in plan.packs}:
            plan = read_plan(run).run_as(plan.experiment)
        chosen_names = {half for name in left for half in halved.get(name, (name,))}
        chosen = [pack for pack in plan.packs if pack.id in chosen_names]
        waiting = frozenset(kept_back - finished)
        load = scheduler.load()
        prepared = _prepared(plan, run, cluster, chosen, memory, links, load, flying, waiting, submissions, say)
        yield prepared
        if prepared.drafts:
            yield from submit.send(run, prepared.drafts, cluster, plan.experiment.parallel)


def _prepared(
    plan: Plan,
    run: Path,
    cluster: Cluster,
    left: Sequence[Pack],
    memory: Mapping[str, float],
    links: int,
    load: int,
    flying: set[str],
    kept_back: frozenset[str],
    submissions: Sequence[Submission],
    say: Say,
) -> Prepared:
    finished = len(finished_packs(run))
    if not left:
        return Prepared(plan, [], None, None, finished, len(flying), kept_back)
    parallel = plan.experiment.parallel
    expected = costs(left, plan.experiment, cluster.profile, cluster.name, say, _expected(submissions, cluster))
    wish = Wish(
        cluster,
        {pack.id: expected.seconds[pack.id] for pack in left},
        memory,
        links,
        load,
        parallel.nodes,
        parallel.processes > 1,
        {field: canonical(getattr(plan.experiment, field)) for field in HOW_IT_RUNS},
    )
    drafted = drafts(wish, code_version(), next_name(run))
    packs = {pack.id: pack for pack in left}
    judged = estimate(drafted, packs, cluster, expected.startup_s, parallel.nodes)
    return Prepared(plan, drafted, expected, judged, finished, len(flying), kept_back)


def _expected(submissions: Sequence[Submission], cluster: Cluster) -> dict[str, float]:
    """What packs were expected to take that were sent to this cluster before."""
    alike = [one for one in submissions if (one.cluster, one.gpus) == (cluster.name, cluster.profile.gpus)]
    return {pack: seconds for one in alike for pack, seconds in one.costs.items()}
