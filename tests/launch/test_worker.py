"""Workers on a real SLURM that are stopped, killed and cut off, and what becomes of their trials."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from submitit import JobEnvironment
from submitit.core.core import PicklingExecutor

from pipeline.experiment.experiment import Experiment
from pipeline.launch import pbs
from pipeline.launch.cost.calibration import STARTUP, place_of
from pipeline.launch.job.attempt_log import AttemptLog
from pipeline.launch.notes.attempts import Attempt
from pipeline.launch.notes.submission import Submission
from pipeline.launch.worker import remember, train, work
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine
from pipeline.records.pack_locks import pack_lock
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import finished_packs, read_outcomes, write_outcomes
from pipeline.training.deadline import Deadline

LONG = {
    "engine": "reference",
    "models": [{"shallow": {"activation": "tanh"}}],
    "widths": [8],
    "learning_rates": [0.01, 0.03],
    "seeds": 2,
    "steps": 2000,
    "checkpoint_seconds": 2.0,
}
"""One pack, which takes some 15 s in a job that is ``slowed``, and much less anywhere else."""
WHEN_LOADED = """
import importlib.abc, importlib.machinery, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "{module}":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            change(module)
        spec.loader.exec_module = exec_module
        return spec
if "{module}" in sys.modules:
    change(sys.modules["{module}"])
else:
    sys.meta_path.insert(0, Finder())
"""


def test_jobs_of_another_version_find_the_worker_and_the_plugin_where_they_were() -> None:
    assert f"{work.__module__}.{work.__qualname__}" == "pipeline.launch.worker.work"
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(project["entry-points"]["submitit"].values()) == {
        "pipeline.launch.pbs:PbsExecutor",
        "pipeline.launch.pbs:PbsJobEnvironment",
    }
    assert issubclass(pbs.PbsExecutor, PicklingExecutor)
    assert issubclass(pbs.PbsJobEnvironment, JobEnvironment)


def change_in_jobs(desk: Any, module: str, change: str) -> str:
    """The setting of a cluster by which a module of its jobs is changed as soon as it is loaded."""
    (desk.folder / "sitecustomize.py").write_text(change + WHEN_LOADED.format(module=module))
    return f'cluster.setup=["export PYTHONPATH={desk.folder}"]'


def slowed(desk: Any) -> str:
    """Have jobs wait while they train: the processor is left to others, and they take as long on any machine."""
    return change_in_jobs(desk, "pipeline.training.segments", WAITS_BEFORE_EACH_SEGMENT)


def held_up(desk: Any) -> str:
    """Have jobs wait in the middle of a pack, past a checkpoint, as long as there is a file of that name."""
    (desk.folder / "held_up").touch()
    return change_in_jobs(desk, "pipeline.training.segments", WAITS_AFTER_SOME.format(file=f"{desk.folder}/held_up"))


def checkpoints(desk: Any) -> int:
    return len(list(desk.run.glob("checkpoints/*/last.ckpt")))


WAITS_BEFORE_EACH_SEGMENT = """
import time

def change(segments):
    segments.MOST_STEPS = 100
    left = segments.RemainingSegments.__iter__
    def slowly(self):
        for segment in left(self):
            time.sleep(0.75)
            yield segment
    segments.RemainingSegments.__iter__ = slowly
"""


WAITS_AFTER_SOME = """
import pathlib, time

def change(segments):
    segments.MOST_STEPS = 100
    left = segments.RemainingSegments.__iter__
    def with_a_stop(self):
        for number, segment in enumerate(left(self)):
            time.sleep(0.75 if number < 5 else 0)
            while number >= 5 and pathlib.Path({file!r}).exists():
                time.sleep(0.05)
            yield segment
    segments.RemainingSegments.__iter__ = with_a_stop
