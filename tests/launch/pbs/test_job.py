"""The full id and the exit code of a job are in files beside it."""

from __future__ import annotations

from pathlib import Path

from pipeline.launch.pbs.job import full_id, with_own_word
from pipeline.launch.pbs.job_state import JobInfo


def test_the_full_id_is_known_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "12_full_id").write_text("12[].pbs102")
    assert full_id(tmp_path, "12_7") == "12[7].pbs102"
    assert full_id(tmp_path, "12") == "12[].pbs102"
    (tmp_path / "13_full_id").write_text("13.pbs101")
    assert full_id(tmp_path, "13") == "13.pbs101"
    assert (full_id(tmp_path, "99"), full_id(tmp_path, "99_3")) == ("99", "99[3]")


def test_a_subjob_that_ran_is_not_taken_for_one_that_never_started(tmp_path: Path) -> None:
    info = JobInfo("1[0].s", "CANCELLED", 1, "Subjob finished")
    assert with_own_word(tmp_path, "1_0", info) == info
    (tmp_path / "1_0_exit_code").write_text("1\n")
    assert with_own_word(tmp_path, "1_0", info).state == "FAILED"
