"""Sweeps sent to a real SLURM through the command line: nothing is sent twice, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PRINTS_THE_NUMBER = """#!/bin/bash
out=$({sbatch} "$@") && echo "Welcome." && grep -oE '[0-9]+' <<<"$out"
"""
"""What stands before sbatch on PATH at NIH Biowulf, and a banner."""


def test_an_array_gives_the_records_of_a_run_here(desk: Any, own_target: Callable[[Path], Any]) -> None:
    """Sent by an sbatch that prints no sentence; of definitions of one's own."""
    small = desk.small | own_target(desk.folder)
    desk.write(small)
    path = before_sbatch(desk.folder / "bin", PRINTS_THE_NUMBER.format(sbatch=shutil.which("sbatch")))
    desk.submit(desk.each_pack_a_job, desk.quick, PATH=path)
    (note,) = desk.notes()
    assert len(note.tasks) == 4
    here = desk.locally(small)
    desk.wait()
    desk.check_complete()
    assert here.height > 1000
    assert desk.records().equals(here)  # to the last bit: packs are the same, wherever they are trained
    outcomes = desk.outcomes()
    assert outcomes.height == 200
    assert set(outcomes["job"]) == {note.task_id(index) for index in range(4)}
    assert set(outcomes["attempt"]) == {1}
    assert set(outcomes["code"]) == {note.code}
    assert note.code
    said = desk.submit(desk.each_pack_a_job, desk.quick)
    assert "nothing is left to send" in said
    assert desk.notes() == [note]
    assert desk.status()["trials"].keys() <= {"done", "diverged"}