"""


def test_a_job_that_runs_out_of_time_goes_on_until_all_is_trained(desks: Callable[[str], Any]) -> None:
    """Training takes longer than the 30 s that a job has; one queues itself again, one is followed by a link."""
    requeued, chained = desks("requeued"), desks("chained")
    config = requeued.small | LONG | {"steps": 4000}
    short = ["cluster.walltime_minutes=1", "cluster.stop_margin_seconds=30", requeued.quick]
    for desk in (requeued, chained):
        desk.write(config)
    requeued.submit(*short, slowed(requeued))
    chained.submit(*short, "cluster.requeue=false", slowed(chained), words=["--chain", "6"])
    here = requeued.locally(config)
    requeued.wait(500)
    attempts = requeued.attempts()
    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert len(attempts) > 1
    assert [attempt.end for attempt in attempts] == ["deadline"] * (len(attempts) - 1) + ["finished"]
    assert len({attempt.job for attempt in attempts}) == 1
    chained.wait(500)
    links = chained.notes()
    assert [note.after for note in links] == [None, *(note.name for note in links[:-1])]
    tried = chained.attempts()
    assert [attempt.submission for attempt in tried] == [note.name for note in links[: len(tried)]]
    assert 1 < len(tried) < len(links)
    assert [attempt.end for attempt in tried] == ["deadline"] * (len(tried) - 1) + ["finished"]
    last = (chained.run / "jobs" / links[-1].name).glob("*_log.out")
    assert "nothing is left to do here" in "".join(path.read_text() for path in last)
    for desk in (requeued, chained):
        desk.check_complete()
        assert desk.records().equals(here)


def kill_worker(desk: Any, job: str) -> None:
    """Kill the Python of a job as the system would, without a word."""
    found = subprocess.run(["pgrep", "-f", f"submitit.core._submit {desk.run}"], capture_output=True, text=True)
    killed = []
    for pid in found.stdout.split():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):  # one of another job that has ended since
            continue
        if f"SLURM_JOB_ID={job}" in environment and "SLURM_PROCID=0" in environment:
            os.kill(int(pid), signal.SIGKILL)
            killed.append(pid)
    assert killed


def test_trials_of_a_killed_worker_and_of_a_cancelled_job_are_sent_again_and_trained_once(desk: Any) -> None:
    config = desk.small | LONG | {"widths": [4, 8]}
    desk.write(config)
    sends = [desk.each_pack_a_job, desk.quick, held_up(desk)]
    desk.submit(*sends)
    (note,) = desk.notes()
    desk.wait_for(lambda: checkpoints(desk) == len(note.tasks) == 2)
    subprocess.run(["scancel", note.task_id(0)], check=True)
    raw = subprocess.run(["squeue", "-h", "-j", note.task_id(1), "-O", "JobID"], capture_output=True, text=True)
    kill_worker(desk, raw.stdout.strip())
    desk.wait()
    assert desk.status()["trials"] == {"lost": 8}
    assert {row["kind"] for row in json.loads(desk("logs", "run", "--json"))} <= {"killed", "cancelled"}
    (desk.folder / "held_up").unlink()
    desk.submit(*sends)
    desk.wait()
    desk.check_complete()
    assert desk.records().equals(desk.locally(config))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_run_folder_that_was_full_is_completed_once_there_is_space(desk: Any) -> None:
    disk = desk.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], check=True)
    try:
        desk.write(desk.small | {"steps": 3000})
        (desk.folder / "run").symlink_to(disk)
        filler = disk / "filler"
        desk.submit(desk.hold, desk.quick)
        free = os.statvfs(disk)
        filler.write_bytes(b"0" * (free.f_bavail * free.f_frsize - 40_000))
        desk.release()
        desk.wait()
        assert desk.outcomes().height < 200
        filler.unlink()
        desk.submit(desk.quick)
        desk.wait()
        desk.check_complete()
    finally:
        desk.leave()
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.alone
def test_nothing_is_sent_while_the_controller_is_down_and_status_says_so(desk: Any, dev_cluster: Any) -> None:
    desk.write(desk.small)
    desk.submit(desk.each_pack_a_job, desk.quick)
    desk.wait()
    desk.write(desk.small | {"steps": 50})
    dev_cluster.daemon("stop", "slurmctld")
    try:
        said = desk("submit", "config.yaml", "--cluster", "dev", "--out", "other", code=2)
        assert "SLURM could not be asked: " in said
        assert "Traceback" not in said
        assert not list((desk.folder / "other" / "jobs").glob("*.json"))
        found = desk.status()
        assert found["trials"]["done"] + found["trials"].get("diverged", 0) == 200
        assert "SLURM could not be asked" in found["scheduler"]
    finally:
        dev_cluster.daemon("start", "slurmctld")
    assert desk.status()["scheduler"] == "answered"


@pytest.mark.alone
def test_trials_of_a_node_that_went_down_are_trained_once(desk: Any, dev_cluster: Any) -> None:
    desk.write(desk.small | LONG)
    desk.submit("cluster.options=[--nodelist=dev1]", desk.quick, held_up(desk))
    desk.wait_for(lambda: checkpoints(desk) == 1)
    dev_cluster.daemon("kill", "dev1")
    time.sleep(2)
    dev_cluster.daemon("start", "dev1")
    (desk.folder / "held_up").unlink()
    desk.wait()
    if desk.status()["trials"].keys() & {"lost"}:
        desk.submit(desk.quick)
        desk.wait()
    desk.check_complete()


def test_one_trial_over_two_nodes_gives_the_numbers_of_one_process(desk: Any) -> None:
    config = desk.small | {"steps": 60, "seeds": 1, "learning_rates": [0.05]}
    desk.write(config | {"parallel": {"nodes": 2, "devices": 1}})
    desk.submit(desk.quick)
    desk.wait()
    desk.check_complete()
    assert {attempt.worker for attempt in desk.attempts()} == {0, 1}
    together, alone = desk.records(), desk.locally(config)
    assert together.select("trial", "step", "diagnostic").equals(alone.select("trial", "step", "diagnostic"))
    difference = (together["value"] - alone["value"]).abs() / alone["value"].abs().clip(1e-12)
    assert difference.fill_nan(0).max() <= 1e-6


def test_only_packs_that_were_trained_from_their_first_step_say_how_long_such_packs_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that goes on from a checkpoint, the time of this job is a part."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = Experiment("How long?", (Shallow(),), (2, 3), (Sine(),), learning_rates=(0.1,))
    plan = make_plan("xor", asked)
    whole, resumed = (pack.id for pack in plan.packs)
    write_plan(plan, tmp_path)
    (tmp_path / "checkpoints" / resumed).mkdir(parents=True)
    attempt_log = AttemptLog(tmp_path, Attempt("xor-0a1b2c-1", 0, 0, 1, "12", 100.0, ready_at=107.0))
    for pack in (whole, resumed):
        attempt_log.begin(pack)
        row = {"trial": pack, "status": "done", "pack": pack, "seconds": 30.0, "job": "12"}
        write_outcomes(tmp_path, pack, pl.DataFrame([{name: row.get(name) for name in OUTCOMES}], schema=OUTCOMES))
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "slurm", None, ((whole, resumed),), (1.0,), {}, 30, None, 60.0, 0, False, 0,
        None, "code", 0.0, "12",
    )  # fmt: skip
    remember(sent, attempt_log)
    kinds = {path.stem for path in place_of("somewhere", 0).glob("*.json")}
    assert kinds == {STARTUP, plan.manifest.workloads[whole].kind}


def test_pack_that_fails_twice_is_kept_back_until_it_is_asked_for(desk: Any) -> None:
    broken = desk.folder / "broken"
    broken.touch()
    desk.write(desk.small)
    desk.submit(desk.quick, change_in_jobs(desk, "pipeline.training.run", BREAKS_A_PACK.format(broken=str(broken))))
    desk.wait()
    assert desk.status(code=1)["trials"]["failed"] == 50
    desk("retry", "run")
    desk.wait()
    found = desk.status(code=1)
    assert found["trials"]["quarantined"] == 50
    (error,) = found["errors"]
    assert (error["times"], error["kind"], error["packs"]) == (2, "exception", 1)
    assert "no such luck" in error["error"]
    assert "1 kept back because they failed twice" in desk("retry", "run")
    broken.unlink()
    desk("retry", "run", "--quarantined")
    desk.wait()
    desk.check_complete()
    assert "quarantined" not in desk.status()["trials"]


BREAKS_A_PACK = """
import pathlib

