"""Jobs bring what they finish to W&B and never wait for it: real workers, the real client, a server on this machine."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import polars as pl
import pytest
from recorded_run import write_run
from wandb_server import WandbServer
from wandb_state import ENTITY, KEY, Fault

from pipeline.config import read_experiment
from pipeline.launch.job.attempt_log import AttemptLog
from pipeline.launch.job.exporting import Exporter
from pipeline.launch.notes.attempts import Attempt, read_attempts
from pipeline.launch.notes.submission import Submission, folder_of, read_submissions
from pipeline.launch.state.logs import logs_of
from pipeline.launch.worker import exporter_of
from pipeline.plans import make_plan, write_plan
from pipeline.records.locks import EXPORT
from pipeline.records.store import read_outcomes, read_records
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

ROOT = Path(__file__).parents[3]
SMALL = """question: Does it arrive from a job?
target: sine
inputs: {train: 16, test: 16}
models: [shallow, {linear: {basis: cosine}}]
widths: [2, 3]
learning_rates: [0.01, 0.02]
steps: 20
seeds: 1
dtype: float64
record_at: [0, 10, 20]
accelerator: cpu
"""
TRIALS = 8
PATIENCE = 600.0
"""How long something may take that runs after all others, when all processors are busy with other tests."""
FOREVER = 100_000
A_MOMENT = 200.0
"""How long starting and ending a process may take on a busy machine: nothing beside the half hour of an export."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A server, whose address is in the environment and whose key is in ``.netrc``."""
    one = WandbServer()
    one.start()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_BASE_URL", one.url)
    monkeypatch.setenv("WANDB_HTTP_TIMEOUT", str(FOREVER))
    monkeypatch.setenv("WANDB__FILE_STREAM_TIMEOUT_SECONDS", str(FOREVER))
    monkeypatch.setenv("WANDB__FILE_STREAM_TRANSMIT_INTERVAL", "0.1")
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1:{one.port}\n  login user\n  password {KEY}\n")
    netrc.chmod(0o600)
    yield one
    one.leave()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    write_run(folder)
    (folder / "report.html").write_text("<p>the report</p>")
    return folder


@pytest.fixture
def exporter(run: Path) -> Iterator[Exporter]:
    one = Exporter(run, run / "jobs" / "wandb_log.out", wanted=True)
    yield one
    one.end()


@pytest.fixture
def jobs(tmp_path: Path, server: WandbServer) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    made.leave()


class Jobs:
    """Runs that are sent to this machine, each as one job of two workers.

    The last pack is held back, as another job would that trains it, so that the first worker stays.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[Path, IO[str]] = {}
        (folder / "small.yaml").write_text(SMALL)
        self.plan = make_plan("arrives", read_experiment(folder / "small.yaml"))

    def hold(self, name: str) -> Path:
        """A run of which one pack is held back."""
        run = self.folder / name
        write_plan(self.plan, run)
        (run / "locks").mkdir()
        self.held[run] = (run / "locks" / f"{self.plan.packs[-1].id}.lock").open("a")
        fcntl.flock(self.held[run], fcntl.LOCK_EX)
        (run / "report.html").write_text("<p>the report</p>")
        os.utime(run / "report.html", (time.time() + 1e5, time.time() + 1e5))  # no figures are drawn for a test
        return run

    def send(self, name: str, *changes: str) -> None:
        """Send a run with some changes of the profile, as submit does once it knows what packs take."""
        command = [sys.executable, "-c", SEND, name, *changes]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=self.folder, env=environment, check=True, timeout=PATIENCE)

    def first_worker(self, run: Path) -> int:
        """The process that exports what the job finishes."""
        (export,) = alive("-m pipeline sync", str(run))
        return int(Path(f"/proc/{export}/stat").read_text().rpartition(")")[2].split()[1])

    def leave(self) -> None:
        """End what is still there."""
        for run, lock in self.held.items():
            lock.close()
            for pid in alive("submitit", str(run)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


SEND = """
import sys
from pathlib import Path
from pipeline.config import read_experiment
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import read_cluster
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.launch.notes.submission import next_name
from pipeline.launch.submit.sending import send
from pipeline.plans import read_plan

