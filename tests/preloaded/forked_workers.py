"""``pytest --workers 4``: the tests are shared by processes that are forked when all of them are collected.

What takes a process most of its start is so done once: PyTorch is loaded, and 16,000 tests are found. A worker runs a
file of tests from beginning to end, then asks for the next. It tells the first process of every report, which goes
through the same hooks there as in a run without workers: what is printed, counted and kept is made there alone.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, NoReturn

import pytest
from preloaded import RUN, remake_client_folders

OF_POLARS = {"jemalloc_bg_thd", "polars-ooc-clea"}
"""Names of threads that Polars starts as it is imported; a process that is forked does without them."""
SHARED = pytest.StashKey[Path]()
TOGETHER = pytest.StashKey[str]()
"""Tests with the same word here are run by one worker, whatever files they are from: they share what is begun once."""
PATIENCE = 60.0
"""Seconds that a worker has to end what it began when the run is given up."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=0, help="processes that share the tests, a file at a time; 0: none")


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of this run have in common."""
    return request.config.stash.get(SHARED, None) or tmp_path_factory.getbasetemp()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.workers and not config.option.collectonly:
        config.pluginmanager.register(Forking())


class Forking:
    """What is done where there are workers."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See to it that there are no threads at the fork: a child has none of them, but the locks that they hold."""
        if threads := other_threads() - OF_POLARS:
            raise pytest.UsageError(f"{report.nodeid} starts threads as it is imported: {', '.join(sorted(threads))}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None  # pytest's own loop says so
        Workers(session).run()
        return True


def together(item: pytest.Item) -> str | Path:
    """What one worker runs from beginning to end: a file, or files that belong together."""
    return item.stash.get(TOGETHER, item.path)


def other_threads() -> set[str]:
    """The names of the threads of this process, but the first; none where the system does not say."""
    tasks = [task for task in Path("/proc/self/task").glob("*") if task.name != f"{os.getpid()}"]
    return {(task / "comm").read_text().strip() for task in tasks}


@dataclass
class Worker:
    """A process that runs tests, as the first process sees it."""

    pid: int
    connection: Connection
    left: deque[int] = field(default_factory=deque)
    """Numbers of the tests that it was given, those first that it has not begun or not ended."""
    ended: bool = False
    reaped: bool = False


class Workers:
    """The first process: gives each worker one file after another, and hears what becomes of the tests."""

    def __init__(self, session: pytest.Session) -> None:
        self.session, self.hook = session, session.config.hook
        of_one_worker = groupby(range(len(session.items)), lambda number: together(session.items[number]))
        self.files = deque(list(numbers) for _, numbers in of_one_worker)
        self.workers: dict[Connection, Worker] = {}
        self.num_begun = 0
        factory: pytest.TempPathFactory = session.config._tmp_path_factory
        session.config.stash[SHARED] = factory.getbasetemp()
        os.environ[RUN] = f"{os.getpid()}"

    def run(self) -> None:
        """Have all tests run."""
        gc.freeze()  # what is there already no worker looks through, which would copy it
        try:
            for _ in range(min(self.session.config.option.workers, len(self.files))):
                self.begin()
            while self.workers:
                for connection in wait(list(self.workers), timeout=1):
                    self.hear(self.workers[connection])
                self.find_killed()
        finally:
            self.give_up()
            gc.unfreeze()  # Hypothesis, which pytest loads in the end, looks for what refers to an object

    def begin(self) -> None:
        """Fork a worker."""
        ours, theirs = Pipe()
        self.session.config.get_terminal_writer().flush()
        self.num_begun += 1
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child has a handler of its own
        pid = os.fork()
        if pid == 0:
            for connection in (ours, *self.workers):
                connection.close()
            become_worker(self.session, theirs, self.num_begun)
        theirs.close()
        self.workers[ours] = Worker(pid, ours)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def hear(self, worker: Worker) -> None:
        """Take what a worker says."""
        try:
            word, what = worker.connection.recv()
        except (EOFError, OSError):  # it is gone
            self.bury(worker)
            return
        getattr(self, f"on_{word}")(worker, what)

    # What a worker may say.

    def on_next(self, worker: Worker, _: None) -> None:
        """It has run all it was given."""
        worker.left.extend(self.files.popleft() if self.files else ())
        worker.connection.send(list(worker.left))

    def on_start(self, worker: Worker, _: None) -> None:
        item = self.session.items[worker.left[0]]
        self.hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)

    def on_report(self, worker: Worker, data: dict[str, Any]) -> None:
        report = self.hook.pytest_report_from_serializable(config=self.session.config, data=data)
        self.hook.pytest_runtest_logreport(report=report)

    def on_finish(self, worker: Worker, _: None) -> None:
        item = self.session.items[worker.left.popleft()]
        self.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        self.stop_if_asked()

    def on_warning(self, worker: Worker, recorded: dict[str, Any]) -> None:
        self.hook.pytest_warning_recorded.call_historic(kwargs=recorded)

    def on_exit(self, worker: Worker, why: str) -> None:
        """A test has called ``pytest.exit``."""
        pytest.exit(why)

    def on_end(self, worker: Worker, _: None) -> None:
        worker.ended = True
        self.bury(worker)

    # How workers end.

    def stop_if_asked(self) -> None:
        """End as pytest's own loop does, as after the first failure."""
        if self.session.shouldfail:
            raise self.session.Failed(self.session.shouldfail)
        if self.session.shouldstop:
            raise self.session.Interrupted(self.session.shouldstop)

    def find_killed(self) -> None:
        """Find workers that were killed while a process that they had started keeps their connection open."""
        for worker in list(self.workers.values()):
            worker.reaped = worker.reaped or os.waitpid(worker.pid, os.WNOHANG)[0] != 0
            if worker.reaped and not worker.connection.poll():
                self.bury(worker)

    def bury(self, worker: Worker) -> None:
        """Let go of a worker that has ended; the test that ended it has failed, another takes those after it."""
        del self.workers[worker.connection]
        worker.connection.close()
        if not worker.reaped:
            os.waitpid(worker.pid, 0)
        if worker.ended:
            return
        if worker.left:
            self.report_crash(worker.left.popleft())
        if worker.left:
            self.files.appendleft(list(worker.left))
        if self.files:
            self.begin()

    def report_crash(self, number: int) -> None:
        """Report that a test has ended the process that ran it."""
        item = self.session.items[number]
        why = "the worker that ran this test has ended without a word"
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", why, "call")
        self.hook.pytest_runtest_logreport(report=report)
        self.stop_if_asked()

    def give_up(self) -> None:
        """End the workers that are left, as after Ctrl-C or the first failure."""
        for worker in self.workers.values():
            os.kill(worker.pid, signal.SIGINT)
            worker.connection.close()
        end = time.monotonic() + PATIENCE
        for worker in self.workers.values():
            while not worker.reaped and not os.waitpid(worker.pid, os.WNOHANG)[0]:
                if time.monotonic() > end:
                    os.kill(worker.pid, signal.SIGKILL)
                time.sleep(0.02)


