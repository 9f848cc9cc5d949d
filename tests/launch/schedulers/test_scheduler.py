"""What every scheduler does alike, whatever it is asked by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.launch.schedulers.scheduler import JobRequest, Scheduler, SchedulerTask


class Listed(Scheduler):
    """A scheduler that holds two tasks of one array."""

    def executor(self, folder: Path, request: JobRequest) -> Any:
        raise NotImplementedError

    def script(self, folder: Path, request: JobRequest, num_tasks: int) -> str:
        raise NotImplementedError

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        return [SchedulerTask(f"12_{index}", "xor-0a1b2c-1", "pending") for index in (3, 4) if "xor-0a1b2c-1" in names]

    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        raise NotImplementedError


def test_a_job_is_found_by_its_name_with_the_id_of_the_whole_array(tmp_path: Path) -> None:
    assert Listed().find(tmp_path, "xor-0a1b2c-1") == "12"
    assert Listed().find(tmp_path, "xor-0a1b2c-2") is None


def test_unless_it_says_otherwise_a_scheduler_keeps_what_waits_and_leaves_what_is_over(tmp_path: Path) -> None:
    assert not Listed().throws_away("13", "12", {"12": tmp_path, "13": tmp_path})
    assert not Listed().close("12", tmp_path)
