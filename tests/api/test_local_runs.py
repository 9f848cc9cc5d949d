"""An experiment is trained by one call, and the same call goes on where it was stopped."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.api.run_contents import files_of

ASKED: dict[str, Any] = {
    "question": "?",
    "target": "xor",
    "models": ["shallow"],
    "widths": [2, 3, 4],
    "learning_rates": [0.1],
    "seeds": 2,
    "steps": 10,
}


def test_a_run_lies_in_runs_under_its_name_and_is_trained_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = pipeline.run(ASKED, name="mine")
    files = files_of(run.folder)
    assert run.folder == tmp_path / "runs" / run.plan.folder_name
    assert set(run.results()["status"]) == {"done"}
    again = pipeline.run(ASKED, name="mine")
    assert again.folder == run.folder
    assert files_of(run.folder) == files
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines()[-1].startswith("6/6 trials")


class Interrupting(io.StringIO):
    """A standard error at whose first line a person presses Ctrl-C."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Interrupting())
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(ASKED, out=tmp_path)
    assert pipeline.open(tmp_path).results()["status"].to_list() == ["pending"] * 6
    assert pipeline.run(ASKED, out=tmp_path).results()["status"].to_list() == ["done"] * 6


def test_a_thread_other_than_the_first_trains_as_well(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(pipeline.run, ASKED, out=tmp_path / "run").result()
    assert run.results()["status"].to_list() == ["done"] * 6


BROKEN = '''
"""An activation that cannot be trained."""

from dataclasses import dataclass
from typing import final

from pipeline.models.activations import Activation


@final
@dataclass(frozen=True)
class Broken(Activation):
    """An activation without a derivative."""

    def __call__(self, z):
        return z.clone()

    def apply_(self, z):
        return z

    def multiply_by_derivative_(self, gradient, value):
        if gradient.ndim > 1:  # of a stack of networks
            raise RuntimeError("there is no derivative")
        return gradient

    def second_derivative(self, value):
        raise RuntimeError("there is no derivative")
'''


def test_trials_that_fail_are_a_warning_that_says_where_the_reasons_are(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    own = ASKED | {"use": [str(tmp_path / "broken.py")], "models": [{"shallow": {"activation": "broken"}}]}
    with pytest.warns(UserWarning, match=r"^6 trials failed; results\(where=\"status = 'failed'\"\) says why$"):
        run = pipeline.run(own, out=tmp_path / "run")
    assert all("there is no derivative" in reason for reason in run.results(where="status = 'failed'")["reason"])
