"""What is done about packs that ran out of memory: smaller packs, then more memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.launch.causes import OUT_OF_MEMORY
from pipeline.launch.history import Incident
from pipeline.launch.profile import Profile
from pipeline.records.packs import halve, times_halved

MOST_HALVINGS = 2
"""How often a pack is halved before its job gets more memory."""


def relieve(
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
    struck: dict[str, list[Incident]] = {}
    for one in found:
        if one.kind == OUT_OF_MEMORY:
            struck.setdefault(one.pack, []).append(one)
    for pack in left:
        if pack not in struck:
            continue
        if len(packs[pack]) > 1 and depths.get(pack, 0) < MOST_HALVINGS:
            halved[pack] = halve(run, pack, packs[pack])
        else:
            memory[pack] = _more(pack, max((one.memory_gib or 0.0) for one in struck[pack]), profile)
    return halved, memory


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
