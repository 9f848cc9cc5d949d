"""Commands of the command line in processes of their own, forked from one that has loaded the libraries already.

Loading PyTorch and Lightning costs seconds of a processor. A test that is not about how a command starts takes its
process from here: it has its own memory, arguments, environment, folder and pipes, is killed and waited for like any
other, and goes through the same code from ``python -m pipeline`` on. One whose environment changes what Python loads
(``PYTHONPATH``, an encoding) starts from nothing, with ``subprocess``. A job of a scheduler is a process from here
where its profile says ``python: {job_python()}``; ``preloaded_job.py`` stands for it there.

All workers of pytest share the process that forks: the first that needs it starts it, and it ends when no process that
may ask has its connection open any more.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import fcntl
import functools
import json
import os
import pickle
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, NoReturn

LIBRARIES = (
    "pipeline.cli",
    "pipeline.launch.state.status",
    "pipeline.launch.submit.planned_submissions",
    "pipeline.launch.submit.submission_plan",
    "pipeline.launch.worker",
    "pipeline.report.html.run_page",
    "pipeline.training.followers",
    "pipeline.training.timing",
    "pipeline.training.run",
    "sklearn.datasets",
    "submitit.core.submission",
    "wandb.apis.public",
    "wandb.cli.beta",  # what wandb.cli.cli loads; it looks for a place for its log as it is loaded itself
    "wandb.cli.clean",
    "wandb.cli.leet",
    "wandb.proto.wandb_internal_pb2",
    "wandb.sdk.launch.sweeps",
    "wandb.sdk.wandb_sweep",
)
NUMBER = 4
"""Bytes of a number on the way back: first of the process, then how it ended."""
SOCKET = "socket"
LONGEST_PARENT = 50
"""Characters: the path of a socket has 107 at most."""

RUN = "TESTS_RUN"
"""The variable of the environment that names a run of pytest to all of its workers."""
TIMES_PACKS_ITSELF = "TIMES_PACKS_ITSELF"
"""The variable of the environment of a command that is not about pilots: it begins none, which would load the libraries
anew, and times packs in a thread of its own."""
ENVIRONMENT = dict(os.environ)
"""In which the libraries are loaded, whatever test begins the first command."""


@functools.cache
def server() -> socket.socket:
    """The way to a process that has loaded the libraries, and forks a child for each command."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with held(folder()) as place:
        try:
            connection.connect(str(place / SOCKET))
        except (FileNotFoundError, ConnectionRefusedError):
            # It is there as soon as this ends: what goes on is a child of it, which has loaded nothing yet.
            command = [sys.executable, __file__, str(place)]
            subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            connection.connect(str(place / SOCKET))
    atexit.register(connection.close)
    return connection


def folder() -> Path:
    """Where the socket lies: a folder of this user that the workers of one run of pytest, and nobody else, have."""
    parent = tempfile.gettempdir()
    run = os.environ.get(RUN, f"{os.getpid()}")
    return Path(parent if len(parent) < LONGEST_PARENT else "/tmp", f"preloaded-{run}")


@contextlib.contextmanager
def held(place: Path) -> Iterator[Path]:
    """Hold the lock of a folder, which is made if it is not there; whoever removes it holds the lock, too."""
    lock = locked(place)
    try:
        yield place
    finally:
        os.close(lock)


def locked(place: Path) -> int:
    """The lock of a folder that is there, as an open file."""
    while True:
        place.mkdir(mode=0o700, exist_ok=True)
        try:
            lock = os.open(place, os.O_RDONLY)
        except FileNotFoundError:  # it was removed just now
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists() and os.path.samestat(os.fstat(lock), place.stat()):
            assert place.stat().st_uid == os.getuid(), f"{place} is another user's"
            return lock
        os.close(lock)


def job_python() -> str:
    """The command that starts Python in a job, for ``cluster.python``: as ``python`` does, but from here."""
    server()
    stands_for_it = Path(__file__).with_name("preloaded_job.py")
    return shlex.join([sys.executable, "-IS", str(stands_for_it), str(folder() / SOCKET)])


def begin(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stderr: int = subprocess.PIPE,
    new_session: bool = False,
    program: str = "",
) -> Command:
    """Start ``python -m pipeline`` with some words, and go on; or a program in its place, as ``python -c`` would.

    What it says on standard error goes where subprocess would have it go: a pipe, the way of its output, or a file.
    """
    return Command(words, cwd, os.environ if env is None else env, stderr, new_session, program)


