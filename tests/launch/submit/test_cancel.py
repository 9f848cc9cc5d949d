"""Ending jobs: all, an array, or a task; nothing else is touched."""

import os

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.notes.submission import Submission, write_submission
from pipeline.launch.submit.cancel import cancel

FIRST, SECOND = "xor-0a1b2c-1", "xor-0a1b2c-2"
HELD = "12_0|RUNNING|{0}|None 12_1|PENDING|{0}|Resources 13|PENDING|{1}|Dependency 99|RUNNING|other|None"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A run with an array and a single job after it; a function gives the calls of scancel."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    rows = HELD.format(FIRST, SECOND).replace(" ", "\n")
    write(binaries / "squeue", f"cat <<'END'\n{rows}\nEND")
    write(binaries / "scancel", f'echo "$*" >>"{tmp_path}/scancel"')
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    for name, tasks, job in ((FIRST, (("p1",), ("p2",), ("p3",)), "12"), (SECOND, (("p1",),), "13")):
        note = Submission(
            name, "soc", (), "slurm", None, tasks, (1.0,) * len(tasks), {}, 30, 16.0, 60.0, 1, False, 0, None, "code",
            100.0, job,
        )  # fmt: skip
        write_submission(tmp_path / "run", note)
    return lambda: (tmp_path / "scancel").read_text().splitlines() if (tmp_path / "scancel").exists() else []


def write(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "what, ended, calls",
    [
        ([], ["13", "12_0", "12_1"], ["13", "12"]),
        (["12_1"], ["12_1"], ["12_1"]),
        (["12"], ["12_0", "12_1"], ["12"]),
        ([FIRST], ["12_0", "12_1"], ["12"]),
        (["13", "12_0"], ["13", "12_0"], ["13", "12_0"]),
        (["12_[0-1]"], ["12_0", "12_1"], ["12_0 12_1"]),
        (["12_1", "12_1.batch"], ["12_1"], ["12_1"]),
        (["12_2"], [], []),
    ],
    ids=[
        "all",
        "a task",
        "an array by its id",
        "an array by its name",
        "several",
        "as squeue lists them",
        "one twice",
        "one that has ended",
    ],
)
def test_what_is_named_is_ended_the_last_links_first(told, tmp_path, what, ended, calls):
    assert cancel(tmp_path / "run", what, print) == ended
    assert told() == calls


def test_job_that_is_not_of_this_run_is_not_ended(told, tmp_path):
    for name in ("99", "12_3", "other"):
        with pytest.raises(PipelineError, match=f"this run has no job '{name}'"):
            cancel(tmp_path / "run", ["12_0", name], print)
    assert told() == []


def test_nothing_is_ended_while_the_scheduler_does_not_answer(told, tmp_path):
    write(tmp_path / "bin" / "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(PipelineError, match="SLURM could not be asked: Unable to contact slurm controller"):
        cancel(tmp_path / "run", [], print)
    assert told() == []
