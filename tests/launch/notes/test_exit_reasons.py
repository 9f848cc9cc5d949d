"""Why a worker ended is read from what the scheduler left in its log."""

from pathlib import Path

import pytest

from pipeline.launch.notes.exit_reasons import (
    CANCELLED,
    KILLED,
    NODE_FAILURE,
    OUT_OF_MEMORY,
    TIME_LIMIT,
    exit_reason,
    exit_reason_in,
    most_informative_line,
    part_of,
    tail,
)
from pipeline.launch.state.history import log_of


def write_log(run, index, text, suffix=".err"):
    path = log_of(run, "xor-0a1b2c-1", f"12_{index}", 0).with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_attempt_whose_beginning_is_not_in_the_log_is_asked_all_of_it_up_to_the_next(tmp_path):
    log = write_log(tmp_path, 0, "first\nsecond\n")
    assert part_of(log, 1) == part_of(log, 2) == "first\nsecond\n"
    log.write_text("first\n=== attempt 3 of 12_0, worker 0, on dev1 ===\nthird\n")
    assert part_of(log, 2) == "first\n"
    assert part_of(log, 3) == part_of(log, 4) == "=== attempt 3 of 12_0, worker 0, on dev1 ===\nthird\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=12.0", OUT_OF_MEMORY),
        ("=>> PBS: job killed: walltime 78 exceeded limit 60", TIME_LIMIT),
        ("JOB 12 ON dev1 CANCELLED AT 2026-11-30T09:00:00 DUE TO TIME LIMIT", TIME_LIMIT),
        ("=>> PBS: job killed: qdel", CANCELLED),
        ("JOB 12 ON dev1 CANCELLED AT 2026-11-30T09:00:00 DUE TO NODE FAILURE", NODE_FAILURE),
        ("progress: 3 of 4", KILLED),
    ],
)
def test_words_of_slurm_and_pbs_name_the_reason(text: str, reason: str) -> None:
    assert exit_reason_in(text) == reason


def test_a_log_that_is_not_there_names_none(tmp_path: Path) -> None:
    assert exit_reason([tmp_path / "12_0_log.err"]) == KILLED
    assert tail(tmp_path / "12_0_log.err") == ""


def test_the_line_that_names_an_error_helps_most() -> None:
    texts = ["=== attempt 1 of 12, worker 0, on n1 ===", "loading\nImportError: no torch\nTerminated"]
    assert most_informative_line(texts) == "ImportError: no torch"
    assert most_informative_line(["logout\n", ""]) == "logout"
    assert most_informative_line([]) == ""
