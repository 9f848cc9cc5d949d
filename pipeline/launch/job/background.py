"""A background process beside a training: it has the lowest priority, and ends with the training.

``python -m pipeline.launch.job.background PARENT SECONDS WORD...`` becomes ``python WORD...``. It has a
process of its own so that the training, which may be large and hold threads, is not forked.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

LAST = 19
"""The nice value of a process that runs when nobody else wants to; the disk's queue goes by it too."""
PR_SET_PDEATHSIG = 1
"""Of ``prctl``: the signal that the kernel sends when the parent ends."""


def main(arguments: Sequence[str]) -> None:
    """Become a command that runs until its parent ends, or a number of seconds have passed."""
    parent, seconds, *words = arguments
    step_back()
    end_with(int(parent))
    signal.alarm(int(seconds))  # it outlives the exec, and nobody there waits for it: it ends the process
    os.execv(sys.executable, [sys.executable, *words])


def step_back() -> None:
    """Let all others go first, for the processors, the disk and the memory."""
    os.nice(LAST)
    with suppress(OSError):  # where there is such a thing; when memory is short, the kernel then ends this, not them
        Path("/proc/self/oom_score_adj").write_text("1000")


def end_with(parent: int) -> None:
    """End when the parent does, however it ends; Linux alone can promise that."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the training that this was started by has ended")


if __name__ == "__main__":
    main(sys.argv[1:])
