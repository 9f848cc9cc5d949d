"""The state of a job of PBS, from its letter, its exit status and its substate."""

from __future__ import annotations

import time

import pytest

from pipeline.launch.pbs.job_state import read_json, read_text, state_of

RAN = {"job_state": "F", "run_count": 1, "exec_host": "n1/0"}


def test_the_key_of_the_jobs_may_come_once_for_each_of_them() -> None:
    assert read_json('{"Jobs": {"1.s": {"job_state": "R"}}, "Jobs": {"2.s": {"job_state": "Q"}}}').keys() == {
        "1.s",
        "2.s",
    }


@pytest.mark.parametrize("text", ["", "[]", "qstat: help", '{"Jobs": {"1.s": {"C": 005}}}'])
def test_what_is_no_json_is_not_taken_for_an_empty_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|no object|delimiter"):
        read_json(text)


def test_a_variable_that_looks_like_an_attribute_does_not_hide_the_attribute() -> None:
    text = "Job Id: 1.s\n    job_state = R\n    Variable_List = A=1\n    job_state = F\n    comment = x\n"
    assert state_of(read_text(text)["1.s"]) == ("RUNNING", None, "x")


@pytest.mark.parametrize(
    ("letters", "state"),
    [("QHWTM", "PENDING"), ("RB", "RUNNING"), ("E", "COMPLETING"), ("SU", "PREEMPTED"), ("?", "UNKNOWN")],
)
def test_letters_of_states(letters: str, state: str) -> None:
    assert {state_of({"job_state": letter})[0] for letter in letters} == {state}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, "COMPLETED"),
        (1, "FAILED"),
        (255, "FAILED"),
        (265, "FAILED"),
        (271, "CANCELLED"),
        (-29, "TIMEOUT"),
        (-28, "TIMEOUT"),
        (-27, "OUT_OF_MEMORY"),
        (-11, "NODE_FAIL"),
        (-14, "NODE_FAIL"),
        (-18, "NODE_FAIL"),
        (-10, "FAILED"),
        (-21, "FAILED"),
    ],
)
def test_exit_statuses_of_jobs_that_ran(status: int, state: str) -> None:
    assert state_of({**RAN, "Exit_status": status})[:2] == (state, status)
    assert state_of({**RAN, "job_state": "X", "Exit_status": str(status)})[:2] == (state, status)


@pytest.mark.parametrize(
    ("letter", "state"), [("R", "RUNNING"), ("Q", "PENDING"), ("E", "COMPLETING"), ("B", "RUNNING")]
)
def test_exit_status_of_a_job_that_is_not_over_is_none(letter: str, state: str) -> None:
    """An ``R`` after ``qrerun`` still has -11 of the first time, an array the last one of its subjobs."""
    for status in (-11, 0, 1, 2, 271):
        assert state_of({**RAN, "job_state": letter, "run_count": 2, "Exit_status": status})[:2] == (state, None)


def test_a_deleted_job_is_cancelled_whatever_its_script_made_of_the_signal() -> None:
    assert state_of({**RAN, "Exit_status": 3, "substate": "91"})[0] == "CANCELLED"


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_subjob_that_was_deleted_before_it_started_is_cancelled_whatever_its_array_ended_with(status: int) -> None:
    job = {"job_state": "F", "substate": 92, "comment": "Subjob finished", "Exit_status": status}
    assert state_of(job)[0] == "CANCELLED"
    assert state_of({**job, "run_count": 1})[0] == ("FAILED" if status else "COMPLETED")


def test_sigterm_at_the_walltime_is_a_time_out_where_the_server_has_no_code_for_it() -> None:
    times = {"resources_used": {"walltime": "01:00:02"}, "Resource_List": {"walltime": "01:00:00"}}
    assert state_of({**RAN, **times, "Exit_status": 271})[0] == "TIMEOUT"
    text = {"resources_used.walltime": "00:10:00", "Resource_List.walltime": "01:00:00"}
    assert state_of({**RAN, **text, "Exit_status": 271})[0] == "CANCELLED"


def test_an_exit_status_may_come_late_but_not_for_ever() -> None:
    job = {**RAN, "history_timestamp": 1000}
    assert state_of(job, now=1010.0)[0] == "COMPLETING"
    assert state_of(job, now=2000.0)[0] == "GONE"
    at = time.mktime(time.strptime("Mon Nov 23 02:47:53 2026"))
    assert state_of({**RAN, "obittime": "Mon Nov 23 02:47:53 2026"}, now=at + 10)[0] == "COMPLETING"


def test_of_a_subjob_that_the_server_has_put_away_nothing_is_awaited() -> None:
    job = {"job_state": "X", "comment": "Subjob finished", "mtime": "Mon Nov 23 02:48:19 2026"}
    assert state_of(job, now=0.0)[0] == "GONE"
    assert state_of({**job, "run_count": 1}, now=0.0)[0] == "COMPLETING"
