"""What a run would take here is said before it is trained, less what is finished there or in other runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import pipeline
from pipeline.api.opened_run import Run


def test_of_a_finished_run_nothing_is_left(trained: Run) -> None:
    number = trained.plan.num_trials
    found = pipeline.estimate(trained.plan.experiment, out=trained.folder)
    assert (found.left_trials, found.finished, found.takes) == (0, number, None)
    assert str(found) == f"{number} of {number} trials are finished there\nnothing is left to train"


def test_what_another_run_has_finished_is_not_counted_unless_all_is_trained_afresh(
    trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    number, out = trained.plan.num_trials, trained.folder.parent / "more"
    more = pipeline.estimate(trained.plan.experiment, out=out, seeds=3)
    assert more.takes is not None
    assert 0 < more.takes.least_s < more.takes.most_s < 60
    assert more.left_trials == more.plan.num_trials - number > 0
    assert more.sentences[0].startswith(f"{number} of {more.plan.num_trials} trials are trained already and are taken")
    assert more.sentences[-2:] == [f"{more.left_trials} are left to train", str(more.takes)]
    fresh = pipeline.estimate(trained.plan.experiment, out=out, seeds=3, fresh=True)
    assert fresh.left_trials == fresh.plan.num_trials
    assert fresh.sentences == [str(fresh.takes)]
    assert capsys.readouterr() == ("", "")
    assert not out.exists()


def test_what_takes_long_is_said_with_what_it_rests_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = pipeline.estimate("xor", out=tmp_path / "run", steps=10**9, quick=True)
    assert found.takes is not None
    assert found.takes.least_s > 60
    assert found.takes.measured == 0
    assert "by the count of operations" in str(found)
