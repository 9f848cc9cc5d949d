"""Jobs of this machine are processes, known by the folder that they were given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.launch.schedulers.local import LocalScheduler


def test_process_that_has_the_number_of_a_job_is_not_that_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ps = tmp_path / "ps"
    ps.write_text("#!/bin/sh\necho '4711 python -u -m submitit.local._local /runs/other/jobs/other-0a1b2c-1'\n")
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    mine, other = Path("/runs/xor/jobs/xor-0a1b2c-1"), Path("/runs/other/jobs/other-0a1b2c-1")
    assert LocalScheduler().tasks({"4711": mine}) == []
    assert [task.id for task in LocalScheduler().tasks({"4711": other})] == ["4711"]
    assert [task.id for task in LocalScheduler().tasks({}, [other.name])] == ["4711"]
