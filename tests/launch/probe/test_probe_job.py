"""A job that cannot be sent is said to be refused, before anything is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.probe.probe_job import inspect_node


def cluster(folder: Path) -> Cluster:
    return Cluster("somewhere", Profile("A cluster.", "slurm", str(folder), gpus=0, bands=(WalltimeTier(1.0),)))


def test_a_job_that_is_refused_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, script in (("srun", ""), ("squeue", ""), ("sbatch", "echo 'sbatch: error: no such account' >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    said: list[str] = []
    with pytest.raises(PipelineError, match=r"^somewhere refused the job: no such account\n  hint: --no-job asks"):
        inspect_node(cluster(tmp_path / "runs"), said.append, 60.0)
    assert said == []


def test_a_folder_that_submitit_would_read_otherwise_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"jobs cannot run in a folder with % in its path\n  hint: "):
        inspect_node(cluster(tmp_path / "100%"), print, 60.0)
    assert not (tmp_path / "100%").exists()