run, cluster = Path(sys.argv[1]), read_cluster("local", sys.argv[2:])
request = SubmissionRequest(cluster, {pack.id: 1.0 for pack in read_plan(run).packs}, {})
list(send(run, plan_submissions(request, "", next_name(run)), cluster, Parallel(), print))
"""
TWO = "gpus=2"
"""A worker for each; that there are none does not matter to an experiment that wants the processor."""


def wait_for(ready: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.2)


def alive(*words: str) -> list[int]:
    """Processes with some words in what they were started with; those that only wait to be reaped have none.

    One that is just becoming another program has none either: wait for what has been started.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            started = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if all(word in started for word in words):
            found.append(int(folder.name))
    return found


def ended(run: Path) -> list[str]:
    return [attempt.end for attempt in read_attempts(run) if attempt.ended_at is not None]


def test_what_a_job_finishes_arrives_while_it_trains_and_its_numbers_are_those_of_a_run_without(
    jobs: Jobs, server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    (jobs.folder / ".netrc").unlink()
    run, here = jobs.hold("run"), jobs.folder / "here"
    jobs.send("run", TWO, "wandb=online", "wandb_project=sweeps")
    (sent,) = read_submissions(run)
    log = folder_of(run, sent.name) / f"{sent.job}_0_wandb_log.out"
    wait_for(lambda: log.exists() and "runs are on W&B (lab/sweeps), each verified" in log.read_text())
    assert len(ended(run)) < 2, "the first worker is still at work"
    assert {place[:2] for place in server.runs} == {(ENTITY, "sweeps")}
    there = {stored.config["trial"]["value"]: stored for stored in server.runs.values() if stored.history}
    assert there
    rows = dict(read_records(run).group_by("trial").agg(pl.col("step").n_unique()).iter_rows())
    assert {trial: len(stored.history) for trial, stored in there.items()} == {trial: rows[trial] for trial in there}
    assert {stored.state for stored in server.runs.values()} == {"finished"}
    jobs.held[run].close()
    wait_for(lambda: ended(run) == ["finished"] * 2)
    assert log in logs_of(run, [sent], str(sent.job))
    assert str(log) in log.with_name(f"{sent.job}_0_log.out").read_text()
    run_plan(jobs.plan, here, TrainingProgress(io.StringIO()))
    order = ["trial", "step", "diagnostic"]
    assert read_records(run).sort(order).equals(read_records(here).sort(order))
    assert not [path for path in run.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_server_that_does_not_answer_holds_up_no_training_and_no_export_outlives_its_job(
    jobs: Jobs, server: WandbServer
) -> None:
    server.faults = [Fault("file_stream", "slow", seconds=FOREVER)]
    run = jobs.hold("run")
    jobs.send("run", TWO, "wandb=online")
    wait_for(lambda: "file_stream" in server.requests and read_outcomes(run).height == TRIALS - 2)
    worker = jobs.first_worker(run)
    assert {os.getsid(pid) for pid in alive("sync", str(run))} == {os.getsid(worker)}, "or nice would mean nothing"
    jobs.held[run].close()
    wait_for(lambda: ended(run) == ["finished"] * 2)
    assert read_outcomes(run)["status"].to_list() == ["done"] * TRIALS
    with suppress(ProcessLookupError):  # it may have had enough of waiting by itself
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not alive("sync", str(run)))


def test_no_export_is_waited_for_and_none_outlives_its_job(run: Path, server: WandbServer, exporter: Exporter) -> None:
    """The server never answers: whoever waited for it would be here until the time limit of an export."""
    server.faults = [Fault("any", "slow", seconds=FOREVER)]
    began = time.monotonic()
    for _ in range(100):
        exporter.pack_finished()
    wait_for(lambda: len(alive("-m pipeline sync", str(run))) == 1, A_MOMENT)
    exporter.pack_finished()
    wait_for(lambda: len(alive("-m pipeline sync", str(run))) == 1, A_MOMENT)
    exporter.leave(0.5, hurry=lambda: False)
    assert 0.5 < time.monotonic() - began < 2 * A_MOMENT
    assert not alive("sync", str(run))


def test_a_job_that_has_to_end_now_does_not_stay(run: Path, server: WandbServer, exporter: Exporter) -> None:
    exporter.pack_finished()
    began = time.monotonic()
    exporter.leave(FOREVER, hurry=lambda: True)
    assert time.monotonic() - began < A_MOMENT
    assert not alive("sync", str(run))


def test_an_export_that_takes_too_long_is_ended_and_rests(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = [Fault("any", "slow", seconds=FOREVER)]
    exporter = Exporter(run, run / "wandb_log.out", wanted=True, limit_seconds=1)
    said = said_until("not everything is on W&B: ", exporter, capsys)
    assert said[-1] == "not everything is on W&B: it took longer than 1 s"
    exporter.pack_finished()
    assert not alive("sync", str(run))


def test_a_job_without_a_key_says_so_once_and_tries_no_more(
    run: Path, server: WandbServer, exporter: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.parent / ".netrc").unlink()
    said = said_until("nothing more goes to W&B from here: ", exporter, capsys)
    exporter.pack_finished()
    exporter.leave(FOREVER, hurry=lambda: False)
    assert said[1:] == [
        "nothing more goes to W&B from here: there is no key for W&B here: wandb login, or WANDB_API_KEY; "
        f"python -m pipeline sync {run} sends it elsewhere"
    ]
    assert not capsys.readouterr().out
    assert not alive("sync", str(run))
    assert [path.name for path in (run / "wandb").iterdir()] == ["lock"]


def said_until(words: str, exporter: Exporter, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is said from the end of a pack until some words fall."""
    said: list[str] = []
    exporter.pack_finished()

    def fell() -> bool:
        exporter.look()
        said.extend(capsys.readouterr().out.splitlines())
        return any(words in line for line in said)

    wait_for(fell)
    return said


def test_one_export_at_a_time_and_not_too_often_whoever_starts_it(
    run: Path, server: WandbServer, exporter: Exporter
) -> None:
    lock = run / EXPORT
    lock.parent.mkdir()
    lock.touch()
    exporter.pack_finished()
    assert not alive("sync", str(run)), "one has just begun elsewhere"
    os.utime(lock, (0, 0))
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        exporter.pack_finished()
        exporter.leave(0.3, hurry=lambda: False)
    assert not alive("sync", str(run)), "one is at work"
    exporter.look()
    wait_for(lambda: alive("sync", str(run)), A_MOMENT)


@pytest.mark.parametrize(
    "number, where, why",
    [(errno.EIO, "{}/lock:", "cannot be locked: input/output error"), (524, "the file system of {}", "has no locks")],
    ids=["EIO", "ENOTSUPP"],
)
def test_an_export_whose_lock_fails_is_left_to_others_and_stops_no_training(
    run: Path,
    exporter: Exporter,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    where: str,
    why: str,
) -> None:
    def broken(file: IO, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", broken)
    (run / EXPORT).parent.mkdir()
    (run / EXPORT).touch()
    os.utime(run / EXPORT, (0, 0))
    exporter.pack_finished()
    assert not alive("sync", str(run))
    assert not exporter.wanted
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"nothing more goes to W&B from here: {where.format(run / 'wandb')} {why}")


@pytest.mark.parametrize("wandb, worker, wanted", [("online", 0, True), ("online", 1, False), ("offline", 0, False)])
def test_the_first_worker_of_a_job_exports_where_the_profile_says_so(
    tmp_path: Path, wandb: str, worker: int, wanted: bool
) -> None:
    sent = Submission(
        "xor-0a1b2c-1", "soc", (), "slurm", None, (("p1",),), (1.0,), {}, 30, 16.0, 60.0, 1, False, 0, None, "code",
        0.0, "12", wandb=wandb,
    )  # fmt: skip
    exporter = exporter_of(sent, AttemptLog(tmp_path, Attempt(sent.name, 0, worker, 1, "12", 0.0)))
    assert exporter.wanted == wanted
    assert exporter.log == tmp_path / "jobs" / sent.name / f"12_{worker}_wandb_log.out"


def test_a_disk_that_takes_no_log_stops_no_training(
    run: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "jobs").touch()  # no folder can be made there
    exporter = Exporter(run, run / "jobs" / "wandb_log.out", wanted=True)
    exporter.pack_finished()
    exporter.pack_finished()
    exporter.leave(FOREVER, hurry=lambda: False)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("nothing more goes to W&B from here: ")
    assert "File exists" in line
