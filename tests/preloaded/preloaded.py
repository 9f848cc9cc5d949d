"""Commands of the command line in processes of their own, forked from one that has loaded the libraries already.

Loading PyTorch and Lightning costs seconds of a processor. A test that is not about how a command starts takes its
process from here: it has its own memory, arguments, environment, folder and pipes, is killed and waited for like any
other, and goes through the same code from ``python -m pipeline`` on. One whose environment changes what Python loads
(``PYTHONPATH``, an encoding) starts from nothing, with ``subprocess``.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

LIBRARIES = (
    "pipeline.cli",
    "pipeline.launch.state.status",
    "pipeline.launch.submit.planned_submissions",
    "pipeline.launch.submit.submission_plan",
    "pipeline.report.html.run_page",
    "pipeline.training.timing",
    "pipeline.training.run",
    "sklearn.datasets",
)
NUMBER = 4
"""Bytes of a number on the way back: first of the process, then how it ended."""


ENVIRONMENT = dict(os.environ)
"""In which the libraries are loaded, whatever test begins the first command."""


@functools.cache
def server() -> socket.socket:
    """The way to a process that has loaded the libraries, and forks a child for each command; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(command, env=ENVIRONMENT, pass_fds=[theirs.fileno()])

    @atexit.register
    def stop() -> None:
        ours.close()
        process.wait()

    return ours


def begin(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stderr: int = subprocess.PIPE,
    new_session: bool = False,
    program: str = "",
) -> Command:
    """Start ``python -m pipeline`` with some words, and go on; or a program in its place, as ``python -c`` would."""
    return Command(words, cwd, os.environ if env is None else env, stderr, new_session, program)


def run(
    *words: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 200
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m pipeline`` with some words to its end."""
    command = begin(*words, cwd=cwd, env=env)
    said, errors = command.communicate(timeout)
    return subprocess.CompletedProcess(["pipeline", *words], command.wait(timeout), said, errors)


class Command:
    """A command that runs: what is needed of ``subprocess.Popen``."""

    def __init__(
        self,
        words: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        stderr: int,
        new_session: bool,
        program: str = "",
    ) -> None:
        self.returncode: int | None = None
        self._pipes: list[BinaryIO] = []
        self._control, theirs = socket.socketpair()
        ends = [os.open(os.devnull, os.O_RDONLY), self._pipe()]
        ends.append(self._pipe() if stderr == subprocess.PIPE else os.dup(ends[-1]))
        asked = {"words": words, "cwd": str(cwd), "env": dict(env), "new_session": new_session}
        asked |= {"program": program}
        with theirs:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [*ends, theirs.fileno()]))
            server().sendmsg([json.dumps(asked).encode()], [rights])
        for end in ends:
            os.close(end)
        self.pid = self._told()

    def _pipe(self) -> int:
        """The end of a new pipe that the command writes to."""
        ours, theirs = os.pipe()
        self._pipes.append(os.fdopen(ours, "rb", buffering=0))
        return theirs

    def poll(self) -> int | None:
        """How it ended; ``None``: it runs."""
        return self.wait(0) if self.returncode is not None or select.select([self._control], [], [], 0)[0] else None

    def wait(self, timeout: float = 200) -> int:
        """How it ended, as soon as it has."""
        if self.returncode is None:
            if not select.select([self._control], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("pipeline", timeout)
            with self._control:
                self.returncode = self._told()
        return self.returncode

    def _told(self) -> int:
        number = self._control.recv(NUMBER)
        assert len(number) == NUMBER, "the process that forks commands is gone"
        return int.from_bytes(number, "little", signed=True)

    def line(self) -> str:
        """The next line that it says on standard error; nothing where it says no more."""
        return self._pipes[-1].readline().decode()

    def communicate(self, timeout: float = 200) -> tuple[str, str]:
        """What it said until it had ended."""
        end = time.monotonic() + timeout
        said: dict[BinaryIO, bytes] = dict.fromkeys(self._pipes, b"")
        left = {pipe for pipe in self._pipes if not pipe.closed}
        while left:
            ready = select.select(list(left), [], [], max(0.0, end - time.monotonic()))[0]
            if not ready:
                raise subprocess.TimeoutExpired("pipeline", timeout)
            for pipe in ready:
                part = pipe.read(1 << 16)
                said[pipe] += part
                if not part:
                    pipe.close()
                    left.remove(pipe)
        self.wait(max(0.0, end - time.monotonic()))
        words = [text.decode() for text in said.values()]
        return words[0], words[1] if len(words) > 1 else ""

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a word."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Hear nothing of it any more."""
        for pipe in self._pipes:
            pipe.close()


# The process that forks.


def serve(asked: socket.socket) -> None:
    """Fork a child for each command that is asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, meant for who asks
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing is left of a nurse that has ended
    while True:
        message, files, _, _ = socket.recv_fds(asked, 1 << 20, 4)
        if not message:
            return
        if os.fork() == 0:
            asked.close()
            attend(json.loads(message), files)
            return
        for file in files:
            os.close(file)


def attend(asked: dict, files: list[int]) -> None:
    """Fork a command and tell how it ends; in the child, become that command."""
    *ends, control = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        os.close(control)
        become(asked, ends)
    for end in ends:
        os.close(end)
    os.write(control, command.to_bytes(NUMBER, "little"))
    _, status = os.waitpid(command, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(control, code.to_bytes(NUMBER, "little", signed=True))
    os._exit(0)


def become(asked: dict, ends: list[int]) -> None:
    """Run a command in this process, from ``python -m pipeline`` to the end of Python."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["new_session"]:
        os.setsid()
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.path[0] = str(Path.cwd())
    sys.argv[1:] = asked["words"]
    if asked["program"]:
        exec(asked["program"], {"__name__": "__main__"})
    else:
        runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
    raise SystemExit(0)


if __name__ == "__main__":
    import gc
    import importlib

    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
