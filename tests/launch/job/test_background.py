"""What runs beside a training gives way to it, ends with it, and ends when its time is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SLEEP = "import time; print('begun', flush=True); time.sleep(1000)"


def aside(parent: int, seconds: int, text: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.launch.job.background", str(parent), str(seconds), "-c", text]


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_it_runs_after_all_others_and_is_the_first_to_go_when_memory_is_short() -> None:
    text = "import os; print(os.nice(0), open('/proc/self/oom_score_adj').read())"
    said = subprocess.run(aside(os.getpid(), 60, text), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["19", "1000"]


def test_it_leaves_a_processor_to_a_training_that_wants_it() -> None:
    """Both on one processor, in one session: beside another session, Linux may give each a half, whatever the nice."""
    spin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\nwhile True: pass"
    training = subprocess.Popen([sys.executable, "-c", spin])
    other = subprocess.Popen(aside(os.getpid(), 60, spin), cwd=ROOT, process_group=0)
    try:
        while min(seconds_of(training.pid), seconds_of(other.pid)) < 0.02:
            time.sleep(0.05)
        before = seconds_of(training.pid), seconds_of(other.pid)
        while seconds_of(training.pid) < before[0] + 1:
            time.sleep(0.05)
        meanwhile = seconds_of(other.pid) - before[1]
        assert meanwhile < 0.2 * (seconds_of(training.pid) - before[0])  # whoever looks late sees both go on
    finally:
        for process in (training, other):
            process.kill()
            process.wait()


def seconds_of(pid: int) -> float:
    """What a process has had of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_ends_when_its_time_is_up() -> None:
    assert subprocess.run(aside(os.getpid(), 1, SLEEP), cwd=ROOT, capture_output=True).returncode == -signal.SIGALRM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_it_ends_with_a_parent_that_is_killed() -> None:
    text = (
        "import os, subprocess, sys\n"
        f"command = {aside(0, 1000, SLEEP)!r}\n"
        "command[3] = str(os.getpid())\n"
        "print(subprocess.Popen(command).pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", text]
    parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "begun\n"
        parent.kill()
    end = time.monotonic() + 200
    while not gone(child):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_does_not_begin_for_a_parent_that_has_ended_already() -> None:
    done = subprocess.run(aside(1, 60, SLEEP), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "has ended" in done.stderr
