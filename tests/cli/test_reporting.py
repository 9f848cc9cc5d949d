"""A run is shown by its folder, and one that is none is refused."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.cli.reporting import RecordsOptions, ReportOptions, ResultsOptions, records, report, results
from pipeline.errors import PipelineError


def test_a_folder_without_a_plan_cannot_be_shown(tmp_path: Path) -> None:
    where = re.escape(str(tmp_path / "plan.json"))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        results(ResultsOptions(tmp_path))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        report(ReportOptions(tmp_path))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        records(RecordsOptions((str(tmp_path),)))
    assert list(tmp_path.iterdir()) == []


GIVES_NOTHING = """
from dataclasses import dataclass
from typing import final
from pipeline.problems.targets import Target

@final
@dataclass(frozen=True)
class Nothing(Target):
    def __call__(self, inputs_PD):
        return None if len(inputs_PD) == 99 else inputs_PD[:, 0]
"""
QUESTION = """
question: What can be learned from nothing?
use: nothing.py
target: nothing
inputs: {train: 99, test: 99}
models: [shallow, {linear: {basis: monomial}}]
widths: [2]
optimizer: gradient_descent
learning_rates: [0.1]
steps: 10
seeds: 1
"""


def test_a_run_of_which_every_trial_failed_has_a_page_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The theory of the page would draw the same data, and fail as the trials did."""
    monkeypatch.chdir(tmp_path)
    Path("nothing.py").write_text(GIVES_NOTHING)
    Path("question.yaml").write_text(QUESTION)
    assert main(["run", "question.yaml", "--out", "run"]) == 1
    reason = "nothing.py:6: class Nothing: TypeError: 'NoneType' object is not subscriptable"
    said = capsys.readouterr().err
    assert f"2 trials failed: {reason}\ntracebacks: run/logs\nreport: run/report.html\n" in said
    assert reason in html.unescape(Path("run/report.html").read_text())
