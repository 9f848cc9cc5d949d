"""The run that was last worked on is the newest, whenever it was begun."""

import os
from pathlib import Path

import pytest

from pipeline.records.last_work import last_worked_on, note_work


@pytest.mark.parametrize("trace", ["plan.json", "outcomes", "records", ".lock"])
def test_planning_training_and_commands_are_work(tmp_path: Path, trace):
    (tmp_path / trace).mkdir()
    os.utime(tmp_path / trace, (1e9, 1e9))
    assert last_worked_on(tmp_path) == 1e9


def test_reading_is_none(tmp_path: Path):
    for name in ("report.html", "theory", "wandb"):
        (tmp_path / name).mkdir()
    assert last_worked_on(tmp_path) == last_worked_on(tmp_path / "nowhere") == 0.0


def test_a_command_is_noted_even_if_nothing_is_left_to_do(tmp_path: Path):
    (tmp_path / "plan.json").touch()
    os.utime(tmp_path / "plan.json", (1e9, 1e9))
    note_work(tmp_path)
    assert last_worked_on(tmp_path) > 1e9
    note_work(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