def test_two_submits_at_once_send_nothing_twice(desk: Any) -> None:
    desk.write(desk.small)
    words = desk.submission(desk.each_pack_a_job, desk.hold)
    both = [desk.begin(*words), desk.begin(*words, LOGNAME="nobody", USER="nobody")]  # as after su
    said = [process.communicate(timeout=400)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert set(desk.times_sent()) == desk.packs()
    assert set(desk.times_sent().values()) == {1}
    assert len(desk.held()) == 4


MANY_PACKS = {"models": [{"linear": {"basis": "monomial"}}], "widths": list(range(1, 37)), "seeds": 1}


@pytest.mark.parametrize(
    "changes, lengths",
    [([], [31, 5]), (["cluster.max_array=16"], [16, 16, 4])],
)
def test_an_array_longer_than_allowed_is_split(desk: Any, changes: list[str], lengths: list[int]) -> None:
    desk.write(desk.small | MANY_PACKS)
    desk.submit(desk.each_pack_a_job, desk.hold, *changes)
    assert [len(note.tasks) for note in desk.notes()] == lengths
    assert len(desk.held()) == 36
    assert set(desk.times_sent().values()) == {1}


def test_more_tasks_than_slurm_takes_are_refused_by_slurm(desk: Any) -> None:
    desk.write(desk.small | MANY_PACKS)
    said = desk.submit(desk.each_pack_a_job, "cluster.max_array=100", code=2)
    assert said.count("Invalid job array specification") == 1, said
    assert not list((desk.run / "jobs").glob("*.json"))


@pytest.mark.parametrize(
    "change, words",
    [
        ("cluster.queue=closed", "Required partition not available (inactive or drain)"),
        ("cluster.qos=nosuch", "Invalid qos specification"),
        ("cluster.qos=small", "Job violates accounting/QOS policy"),
    ],
)
def test_what_slurm_refuses_is_said_once_in_its_words(desk: Any, dev_cluster: Any, change: str, words: str) -> None:
    if "qos" in change and not dev_cluster.accounting:
        pytest.skip("this SLURM keeps no accounts")
    desk.write(desk.small)
    said = desk.submit(desk.each_pack_a_job, desk.hold, change, code=2)
    assert said.count(words) == 1, said
    assert "Traceback" not in said
    assert not list((desk.run / "jobs").glob("*.json"))
    desk.submit(desk.each_pack_a_job, desk.hold)
    assert len(desk.held()) == 4


SENDS_AND_KILLS = """#!/bin/bash
count=$(cat {counter} 2>/dev/null || echo 0)
echo $((count + 1)) > {counter}
if [[ $count != {victim} ]]; then exec {sbatch} "$@"; fi
{first}
kill -KILL $PPID
"""


def deadly_sbatch(folder: Path, *, sends: bool, victim: int) -> str:
    """A PATH whose sbatch kills who calls it for the nth time, and has sent the job before or has not."""
    sbatch = shutil.which("sbatch")
    first = f'{sbatch} "$@" > /dev/null' if sends else ""
    deadly = SENDS_AND_KILLS.format(counter=folder / "counter", victim=victim, sbatch=sbatch, first=first)
    return before_sbatch(folder, deadly)


def before_sbatch(folder: Path, text: str) -> str:
    """A PATH on which another sbatch comes first."""
    folder.mkdir()
    script = folder / "sbatch"
    script.write_text(text)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"{folder}:{os.environ['PATH']}"


def jobs_named(stem: str) -> list[str]:
    listed = subprocess.run(["squeue", "--noheader", "--array", "--format", "%i %j"], capture_output=True, text=True)
    return [line.split()[0] for line in listed.stdout.splitlines() if line.split()[1].startswith(stem)]


def waits_for(job: str) -> str:
    """The job that another one waits for."""
    listed = subprocess.run(["squeue", "--noheader", "--jobs", job, "--format", "%E"], capture_output=True, text=True)
    return listed.stdout.removeprefix("afterany:").partition("(")[0].partition("_")[0].strip()


def test_a_submit_killed_at_any_instant_is_taken_up_by_the_next(desks: Callable[[str], Any], tmp_path: Path) -> None:
    """A job for each pack in an array of its own: the longest sending phase, of some tenths of a second.

    One sends chains, and is killed before the second link of the second one.
    """
    changes = ["cluster.max_array=1"]
    names = ["before", "after", *(f"instant{number}" for number in range(4))]
    made = {name: desks(name) for name in names}
    for desk in made.values():
        desk.write(desk.small)
    sends = [made["before"].each_pack_a_job, made["before"].hold, made["before"].quick, *changes]
    made["before"].submit(*sends, words=["--dry-run"])  # measures what packs take, for all
    links = {name: ["--chain", "1"] if name == "before" else [] for name in names}
    for name in ("before", "after"):
        path = deadly_sbatch(tmp_path / f"bin-{name}", sends=name == "after", victim=3)
        made[name].submit(*sends, words=links[name], code=-signal.SIGKILL, PATH=path)
    for number in range(4):
        desk = made[f"instant{number}"]
        process = desk.begin(*desk.submission(*sends))
        desk.wait_for(lambda desk=desk: list((desk.run / "jobs").glob("*.json")))
        time.sleep(0.1 * number)
        process.kill()
        process.communicate()
    unsettled = [name for name, desk in made.items() if any(note.job is None for note in desk.notes())]
    assert {"before", "after"} <= set(unsettled)
    again = {name: desk.begin(*desk.submission(*sends), *links[name]) for name, desk in made.items()}
    for name, process in again.items():
        said = process.communicate(timeout=400)[0]
        assert process.returncode == 0, f"{name}: {said}"
        desk = made[name]
        assert set(desk.times_sent()) == desk.packs()
        assert set(desk.times_sent().values()) == {2 if links[name] else 1}, name
        notes = desk.notes()
        waiting = {note.after: str(note.job) for note in notes if note.after}
        assert len(waiting) == (len(desk.packs()) if links[name] else 0)
        assert {waits_for(job) for job in waiting.values()} == {note.job for note in notes if note.name in waiting}
        assert all(note.job for note in notes)
        stem = notes[0].name.rpartition("-")[0] + "-"
        assert sorted(jobs_named(stem)) == sorted(note.job for note in notes), name
    ends = [made["after"], made["instant2"]]
    for desk in ends:
        desk.release()
    for desk in ends:
        desk.wait()
        desk.check_complete()


HIDING = {
    **{"SQUEUE_STATES": "RUNNING", "SQUEUE_PARTITION": "short", "SQUEUE_NAMES": "other", "SQUEUE_USERS": "nobody"},
    **{"SQUEUE_LICENSES": "a", "SCANCEL_STATE": "RUNNING", "SCANCEL_NAME": "other", "SLURM_TIME_FORMAT": "%c"},
}
"""What a person may have set to see and end other jobs."""


def test_one_task_is_cancelled_and_then_all(desk: Any) -> None:
    """Whatever the person has set for squeue and scancel."""
    desk.write(desk.small)
    desk.submit(desk.each_pack_a_job, desk.hold)
    (note,) = desk.notes()
    assert "1 job was told to end" in desk("cancel", "run", note.task_id(2), **HIDING)
    desk.wait_for(lambda: desk.held() == {note.task_id(index) for index in (0, 1, 3)})
    assert json.loads(desk("status", "run", "--json", **HIDING))["trials"] == {"pending": 150, "lost": 50}
    desk.submit(desk.each_pack_a_job, desk.hold, **HIDING)
    assert desk.notes()[-1].tasks == (note.tasks[2],)
    assert "this run has no job '4711_0'" in desk("cancel", "run", "4711_0", code=2, **HIDING)
    assert "4 jobs were told to end" in desk("cancel", "run", **HIDING)
    desk.wait()
    assert desk.status()["trials"] == {"lost": 200}
    assert "no job of this run was there any more" in desk("cancel", "run", **HIDING)


NOTES_ITS_GPU = """
import atexit, os, pathlib
rank = os.environ.get("SLURM_PROCID")
atexit.register(lambda: pathlib.Path({folder!r}, f"gpu{{rank}}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "")))
"""


def test_two_workers_of_a_job_share_its_packs_and_see_a_gpu_each(desk: Any) -> None:
    """In jobs that get nothing of the environment that they are sent from."""
    desk.write(desk.small)
    (desk.folder / "sitecustomize.py").write_text(NOTES_ITS_GPU.format(folder=str(desk.folder)))
    setup = f'cluster.setup=["export PYTHONPATH={desk.folder}"]'
    desk.submit("cluster.gpus=2", setup, "cluster.options=[--export=NIL]")
    (note,) = desk.notes()
    assert (note.gpus, len(note.tasks)) == (2, 1)
    desk.wait()
    desk.check_complete()
    assert {attempt.worker for attempt in desk.attempts()} <= {0, 1}  # one may be done before the other has begun
    assert {attempt.end for attempt in desk.attempts()} == {"finished"}
    assert {(desk.folder / f"gpu{rank}").read_text() for rank in (0, 1)} == {"0", "1"}
