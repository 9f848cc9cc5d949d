"""Locks on files: held by one process at a time, and let go of however it ends."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

EXPORT = Path("wandb") / "lock"
"""In the folder of a run: held by who exports it to W&B, and touched when that begins."""

NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What the system says where the file system has no locks: Lustre mounted without flock, some network folders."""


def locked(file: IO, warn: Callable[[str], None]) -> bool:
    """Lock a file until it is closed, without waiting; false if another process has it, true where nobody can."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        warn(f"the file system of {Path(file.name).parent} has no locks: start nothing twice in this run")
    return True
