"""A job of PBS asks for what it was given, and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.pbs.executor import PbsExecutor
from pipeline.launch.pbs.script import allowed_name, walltime


def plain(folder: Path, **parameters: Any) -> PbsExecutor:
    executor = PbsExecutor(folder)
    executor.update_parameters(**parameters)
    return executor


def test_a_job_asks_for_what_it_is_told_to(tmp_path: Path) -> None:
    executor = plain(
        tmp_path,
        job_name="a sweep",
        project="personal-me",
        queue="normal",
        ncpus=16,
        ngpus=1,
        mem="64gb",
        time=90,
        array_parallelism=4,
        dependency="afterany:12[].pbs101",
        additional_parameters=["-l", "container_engine=enroot"],
    )
    assert executor.command(10, "run.sh") == [
        *["qsub", "-N", "a_sweep", "-P", "personal-me", "-q", "normal"],
        *["-l", "select=1:ncpus=16:mem=64gb:ngpus=1", "-l", "walltime=01:30:00", "-J", "0-9%4"],
        *["-W", "depend=afterany:12[].pbs101", "-W", "umask=022", "-r", "y", "-m", "n"],
        *["-j", "oe", "-o", f"{tmp_path}/spool/", "-l", "container_engine=enroot", "run.sh"],
    ]


def options(executor: PbsExecutor, num_subjobs: int = 1) -> str:
    return " ".join(executor.command(num_subjobs))


def test_what_is_not_said_is_left_to_the_site(tmp_path: Path) -> None:
    assert not re.search(" -(q|P|J|V|v|A) ", options(plain(tmp_path)))
    assert "select=1 " in options(plain(tmp_path))


def test_one_task_is_no_array(tmp_path: Path) -> None:
    assert " -J " not in options(plain(tmp_path, array_parallelism=3))
    assert " -J 0-1 " in options(plain(tmp_path, array_parallelism=3), 2)
    assert " -J 0-3%3 " in options(plain(tmp_path, array_parallelism=3), 4)
    assert " -J 0-3 " in options(plain(tmp_path), 4)


def test_chunks_are_scattered_over_nodes_unless_said_otherwise(tmp_path: Path) -> None:
    assert "select=2:ngpus=4 -l place=scatter" in options(plain(tmp_path, nodes=2, ngpus=4))
    assert "select=2 -l place=pack:excl" in options(plain(tmp_path, nodes=2, place="pack:excl"))
    assert "select=1:ngpus=2+1:ncpus=3 -l walltime" in options(plain(tmp_path, select="1:ngpus=2+1:ncpus=3"))


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.1, "00:00:06"), (1, "00:01:00"), (90.5, "01:30:30"), (7200, "120:00:00")]
)
def test_walltimes(minutes: float, text: str) -> None:
    assert walltime(minutes) == text


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("9 lives", "j9_lives"), ("a.b-c_d", "a.b-c_d"), ("", "j"), ("é/ü", "j___"), ("x" * 300, "x" * 230)],
)
def test_names_as_pbs_allows_them(name: str, allowed: str) -> None:
    assert allowed_name(name) == allowed


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"ngpu": 1}, "no parameter 'ngpu'\n.*did you mean 'ngpus'"),
        ({"nodes": 0}, "nodes must be an integer from 1, not 0"),
        ({"ngpus": "1"}, "ngpus must be an integer from 0, not '1'"),
        ({"time": 0}, "a walltime of 0 minutes"),
        ({"nodes": 2, "tasks_per_node": 2}, "cannot be started on PBS"),
        ({"select": "1:ngpus=1", "mem": "3gb"}, "select says all of .'mem'."),
        ({"select": "2:ngpus=1", "nodes": 2}, "select says all of .'nodes'."),
        ({"setup": "module load x"}, "setup is a list"),
        ({"environment": {"A B": "1"}}, "'A B' is no name of a variable"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        plain(tmp_path, **parameters)
