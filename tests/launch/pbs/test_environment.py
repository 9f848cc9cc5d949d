"""A worker in a job of PBS knows its job, its task and its nodes."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_a_job_of_a_job_environment_has_its_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.launch.pbs.environment import PbsJobEnvironment

    (tmp_path / "nodes").write_text("n1.site\nn1.site\nn2.site\n")
    for name, value in {
        "PBS_JOBID": "11[0].pbs01",
        "PBS_ARRAY_ID": "11[].pbs01",
        "PBS_ARRAY_INDEX": "0",
        "PBS_NODEFILE": str(tmp_path / "nodes"),
        "SUBMITIT_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    environment = PbsJobEnvironment()
    assert (environment.name(), environment.activated()) == ("pbs", False)
    assert environment.job_id == "11_0"
    assert environment.hostnames == ["n1.site", "n2.site"]
    assert environment.paths.submitted_pickle.name == "11_0_submitted.pkl"
    monkeypatch.setenv("PBS_JOBID", "12.pbs01")  # a job that was sent from inside a subjob
    assert environment.job_id == "12"
