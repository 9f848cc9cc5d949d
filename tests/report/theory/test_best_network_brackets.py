"""Every problem of a run that has a best network gets its brackets, once, and the others have none."""

from __future__ import annotations

import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.best_networks import best_networks, held_out_points
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.datasets import Diabetes
from pipeline.problems.targets import Sine, Xor, XSquared
from pipeline.report.theory import best_network_brackets
from pipeline.report.theory.best_network_brackets import brackets_of_plan


def plan_of(**fields):
    return make_plan("test", Experiment("?", (Shallow(),), (2, 4), **{"seeds": 1, "learning_rates": (0.1,)} | fields))


def test_brackets_of_a_plan_are_those_of_its_problems_at_its_widths(tmp_path):
    plan = plan_of(target=(Sine(), XSquared()))
    found = brackets_of_plan(plan, tmp_path)
    problems = {pack.shape.problem.identity: pack.shape.problem for pack in plan.packs}
    assert found.keys() == problems.keys()
    for identity, problem in problems.items():
        assert found[identity].by_width == best_networks(held_out_points(problem.load()), (2, 4))
        assert found[identity].scale == pytest.approx(1, rel=1e-2)
    assert brackets_of_plan(plan, tmp_path) == found


def test_brackets_that_were_kept_are_not_computed_again(tmp_path, monkeypatch):
    before = brackets_of_plan(plan_of(target=(Sine(),)), tmp_path)
    monkeypatch.setattr(best_network_brackets, "best_networks", None)
    assert brackets_of_plan(plan_of(target=(Sine(),)), tmp_path) == before
    with pytest.raises(TypeError, match=r"^'NoneType' object is not callable$"):
        brackets_of_plan(plan_of(target=(Sine(3.0),)), tmp_path)


def test_several_inputs_and_classes_have_no_best_network_nor_have_points_that_are_gone(monkeypatch):
    assert brackets_of_plan(plan_of(target=(Xor(),)), None) == {}
    assert brackets_of_plan(plan_of(data=(Diabetes(),)), None) == {}
    monkeypatch.setattr(best_network_brackets, "dataset_of", lambda problem: None)
    (known,) = brackets_of_plan(plan_of(target=(Sine(),)), None).values()
    assert known.by_width == {}
