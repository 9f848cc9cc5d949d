"""``wandb sync`` as a child process: started, timed out, and ended if its parent is killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.durations import duration
from pipeline.records.atomic_writes import naming
from pipeline.tracking.wandb_files.client_log import errors_by_file

SYNC_TIMEOUT_SECONDS = 125.0
"""Timeout of the client for one run."""


def sync_file(file: Path, scratch: Path) -> str:
    """Send a transaction log by W&B's client.

    Args:
        file: The log.
        scratch: Folder of the client's files.

    Returns:
        What went wrong, in the server's words; empty if nothing did. That does not mean that the run has arrived:
        ``wandb sync`` 0.31.0 exits with 0 though every request was refused.
    """
    logs = scratch / "wandb" / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    words = ["sync", "--include-synced", str(file.resolve())]
    said = scratch / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "wandb", *words],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # no session: Linux would weigh it against a training beside it, whatever our nice
            preexec_fn=_end_with_parent,
        )
        write_sender(scratch.parent, process.pid)
        try:
            process.wait(SYNC_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            reason = errors_by_file(logs, [file]).get(file, "W&B has not said why")
            return f"{reason}; it took longer than {duration(SYNC_TIMEOUT_SECONDS)}, and was ended"
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        said_last = " ".join(said.read_text(errors="replace").split()[-60:])
        return f"wandb sync ends with {process.returncode}: {said_last}"
    return errors_by_file(logs, [file]).get(file, "")


# An orphan, which outlives the export that started it, would send the same rows beside the next export.


def _end_with_parent() -> None:
    """Have Linux kill this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def write_sender(folder: Path, pid: int) -> None:
    """Write down the process id of a sender and its host."""
    path = folder / "sender"
    with naming(path):
        path.write_text(f"{pid} {platform.node()}\n")


def end_orphaned_sender(folder: Path) -> None:
    """Kill a sender that an export left behind when it was killed, if it was on this machine."""
    path = folder / "sender"
    if not path.exists():
        return
    pid, _, host = path.read_text().strip().partition(" ")
    if host == platform.node():
        for process in _sending_for(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _sending_for(pid: str) -> Iterator[int]:
    """Process ids of the client with that id, and of the service process that it has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        service = any("wandb-core" in word for word in words[:1]) and f"--pid\0{pid}\0" in "\0".join(words)
        client = folder.name == pid and "wandb" in words and "sync" in words
        if service or client:
            yield int(folder.name)
