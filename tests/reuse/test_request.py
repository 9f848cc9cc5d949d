"""What is not said about reuse means that the runs beside are looked into."""

from pipeline.reuse.request import REUSE, Reuse


def test_by_default_finished_trials_are_taken_from_the_runs_beside() -> None:
    assert Reuse(fresh=False, folders=()) == REUSE
