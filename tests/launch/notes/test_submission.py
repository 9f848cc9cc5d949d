"""Notes of what was sent."""

import dataclasses
import json

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.notes.submission import (
    Submission,
    folder_of,
    forget_submission,
    next_name,
    read_submission,
    read_submissions,
    write_submission,
)


def submission(name="xor-0a1b2c-1", tasks=(("p1", "p2"), ("p3",)), **fields):
    given = {
        "cluster": "soc",
        "overrides": ("queue=gpu",),
        "scheduler": "slurm",
        "slurm_conf": None,
        "seconds": tuple(1.5 for _ in tasks),
        "costs": {pack: 1.5 for task in tasks for pack in task},
        "minutes": 30,
        "memory_gib": 16.0,
        "margin_seconds": 60.0,
        "gpus": 1,
        "requeue": True,
        "link": 0,
        "after": None,
        "code": "abc",
        "sent_at": 12.25,
    }
    return Submission(name=name, tasks=tasks, **given | fields)


def test_note_is_read_as_it_was_written(tmp_path):
    noted = submission(job="4711")
    write_submission(tmp_path, noted)
    assert read_submission(tmp_path, noted.name) == noted
    assert read_submissions(tmp_path) == [noted]


def test_notes_come_in_the_order_in_which_they_were_sent(tmp_path):
    for number in (10, 2, 1, 9):
        write_submission(tmp_path, submission(f"xor-0a1b2c-{number}"))
    assert [one.number for one in read_submissions(tmp_path)] == [1, 2, 9, 10]


def test_task_of_an_array_and_a_single_job_are_named_as_submitit_names_them():
    assert submission(job="12").task_id(1) == "12_1"
    assert submission(tasks=(("p1",),), job="12").task_id(0) == "12"


def test_names_are_short_begin_with_a_letter_and_are_never_given_twice(tmp_path):
    run = tmp_path / "3d number game-0123456789"
    first = next_name(run)
    assert len(first) <= 15
    assert first[0].isalpha()
    assert first.isascii()
    write_submission(run, submission(first))
    second = next_name(run)
    assert second != first
    folder_of(run, second).mkdir(parents=True)  # its note was forgotten, but its job may still appear
    assert next_name(run) not in (first, second)


def test_names_of_two_runs_differ(tmp_path):
    assert next_name(tmp_path / "xor-0123456789") != next_name(tmp_path / "other" / "xor-0123456789")


def test_forgotten_note_is_gone(tmp_path):
    write_submission(tmp_path, submission())
    forget_submission(tmp_path, submission())
    assert read_submissions(tmp_path) == []


def test_damaged_note_is_told_with_its_place(tmp_path):
    write_submission(tmp_path, submission())
    path = tmp_path / "jobs" / "xor-0a1b2c-1.json"
    content = json.loads(path.read_text())
    for damage in ("", "[]", json.dumps(content | {"colour": 1}), path.read_text()[:-20]):
        path.write_text(damage)
        with pytest.raises(PipelineError, match=r"xor-0a1b2c-1\.json: not the note of a submission"):
            read_submissions(tmp_path)


def test_note_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError, match="job"):
        submission().job = "12"
