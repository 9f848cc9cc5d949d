"""Job chains: submissions that each depend on the end of the one before (``afterany``), and links that they lack."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pipeline.launch.notes.submission import Submission


@dataclass(frozen=True)
class MissingLinks:
    """A chain that is in flight and was cut short: by a killed submit, or by a server that did not answer.

    Args:
        before: The last of its submissions that a scheduler holds.
        links: Positions of the links that are missing.
        tasks: Names of the packs that each task of a link has to look after.
    """

    before: Submission
    links: range
    tasks: tuple[tuple[str, ...], ...]


def missing_links(
    submissions: Sequence[Submission], held: Collection[str], packs: Collection[str], links: int
) -> list[MissingLinks]:
    """Find the chains in flight that have fewer links than they should have.

    Args:
        submissions: All of a run that went to one cluster, each with its job.
        held: Ids of the jobs that the scheduler still holds.
        packs: Names of the packs that are to be looked after.
        links: Submissions of a whole chain, the first one counted. One that was sent and has ended is not missing.

    Returns:
        The chains, those with the latest links first; a pack is looked after by one of them.
    """
    found: list[MissingLinks] = []
    served: set[str] = set()
    for chain in sorted(_chains(submissions), key=lambda chain: -chain[-1].link):
        living = [one for one in chain if any(one.task_id(index) in held for index in range(len(one.tasks)))]
        if not living:
            continue
        in_flight = {pack for one in living for pack in _held_packs(one, held)} & set(packs) - served
        served |= in_flight
        tasks = [tuple(pack for pack in task if pack in in_flight) for task in living[-1].tasks]
        missing = range(chain[-1].link + 1, links)
        if missing and any(tasks):
            found.append(MissingLinks(living[-1], missing, tuple(task for task in tasks if task)))
    return found


def _chains(submissions: Sequence[Submission]) -> Iterator[list[Submission]]:
    """The submissions of each chain, in order; a single one is a chain too."""
    followers = {one.after: one for one in submissions if one.after is not None}
    names = {one.name for one in submissions}
    for first in submissions:
        if first.after in names:
            continue
        chain = [first]
        while chain[-1].name in followers:
            chain.append(followers[chain[-1].name])
        yield chain


def _held_packs(submission: Submission, held: Collection[str]) -> Iterator[str]:
    for index, task in enumerate(submission.tasks):
        if submission.task_id(index) in held:
            yield from task
