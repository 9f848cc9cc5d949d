"""Packs of a run by id, as the plan has them: which trials each holds, nothing of what those are.

``plan.json`` never changes. A pack that does not fit into memory is replaced by its two
halves, which ``splits/<pack>.json`` says; a half may be halved again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.experiment.identity import id_of_pack
from pipeline.records.atomic_writes import replacing
from pipeline.records.frame_store import remove_frames
from pipeline.records.store import remove_records


def read_packs(run: Path) -> dict[str, tuple[str, ...]]:
    """The ids of the trials of each pack that is to be trained, in the order of training.

    Args:
        run: Folder of the run.

    Returns:
        Ids of trials by id of their pack.

    Raises:
        PipelineError: If the folder is not that of a run.
    """
    path = run / "plan.json"
    try:
        listed = json.loads(path.read_bytes())["packs"]
        packs = {str(pack["id"]): tuple(pack["trials"]) for pack in listed}
    except (FileNotFoundError, NotADirectoryError):
        what = f"{str(run)!r} is not the folder of a run"
        raise PipelineError(what, where=str(path), hint="expected plan.json there") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"not a plan: {error}", where=str(path), hint="the file was damaged") from None
    return refined(run, packs)


def refined(run: Path, packs: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Packs with those that were halved replaced by their halves, or halves of halves.

    Args:
        run: Folder of the run.
        packs: Ids of the trials of each pack of the plan.

    Returns:
        Ids of trials by id of their pack, in the order of training.
    """
    splits = {path.stem for path in (run / "splits").glob("*.json")}
    if not splits:
        return packs
    return {name: trials for pack, whole in packs.items() for name, trials in _parts(pack, whole, splits)}


def halve(run: Path, pack: str, trials: tuple[str, ...]) -> tuple[str, str]:
    """Replace a pack by its halves; what it has recorded so far is deleted, and trained again.

    The caller makes sure that nobody trains the pack.

    Args:
        run: Folder of the run.
        pack: Id of the pack.
        trials: Ids of its trials, in their order; of an odd number the first half is the larger.

    Returns:
        The ids of the halves.
    """
    first, second = _halves(trials)
    # The file in splits/ comes last: if this process is killed before, the whole pack is trained from its first step.
    (run / "outcomes" / f"{pack}.parquet").unlink(missing_ok=True)
    remove_records(run, pack, 0)
    remove_frames(run, pack, 0)
    shutil.rmtree(run / "checkpoints" / pack, ignore_errors=True)
    (run / "splits").mkdir(exist_ok=True)
    with replacing(run / "splits" / f"{pack}.json") as part:
        part.write_text(json.dumps({"into": [id_of_pack(first), id_of_pack(second)]}) + "\n")
    return id_of_pack(first), id_of_pack(second)


def times_halved(run: Path) -> dict[str, int]:
    """Depth of each half in the tree of halvings: 1 for half of a pack of the plan; those themselves are not in it."""
    parents = parents_of_halves(run)

    def depth(pack: str) -> int:
        return 1 + depth(parents[pack]) if pack in parents else 0

    return {pack: depth(pack) for pack in parents}


def parents_of_halves(run: Path) -> dict[str, str]:
    """The pack that each half was made of, by ids."""
    parents: dict[str, str] = {}
    for path in (run / "splits").glob("*.json"):
        parents.update(dict.fromkeys(json.loads(path.read_bytes())["into"], path.stem))
    return parents


def _parts(pack: str, trials: tuple[str, ...], splits: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if pack not in splits:
        yield pack, trials
        return
    for half in _halves(trials):
        yield from _parts(id_of_pack(half), half, splits)


def _halves(trials: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    middle = (len(trials) + 1) // 2
    return trials[:middle], trials[middle:]