def change(run):
    fit = run.fit
    def broken(pack, *arguments, **named):
        if pathlib.Path({broken!r}).exists() and pack.shape.width == 2 and pack.shape.model.linear:
            raise RuntimeError("no such luck")
        return fit(pack, *arguments, **named)
    run.fit = broken
"""
"""A pack of one shape fails in a job as long as a file is there."""


@pytest.mark.parametrize("locks", [True, False])
def test_job_that_is_done_trains_what_another_has_not_begun_where_there_are_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, locks: bool
) -> None:
    monkeypatch.setattr("pipeline.launch.worker.has_locks", lambda folder: locks)
    experiment = Experiment(
        "?", (Shallow(),), (1, 2, 3, 4), target=(Sine(),), learning_rates=(0.1,), seeds=1, steps=3, accelerator="cpu"
    )
    plan = make_plan("helped", experiment)
    write_plan(plan, tmp_path)
    first, second, third, fourth = (pack.id for pack in plan.packs)
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "debug", None, ((first,), (second, third), (fourth,)), (1.0,) * 3,
        {first: 100.0, second: 100.0, third: 200.0, fourth: 30.0}, 30, None, 60.0, 0, False, 0, None, "code", 0.0, "12",
    )  # fmt: skip
    log = AttemptLog(tmp_path, Attempt(sent.name, 0, 0, 1, "12_0", time.time()))
    environment = SimpleNamespace(global_rank=0, num_tasks=1, num_nodes=1, local_rank=0, job_id="12_0")
    exporter = SimpleNamespace(pack_finished=lambda: None, look=lambda: None)
    signals = SimpleNamespace(deadline=Deadline(time.monotonic() + 1000.0), sigterm_received=False)
    assert train(sent, 0, log, signals, environment, exporter) == "finished"  # type: ignore[arg-type]
    outcomes = read_outcomes(tmp_path)
    assert set(outcomes["pack"]) == ({first, second, third} if locks else {first})
    assert set(outcomes["job"]) == {"12_0"}
    assert log.attempt.pack == (second if locks else first)  # the longer one came first


def test_job_looks_again_at_a_pack_of_its_own_that_another_held_once_it_has_helped(tmp_path: Path) -> None:
    """The other job ran out of time with it meanwhile."""
    experiment = Experiment(
        "?", (Shallow(),), (1, 2, 3), target=(Sine(),), learning_rates=(0.1,), seeds=1, steps=3, accelerator="cpu"
    )
    plan = make_plan("helped", experiment)
    write_plan(plan, tmp_path)
    first, held, third = (pack.id for pack in plan.packs)
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "debug", None, ((first, held), (third,)), (1.0,) * 2,
        dict.fromkeys((first, held, third), 100.0), 30, None, 60.0, 0, False, 0, None, "code", 0.0, "12",
    )  # fmt: skip
    log = AttemptLog(tmp_path, Attempt(sent.name, 0, 0, 1, "12_0", time.time()))
    environment = SimpleNamespace(global_rank=0, num_tasks=1, num_nodes=1, local_rank=0, job_id="12_0")
    signals = SimpleNamespace(deadline=Deadline(time.monotonic() + 1000.0), sigterm_received=False)
    with contextlib.ExitStack() as other:
        assert other.enter_context(pack_lock(tmp_path, held, print))

        def pack_finished() -> None:
            if log.attempt.pack == third:
                other.close()

        exporter = SimpleNamespace(pack_finished=pack_finished, look=lambda: None)
        assert train(sent, 0, log, signals, environment, exporter) == "finished"  # type: ignore[arg-type]
    assert finished_packs(tmp_path) == {first, held, third}
    assert log.attempt.pack == held