# The other side.


def become_worker(session: pytest.Session, connection: Connection, number: int) -> NoReturn:
    """Run tests in this process, which was forked just now and is not yet interrupted, until there are no more."""
    config = session.config
    config.pluginmanager.unregister(name="terminalreporter")
    teller = Teller(config, connection)
    config.pluginmanager.register(teller)  # is told at once of every warning up to now, which the first process knows
    teller.listens = True
    recapture(config)
    config.option.basetemp = str(config.stash[SHARED] / f"worker{number}")
    config._tmp_path_factory = pytest.TempPathFactory.from_config(config, _ispytest=True)
    if "wandb" in sys.modules:
        remake_client_folders(config._tmp_path_factory.getbasetemp())
    try:
        signal.signal(signal.SIGINT, interrupted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        try:
            for file in files_from(connection):
                run_file(session, file)
        finally:
            session._setupstate.teardown_exact(None)  # the fixtures of the whole run
        connection.send(("end", None))
    except pytest.exit.Exception as why:
        connection.send(("exit", str(why)))
    except (KeyboardInterrupt, ConnectionError, EOFError):  # the run was given up
        pass
    except BaseException:
        sys.excepthook(*sys.exc_info())
        end_at_once(1)
    end_at_once()


def interrupted(number: int, _: object) -> NoReturn:
    """Give up, once: the signals that come after it do not disturb the end of fixtures."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def recapture(config: pytest.Config) -> None:
    """Capture output in a file of this process, not in that of the first one."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()


def files_from(connection: Connection) -> Iterator[list[int]]:
    """The numbers of the tests of one file after another."""
    while True:
        connection.send(("next", None))
        if not (file := connection.recv()):
            return
        yield file


def run_file(session: pytest.Session, numbers: list[int]) -> None:
    """Run the tests of a file; what holds for all files, the session, stays as it is."""
    items = [session.items[number] for number in numbers]
    for item, following in zip(items, [*items[1:], session], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class Teller:
    """Tells the first process what pytest tells its plugins here."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self.config, self.connection, self.listens = config, connection, False

    def pytest_runtest_logstart(self) -> None:
        self.connection.send(("start", None))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.connection.send(("report", data))

    def pytest_runtest_logfinish(self) -> None:
        self.connection.send(("finish", None))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        if not self.listens:
            return
        said = warnings.WarningMessage(  # without its source, which no other process can have
            f"{warning_message.category.__name__}: {warning_message.message}",
            Warning,
            warning_message.filename,
            warning_message.lineno,
        )
        recorded = {"warning_message": said, "when": when, "nodeid": nodeid, "location": location}
        self.connection.send(("warning", recorded))


def end_at_once(code: int = 0) -> NoReturn:
    """End without taking apart what was loaded before the fork, as ``preloaded`` does."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
