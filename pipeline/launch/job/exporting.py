"""Export to W&B while a job trains: now and then it starts ``sync`` in the background, and never waits for it.

The training neither knows nor cares what becomes of it: it is another process, which runs when
nobody else wants to, is ended when it takes too long or the job ends, and leaves what it has not
sent to the next one. That no two are at work in one run is a matter of the lock that ``sync`` holds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.launch.notes.exit_reasons import tail
from pipeline.records.locks import EXPORT, locked

EXIT_UNREACHABLE = 3
"""Exit code of ``sync --online`` where W&B cannot be written to from here, now or later."""

LIMIT_SECONDS = 1800
"""How long one export may take; beside a training that keeps every processor busy it gets a few percent of one."""
SECONDS_BETWEEN = 60.0
"""The least time between the begin of one export and that of the next, whichever jobs of the run start them."""
REST = 10
"""An export is followed by a rest N times as long: what it costs is a small part of the job's time."""
LAST_SECONDS = 60.0
"""How long a job that has trained everything may stay for what is not on W&B yet."""

CODE = Path(__file__).parents[3]
"""Folder of the code that this process runs: in a job, the snapshot."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "GOMAXPROCS")
"""Variables that say how many threads a library may have."""


@dataclass
class Exporter:
    """Exports what a job has finished, one process at a time.

    Nothing that goes wrong here is raised: the job says it in one line of its log.

    Args:
        run: Folder of the run.
        log: What the last export has said.
        wanted: Whether there is anything to do at all.
        limit_seconds: How long one export may take.
    """

    run: Path
    log: Path
    wanted: bool
    limit_seconds: int = LIMIT_SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _news: bool = field(default=False, init=False)
    _began: float = field(default=0.0, init=False)
    _next: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    def pack_finished(self) -> None:
        """Take note that there is something new."""
        self._news = True
        self.look()

    def look(self) -> None:
        """Start an export if there is something new, none is at work, and the last one is long enough ago."""
        if not self.wanted:
            return
        try:
            if self._process is not None:
                self._take_note()
            if self._process is None and self._news and time.monotonic() >= self._next and self._free(SECONDS_BETWEEN):
                self._start()
        except (OSError, PipelineError) as error:
            self._give_up(str(error).splitlines()[0])

    def leave(self, seconds: float, hurry: Callable[[], bool]) -> None:
        """Give what is not on W&B yet a little time, and end what is still at work then.

        Args:
            seconds: How long.
            hurry: Whether the job has to end now.
        """
        until = time.monotonic() + seconds
        last = False
        try:
            while self.wanted and time.monotonic() < until and not hurry():
                if self._process is not None:
                    self._take_note()
                elif last or not self._news:
                    break
                elif last := self._free(0.0):
                    self._start()
                time.sleep(0.1)
        except (OSError, PipelineError) as error:
            self._give_up(str(error).splitlines()[0])
        if self.wanted and (self._process is not None or self._news):
            self._say(f"not all is on W&B yet; python -m pipeline sync {self.run} sends what no other job does")
        self.end()

    def end(self) -> None:
        """End an export that is at work; the kernel ends what that has started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # what some systems say of a group that has just ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _free(self, seconds: float) -> bool:
        """Whether nobody exports this run, and nobody began to in the last seconds."""
        path = self.run / EXPORT
        if not path.exists():
            return True
        if 0 <= time.time() - path.stat().st_mtime < seconds:  # each export touches it when it begins
            return False
        lock = locked(path, self._give_up)
        if lock is None:
            return False
        lock.close()
        return self.wanted

    def _start(self) -> None:
        words = ["-m", "pipeline", "sync", str(self.run.resolve()), "--online"]
        command = [
            sys.executable,
            "-m",
            "pipeline.launch.job.background",
            str(os.getpid()),
            str(self.limit_seconds),
            *words,
        ]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=CODE,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group to end it by, but no session: Linux weighs sessions before it weighs what is in them.
                process_group=0,
            )
        self._began, self._news = time.monotonic(), False
        self._say(f"what is finished goes to W&B, and what that says to {self.log}")

    def _take_note(self) -> None:
        """If the export at work has ended, say what went wrong, and let it rest."""
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return
        self._process = None
        now = time.monotonic()
        self._failures = self._failures + 1 if code else 0
        self._next = now + max(SECONDS_BETWEEN, REST * (now - self._began)) * 2**self._failures
        if code:
            self._news = True
            (self._give_up if code == EXIT_UNREACHABLE else self._complain)(self._words(code))

    def _words(self, code: int) -> str:
        """The error of an export in one line."""
        if code == -signal.SIGALRM:
            return f"it took longer than {self.limit_seconds} s"
        said = [line.strip() for line in tail(self.log).splitlines() if line.strip() and "hint:" not in line]
        return said[-1] if said else f"sync ended with {code} and without a word"

    def _complain(self, what: str) -> None:
        self._say(f"not everything is on W&B: {what}")

    def _give_up(self, what: str) -> None:
        """Leave it to somebody else: from here it will not go."""
        self.wanted = False
        self._say(f"nothing more goes to W&B from here: {what}; python -m pipeline sync {self.run} sends it elsewhere")

    def _say(self, text: str) -> None:
        """Say something once; a log that cannot be written is no reason to stop a training."""
        if text not in self._said:
            self._said.add(text)
            try:
                print(text, flush=True)
            except OSError:
                self.wanted = False


def environment() -> dict[str, str]:
    """Variables of an export: those of the job, the key among them if it is there, one thread, and no GPU."""
    path = os.pathsep.join(part for part in (str(CODE), os.environ.get("PYTHONPATH", "")) if part)
    return os.environ | dict.fromkeys(THREADS, "1") | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path}
