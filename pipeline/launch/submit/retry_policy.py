"""Retry policy: packs that ran out of memory are halved, then get more of it; those that ran out of time get more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.notes.exit_reasons import OUT_OF_MEMORY, TIME_LIMIT
from pipeline.launch.state.history import Incident
from pipeline.records.packs import halve, times_halved

MOST_HALVINGS = 2
"""How often a pack is halved before its job gets more memory."""


def apply_out_of_memory_policy(
    run: Path, packs: Mapping[str, tuple[str, ...]], left: Iterable[str], found: Sequence[Incident], profile: Profile
) -> tuple[dict[str, tuple[str, str]], dict[str, float]]:
    """Halve packs that ran out of memory, or say how much more memory they get.

    Args:
        run: Folder of the run, held by one submitter.
        packs: The trials of each pack.
        left: Packs that are to be sent; no job has them.
        found: What went wrong so far.
        profile: The cluster.

    Returns:
        The packs that were halved, with their halves; and the memory of a job on a node, in GiB, of other packs.

    Raises:
        PipelineError: If a pack needs more than a node has, or the profile does not say what a job gets.
    """
    halved: dict[str, tuple[str, str]] = {}
    memory: dict[str, float] = {}
    depths = times_halved(run)
    struck = _struck(found, OUT_OF_MEMORY)
    for pack in left:
        if pack not in struck:
            continue
        was_trained = any(one.pack == pack for one in struck[pack])  # a job that dies before gains nothing by halves
        if was_trained and len(packs[pack]) > 1 and depths.get(pack, 0) < MOST_HALVINGS:
            halved[pack] = halve(run, pack, packs[pack])
        else:
            memory[pack] = _more(pack, max((one.memory_gib or 0.0) for one in struck[pack]), profile)
    return halved, memory


def longer_walltimes(
    left: Iterable[str], found: Sequence[Incident], profile: Profile, nodes: int = 1
) -> dict[str, int]:
    """Twice the walltime at whose end a job was killed, at most the longest that is granted.

    Args:
        left: Packs that are to be sent.
        found: What went wrong so far.
        profile: The cluster; a walltime that it names itself stays.
        nodes: Nodes of a job.

    Returns:
        The least walltime of the packs that were killed at its end, in minutes.
    """
    if not profile.bands or profile.walltime_minutes is not None:
        return {}
    longest = int(60 * max(tier.hours for tier in profile.tiers_of_size(nodes)))
    struck = _struck(found, TIME_LIMIT)
    had = {pack: max(one.minutes or 0 for one in struck[pack]) for pack in left if pack in struck}
    return {pack: min(2 * minutes, longest) for pack, minutes in had.items() if minutes}


def _struck(found: Sequence[Incident], kind: str) -> dict[str, list[Incident]]:
    """Incidents of some kind by pack, those of a job that had begun none included."""
    struck: dict[str, list[Incident]] = {}
    for one in found:
        for pack in (one.pack,) if one.pack else one.waiting:
            if one.kind == kind:
                struck.setdefault(pack, []).append(one)
    return struck


def _more(pack: str, had_gib: float, profile: Profile) -> float:
    """Twice the memory that did not suffice, at most what a node has."""
    usual = had_gib or profile.memory_gib_of_job
    if not usual:
        what = f"pack {pack} ran out of memory, and the profile does not say how much a job gets"
        raise PipelineError(what, hint="--set cluster.memory_gib=...")
    most = profile.node.memory_gib if profile.node else 2 * usual
    if usual >= most:
        what = f"pack {pack} ran out of memory with {usual:g} GiB, all that a node has"
        raise PipelineError(what, hint="take a smaller width, or a cluster with larger nodes")
    return min(2 * usual, most)
