"""Theory takes from a rule what it says of quadratics, and goes without where a rule of one's own fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Shape
from pipeline.extensions.loading import load_file
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, Momentum, Nesterov, Optimizer
from pipeline.optimizers.stability_limits import Limit
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.theory.own_code import in_sentences, parts_left_out
from pipeline.report.theory.rule_on_quadratics import meaning_of_limit, recurrence_of, stability_factor_of

OWN = """
from dataclasses import dataclass
from typing import ClassVar, final
from pipeline.optimizers.rules import UpdateRule

@final
@dataclass(frozen=True)
class Unsure(UpdateRule):
    slots: ClassVar[int] = 0

    def stability_factor(self):
        return 2.0 / 0.0

    def on_quadratics(self):
        return {}["momentum"]

    def __call__(self, weights_TN, gradient_TN, slots, learning_rates_T1, step):
        weights_TN.addcmul_(learning_rates_T1, gradient_TN, value=-1)
"""


def shape_of(optimizer: Optimizer) -> Shape:
    shape = next(Experiment("?", (Linear(),), (4,), target=(AbsoluteValue(),)).shapes())
    return replace(shape, optimizer=optimizer)


@pytest.fixture
def unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shape:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    (rule,) = load_file(path).definitions
    assert issubclass(rule, Optimizer)
    return shape_of(rule())


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(0.5), Nesterov(), Adam(), LeastSquares()])
def test_a_rule_is_quoted_as_it_is(rule: Optimizer) -> None:
    assert recurrence_of(shape_of(rule)) == rule.on_quadratics()
    assert stability_factor_of(shape_of(rule)) == rule.stability_factor()
    assert meaning_of_limit(shape_of(rule)) is (Limit.EXACT if rule.on_quadratics() else None)


def test_where_a_rule_of_ones_own_fails_there_is_no_theory_and_its_lines_are_told(unsure: Shape) -> None:
    with parts_left_out() as left_out:
        assert recurrence_of(unsure) is stability_factor_of(unsure) is meaning_of_limit(unsure) is None
    assert in_sentences(left_out) == [
        "left out: theory of unsure; mine.py:15: KeyError: 'momentum'",
        "left out: theory of unsure; mine.py:12: ZeroDivisionError: float division by zero",
    ]


def test_where_nothing_may_be_left_out_it_fails(unsure: Shape) -> None:
    with pytest.raises(KeyError, match="momentum"):
        recurrence_of(unsure)
