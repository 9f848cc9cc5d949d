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


SHY = """
from dataclasses import dataclass
from typing import ClassVar, final
import sys
import numpy as np
import torch
from pipeline.models.initialisations import Initialisation
from pipeline.optimizers.rules import Recurrence, UpdateRule
from pipeline.problems.targets import Target

def stay_away():
    frame = sys._getframe()
    while frame := frame.f_back:
        if "/pipeline/report/" in frame.f_code.co_filename:
            raise RuntimeError("not in a report")

@final
@dataclass(frozen=True)
class ShyDescent(UpdateRule):
    slots: ClassVar[int] = 0

    def stability_factor(self):
        stay_away()
        return 2.0

    def on_quadratics(self):
        stay_away()
        return Recurrence(0.0, nesterov=False)

    def __call__(self, weights_TN, gradient_TN, slots, learning_rates_T1, step):
        weights_TN.addcmul_(learning_rates_T1, gradient_TN, value=-1)

@final
@dataclass(frozen=True)
class ShyStart(Initialisation):
    source: ClassVar[str] = "of one's own"

    def weight_deviation(self, fan_in, fan_out):
        stay_away()
        return 1.0

@final
@dataclass(frozen=True)
class Shy(Target):
    def __call__(self, inputs_PD):
        stay_away()
        return inputs_PD[:, 0]

    def breaks(self):
        self(inputs_PD=self.points)
        return ()

    def second_derivative(self, x_P):
        return 0 * self(inputs_PD=x_P[:, None])

    def smoothness_on(self, low, high):
        return self(inputs_PD=self.points)[0]

    points = np.zeros((1, 1))
"""


def test_a_definition_that_fails_only_in_theory_leaves_a_page_with_all_that_does_not_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shy.py").write_text(SHY)
    question = QUESTION.replace("nothing.py", "shy.py").replace("target: nothing", "target: [shy, sine]")
    question = question.replace("[shallow,", "[{shallow: {activation: tanh, initialisation: shy_start}},")
    question = question.replace("optimizer: gradient_descent", "optimizer: [gradient_descent, shy_descent]")
    Path("question.yaml").write_text(question)
    assert main(["run", "question.yaml", "--out", "run"]) == 0
    out, said = capsys.readouterr()
    assert "linear(monomial)" in out
    (left_out,) = re.findall(r"^left out: (.*); (.*shy\.py:\d+: RuntimeError: not in a report)$", said, re.MULTILINE)
    parts = left_out[0].split(", ")
    assert {"theory of shy", "theory of shy_descent", "steps that are proved", "yardsticks"} <= set(parts)
    assert "theory of gradient_descent" not in parts
    page = html.unescape(Path("run/report.html").read_text())
    assert "Left out" in page
    assert left_out[1] in page
    assert main(["results", "run"]) == 0
    assert "left out: " in capsys.readouterr().err
