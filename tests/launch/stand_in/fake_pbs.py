"""A stand-in for PBS Pro: commands on the PATH that answer as a real server does, and really run the jobs.

>>> pbs = start_pbs(tmp_path, monkeypatch)
>>> pbs.set(qstat="refused")
>>> pbs.stop()
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pbs_state import opened, own_jobs, switches

HERE = Path(__file__).parent


class FakePbs:
    """A running stand-in.

    Args:
        folder: Where it keeps its state.
        home: Home directory of the jobs.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        (folder / "spool").mkdir()
        command = [sys.executable, "-S", str(HERE / "pbs_server.py"), str(folder)]
        self.server = subprocess.Popen(command, env={**os.environ, "HOME": str(home)})

    def set(self, **values: Any) -> None:
        """Put something out of order, or otherwise than usual; None puts it back.

        ``qstat``: refused, slow, empty, quotes, number, function, first (the last four: JSON gone wrong).
        ``json``: tabs, as builds from after 23.06.06 print it. ``listed``: False, as after ``qterm -t immediate`` and
        a start: ``qstat -t`` shows no subjob that runs, and arrays stay B. ``qsub``: refused. ``version``: old (no
        ``%`` in ``-J``, subjobs stay X). ``history``: False. ``no_exit_status``: True. ``slots``: jobs at a time (4).
        ``max_array_size`` (10000). ``cuda_visible_devices``: what a site's hook sets. ``late``: seconds after which a
        walltime is enforced. ``kill_after``: seconds from SIGTERM to SIGKILL (3). ``exiting``: seconds of state E.
        ``noise``: what the login shell prints. ``over_memory``: ids of jobs that are killed for their memory.
        """
        part = self.folder / "switches.part"
        part.write_text(json.dumps({**switches(self.folder), **values}))
        part.replace(self.folder / "switches.json")

    def rerun(self, id_: str) -> None:
        """What an operator's ``qrerun`` does, and the server itself when a node goes away."""
        with opened(self.folder) as state:
            state["jobs"][id_]["_again"] = "asked"

    def jobs(self) -> list[str]:
        """Full ids of all that the server knows."""
        return own_jobs(self.folder)

    def calls(self) -> list[list[str]]:
        """Every PBS command that was run."""
        path = self.folder / "calls"
        return [shlex.split(line) for line in path.read_text().splitlines()] if path.exists() else []

    def stop(self) -> None:
        """End the server and all its jobs."""
        self.server.terminate()
        self.server.wait(200)


def start_pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePbs:
    """Start a stand-in and put its commands first on the PATH; the caller stops it."""
    folder = Path(tempfile.mkdtemp(prefix="pbs-", dir=tmp_path))
    home = folder / "home"
    binaries = folder / "bin"
    home.mkdir()
    binaries.mkdir()
    for name in ("qsub", "qstat", "qselect", "qdel", "qsig"):
        script = binaries / name
        call = f"{shlex.quote(sys.executable)} -S {shlex.quote(str(HERE / 'pbs_commands.py'))} {name}"
        script.write_text(
            f'#!/bin/bash\necho {name} "${{@@Q}}" >>{shlex.quote(str(folder / "calls"))}\n'
            f'FAKE_PBS={shlex.quote(str(folder))} exec {call} "$@"\n'
        )
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    return FakePbs(folder, home)


def wait_for(condition: Callable[[], Any], seconds: float = 200.0, every: float = 0.1) -> Any:
    """What a condition gives as soon as it is true.

    Args:
        condition: What is asked.
        seconds: How long it may take.
        every: Seconds between two looks.

    Raises:
        TimeoutError: If it does not become true.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(every)
    return value
