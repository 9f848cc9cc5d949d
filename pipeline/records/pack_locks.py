"""Lock of a pack: one process at a time trains it, on whatever machine, where the file system has locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.records.locks import locked
from pipeline.records.store import is_finished


@contextmanager
def pack_lock(run: Path, pack_id: str, warn: Callable[[str], None]) -> Iterator[bool]:
    """Hold the lock of a pack, unless another process does; the system releases it however the process ends.

    Who gets the lock looks again whether the pack is finished: another may just have
    trained it. That is also why the file of the lock may be removed once the pack is
    finished and not before: a process that waits at a removed file and one that makes it
    anew can then both hold the lock, but both find nothing to do.

    Args:
        run: Folder of the run.
        pack_id: The pack.
        warn: Called with a text if the file system has no locks; everybody then gets the lock.

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
