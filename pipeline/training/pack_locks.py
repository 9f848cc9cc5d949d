"""One process at a time trains a pack, on whatever machine, as long as the file system has locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.records.locks import locked
from pipeline.records.store import is_finished


@contextmanager
def holding(run: Path, pack_id: str, warn: Callable[[str], None]) -> Iterator[bool]:
    """Hold a pack, unless another process does; the system lets go of it however the process ends.

    Whoever was given the pack looks again whether it is finished: another may just have
    trained it. That is also why the file of the lock may go once the pack is finished and
    not before. A process that waits at a removed file and one that makes it anew can then
    both hold the pack, but both find nothing to do.

    Args:
        run: Folder of the run.
        pack_id: The pack.
        warn: Told if the file system has no locks; the pack is then given to everybody.

    Yields:
        Whether the pack may be trained here.

    Raises:
        PipelineError: If it cannot be known whether another process has it.
    """
    path = run / "locks" / f"{pack_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = locked(path, warn)
    if lock is None:
        yield False
        return
    with lock:
        try:
            yield True
        finally:
            if is_finished(run, pack_id):
                path.unlink(missing_ok=True)
