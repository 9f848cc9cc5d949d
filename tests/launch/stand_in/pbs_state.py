"""What the stand-in for a PBS server knows, in one file that its commands and its server share."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = "pbs01"
Job = dict[str, Any]


@contextmanager
def opened(folder: Path) -> Iterator[dict[str, Any]]:
    """The state of the server, for one process at a time; changes are kept."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "state.json"
        state = json.loads(path.read_text()) if path.exists() else {"next": 1, "jobs": {}}
        before = json.dumps(state)
        yield state
        if (after := json.dumps(state)) != before:
            part = path.with_suffix(".part")
            part.write_text(after)
            part.replace(path)


def switches(folder: Path) -> dict[str, Any]:
    """What is out of order or set otherwise than usual."""
    path = folder / "switches.json"
    return json.loads(path.read_text()) if path.exists() else {}


def stamp(seconds: float | None = None) -> str:
    return time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(seconds))


def short_stamp() -> str:
    return time.strftime("%a %b %d at %H:%M")


def host() -> str:
    return socket.gethostname().split(".")[0]


def own_jobs(folder: Path) -> list[str]:
    with opened(folder) as state:
        return list(state["jobs"])


def root_of(id_: str) -> str:
    """The array that a subjob is of."""
    number = id_.split("[")[0].split(".")[0]
    return f"{number}[].{SERVER}" if "[" in id_ else id_


def is_parent(id_: str) -> bool:
    return "[]" in id_


def here(argv0: str) -> Path:
    """The folder of the state, given to every command by its environment or its place."""
    return Path(os.environ.get("FAKE_PBS", Path(argv0).parent.parent))