def run(
    *words: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 400
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
        ends.append(self._pipe() if stderr == subprocess.PIPE else os.dup(stderr if stderr >= 0 else ends[-1]))
        asked = {"words": words, "cwd": str(cwd), "env": dict(env), "new_session": new_session}
        asked |= {"program": program, "module": "pipeline"}
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

    def wait(self, timeout: float = 400) -> int:
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

    def communicate(self, timeout: float = 400) -> tuple[str, str]:
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
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and was reaped by who forked it
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a word."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Hear nothing of it any more."""
        for pipe in self._pipes:
            pipe.close()


# The process that forks.


def listening(place: Path) -> socket.socket:
    """Listen in a folder; who has asked for this process goes on, and a child of it serves."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (place / SOCKET).unlink(missing_ok=True)  # of one that was killed
    listener.bind(str(place / SOCKET))
    listener.listen(64)
    if os.fork():
        os._exit(0)
    os.setsid()  # the signals of a terminal are meant for who asks
    return listener


def serve(listener: socket.socket, place: Path) -> None:
    """Fork a child for each command that is asked for, until nobody is left who could ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing is left of a nurse that has ended
    asking: list[socket.socket] = []
    while asking or not abandoned(listener, place):
        for ready in select.select([listener, *asking], [], [])[0]:
            if ready is listener:
                asking.append(listener.accept()[0])
                continue
            message, files, _, _ = socket.recv_fds(ready, 1 << 20, 4)
            if not message:
                asking.remove(ready)
                ready.close()
            elif os.fork() == 0:
                for one in (listener, *asking):
                    one.close()
                attend(json.loads(message), files)
            for file in files:
                os.close(file)


def abandoned(listener: socket.socket, place: Path) -> bool:
    """Whether nobody is about to ask; then the folder is removed."""
    with held(place):  # who has started this process holds it until it has its connection
        if select.select([listener], [], [], 0)[0]:
            return False
        shutil.rmtree(place)
        return True


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
    if "leash" in asked:
        ended = os.pidfd_open(command)
        if ended not in select.select([ended, control], [], [])[0]:  # who stands for it was killed
            os.kill(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(control, code.to_bytes(NUMBER, "little", signed=True))
    os._exit(0)


def become(asked: dict, ends: list[int]) -> NoReturn:
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
    tempfile.tempdir = None  # as its environment says
    remake_client_folders(Path(sys.argv[1]))  # where they are removed even if this is killed
    sys.path[0] = str(Path.cwd())
    sys.argv[1:] = asked["words"]
    if "leash" in asked:
        os.umask(asked["umask"])
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(write_through=True)  # its -u
        customize()
    if TIMES_PACKS_ITSELF in os.environ:
        time_packs_here(setattr)
    try:
        if asked["program"]:
            exec(asked["program"], {"__name__": "__main__"})
        else:
            runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        end_at_once(end.code or 0)
    end_at_once()


def client_folders() -> tuple[tempfile.TemporaryDirectory[str], ...]:
    """The folders that W&B's client makes as it is loaded, and removes as its process ends."""
    from wandb.sdk.artifacts.artifact import Artifact
    from wandb.sdk.data_types._private import MEDIA_TMP

    return MEDIA_TMP, Artifact._TMP_DIR


def remake_client_folders(place: Path) -> None:
    """Give a process that was forked folders of its own, and leave those of its parent alone."""
    for folder in client_folders():
        folder._finalizer.detach()  # type: ignore[attr-defined]
        tempfile.TemporaryDirectory.__init__(folder, dir=place)


class PicklingThread(ThreadPoolExecutor):
    """A thread that is sent what a process could be sent."""

    def submit(self, function: Callable, /, *arguments: object) -> Future:
        pickle.loads(pickle.dumps((function, arguments)))
        return super().submit(function, *arguments)


def time_packs_here(change: Callable[[object, str, object], None]) -> None:
    """Have packs be timed in a thread of this process, by a function that sets an attribute of an object."""
    from pipeline.launch.cost import calibration

    change(calibration, "concurrent", SimpleNamespace(futures=SimpleNamespace(ProcessPoolExecutor=PicklingThread)))
    change(calibration, "multiprocessing", SimpleNamespace(get_context=lambda _: ""))


def end_at_once(code: int = 0) -> NoReturn:
    """End as Python does, but for its last step: it would take apart what was loaded before the fork.

    That copies all of its memory, and takes six times as long as most commands.
    """
    threading._shutdown()  # waits for those that are no daemons
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def customize() -> None:
    """What Python does as it starts: run the first ``sitecustomize.py`` on the path that it is given."""
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if (script := Path(entry, "sitecustomize.py")).exists():
            runpy.run_path(str(script))
            return


if __name__ == "__main__":
    import gc
    import importlib

    listener = listening(Path(sys.argv[1]))
    for library in LIBRARIES:
        importlib.import_module(library)
    for client_folder in client_folders():
        client_folder.cleanup()
    gc.freeze()
    serve(listener, Path(sys.argv[1]))
