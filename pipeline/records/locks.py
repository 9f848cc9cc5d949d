"""File locks: held by one process at a time, and released by the system however that process ends."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pipeline.errors import ENOTSUPP, PipelineError, reason_of

EXPORT = Path("wandb") / "lock"
"""In the folder of a run: held by who exports it to W&B, and touched when that begins."""

NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, ENOTSUPP, errno.EINVAL})
"""What the system says where the file system has no locks.

ENOSYS: Lustre mounted without flock. ENOLCK: NFS whose server runs no lock daemon. EOPNOTSUPP and ENOTSUPP: Cray DVS,
autofs. EINVAL: what is asked for is always the same and valid, so it is the file system that does not know it.
"""

TRIES = 3
"""How often a file is opened anew when its lock fails: after its server was restarted, or the file was replaced on
another node (ESTALE), what was opened before is of no use, and the same name is.
"""

HINTS = {
    errno.EACCES: "another process may hold it (network folders of Windows say so), or your rights on it are too few",
    errno.EPERM: "look at your rights on it",
}
TROUBLE = "the file system or its server is in trouble; once it is well again the same command goes on"


def locked(path: Path, warn: Callable[[str], None]) -> IO[str] | None:
    """Open a file and take an exclusive lock on it until it is closed, without waiting: ``flock`` with ``LOCK_NB``.

    Args:
        path: The file; made if it is not there.
        warn: Called with a sentence if the file system has no locks; everybody then gets the file.

    Returns:
        The open file; none if another process has it.

    Raises:
        PipelineError: If it cannot be known whether another process has it.
        OSError: If the file cannot be opened.
    """
    for _ in range(TRIES):
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in NO_LOCKS:
                warn(f"the file system of {path.parent} has no locks: start nothing twice in this run")
                return file
            file.close()
            if isinstance(error, BlockingIOError):
                return None
            failure = error
        else:
            return file
    what = f"cannot be locked: {reason_of(failure).lower()}"
    raise PipelineError(what, where=str(path), hint=HINTS.get(failure.errno or 0, TROUBLE))


def has_locks(folder: Path) -> bool:
    """Whether the file system of a folder has locks.

    Args:
        folder: A folder that may be written to.

    Returns:
        Whether what one process holds, another does not get.

    Raises:
        PipelineError: If it cannot be known.
        OSError: If the folder cannot be written to.
    """
    warnings: list[str] = []
    file = locked(folder / ".lock", warnings.append)
    if file is not None:
        file.close()
    return not warnings
