"""Two runs are shown side by side, for people or for programs, and a folder that is none is refused."""

from __future__ import annotations

import json

import pytest

from pipeline.cli.comparing import CompareOptions, compare
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine


@pytest.fixture
def runs(tmp_path):
    """Folders of two runs, planned and not trained, of which the second has more widths."""
    folders = (tmp_path / "one", tmp_path / "two")
    for folder, widths in zip(folders, ((2,), tuple(range(2, 14))), strict=True):
        write_plan(make_plan("name", Experiment("Wide?", (Shallow(),), widths, (Sine(),), seeds=1)), folder)
    return folders


def test_two_runs_are_shown_to_a_person(runs, capsys):
    assert compare(CompareOptions(runs, json=False)) == 0
    said = capsys.readouterr()
    assert "widths" in said.out
    assert "7 trials in both, 77 trials in one only" in said.err
    assert "and 67 more rows; --json writes all" in said.err
    assert "all of these ended alike" in said.err
    assert said.err.endswith(
        "the first answers: Nothing has been recorded yet: 7 trials to come.\n"
        "the second: Nothing has been recorded yet: 84 trials to come.\n"
    )


def test_one_answer_is_said_once(runs, capsys):
    assert compare(CompareOptions((runs[0], runs[0]), json=False)) == 0
    assert capsys.readouterr().err.endswith("both answer: Nothing has been recorded yet: 7 trials to come.\n")


def test_all_of_it_is_written_for_a_program(runs, capsys):
    assert compare(CompareOptions(runs, json=True)) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["first"], found["second"], found["both"]) == (*map(str, runs), 7)
    assert len(found["alone"]) == 77
    assert found["answers"] == [f"Nothing has been recorded yet: {number} trials to come." for number in (7, 84)]
    assert found["question"][0]["field"] == "widths"


def test_a_folder_that_is_none_is_refused(runs, tmp_path):
    with pytest.raises(PipelineError, match=r"none: there is no such folder\n  hint: did you mean "):
        compare(CompareOptions((runs[0], tmp_path / "none"), json=False))
