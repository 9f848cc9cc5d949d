"""What a scheduler is asked depends on what is asked, not on how a person likes to be answered."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.commands import answer, run

LAUNCH = Path(__file__).parents[2] / "pipeline" / "launch"

HABITS = (
    *("SQUEUE_STATES", "SQUEUE_PARTITION", "SQUEUE_ACCOUNT", "SQUEUE_QOS", "SQUEUE_NAMES", "SQUEUE_LICENSES"),
    *("SQUEUE_USERS", "SQUEUE_FORMAT2", "SQUEUE_LOCAL", "SQUEUE_SORT", "SINFO_PARTITION", "SINFO_FORMAT"),
    *("SACCT_FORMAT", "SACCT_LOCAL", "SCONTROL_ALL", "SCANCEL_STATE", "SCANCEL_INTERACTIVE", "SCANCEL_NAME"),
    *("SLURM_TIME_FORMAT", "SLURM_BITSTR_LEN", "SLURM_EXIT_ERROR", "SLURM_DEBUG_FLAGS", "PBS_DPREFIX", "PS_FORMAT"),
)
WHICH_CLUSTER = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT", "PBS_CONF_FILE", "PBS_SERVER", "PBS_DEFAULT", "PBS_EXEC")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_habits_of_a_person_do_not_reach_the_scheduler_and_its_address_does(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "squeue", "env")
    for name in (*HABITS, *WHICH_CLUSTER):
        monkeypatch.setenv(name, "mine")
    told = answer(["squeue"], "SLURM")
    assert [name for name in HABITS if f"{name}=mine" in told] == []
    assert [name for name in WHICH_CLUSTER if f"{name}=mine" not in told] == []
    assert "SLURM_CONF=/other" in answer(["squeue"], "SLURM", settings={"SLURM_CONF": "/other"})


def test_qstat_does_not_follow_the_file_in_the_home(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "qstat", "echo $QSTATRCHOME/.qstatrc")
    monkeypatch.setenv("QSTATRCHOME", str(programs))
    assert not Path(answer(["qstat"], "PBS").strip()).exists()


def test_command_that_fails_answers_in_its_own_words(programs: Path) -> None:
    program(programs, "squeue", "echo 'squeue: error: no\n  controller' >&2; exit 3")
    assert run(["squeue"]).returncode == 3
    with pytest.raises(PipelineError, match=r"^SLURM could not be asked: squeue: error: no controller\n  hint: "):
        answer(["squeue"], "SLURM")


def test_command_that_is_not_there_cannot_run_or_keeps_silent_is_named(programs: Path) -> None:
    with pytest.raises(PipelineError, match=r"^sqeue is not on PATH: this is not a login node of a SLURM cluster\n"):
        answer(["sqeue"], "SLURM")
    (programs / "mysqueue").write_text("")
    (programs / "mysqueue").chmod(0o755)
    with pytest.raises(PipelineError, match=r"^mysqueue cannot be run: Exec format error\n  hint: "):
        answer(["mysqueue"], "SLURM")
    program(programs, "qstat", "exec sleep 60")
    with pytest.raises(PipelineError, match=re.escape("qstat has not answered for 0.1 s\n  hint: the scheduler")):
        run(["qstat"], seconds=0.1)


def test_no_other_module_runs_a_command_of_a_scheduler() -> None:
    others = {"exporting.py": "sync", "node_inventory.py": "nvidia-smi"}
    starting = {
        path.name
        for path in LAUNCH.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and "subprocess" in (name.name for name in node.names)
    }
    assert starting == {"commands.py", "qstat.py", *others}
