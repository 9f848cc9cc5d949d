"""What is not said about reuse means that the runs beside are looked into."""

from pathlib import Path

from pipeline.reuse.request import REUSE, Reuse


def test_by_default_finished_trials_are_taken_from_the_runs_beside() -> None:
    assert Reuse(fresh=False, folders=()) == REUSE


def test_one_folder_stands_for_a_list_of_it() -> None:
    assert Reuse.of(False, "runs") == Reuse.of(False, [Path("runs")]) == Reuse(folders=(Path("runs"),))
