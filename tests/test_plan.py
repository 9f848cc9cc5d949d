"""A plan is written once, before anything is trained, and read back as it was."""

import json
import re

import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment, Inputs, LogSpaced, TimesLimits
from pipeline.models.bases import BASES
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plan import make_plan, read_plan, write_plan
from pipeline.problems.datasets import Digits
from pipeline.problems.targets import TARGETS, Gaussian


def experiments():
    bases = tuple(Linear(basis()) for basis in BASES.values())
    common = {"question": "<Why> \"so\" & 'what'?", "widths": (2, 3)}
    for name, target in TARGETS.items():
        yield name, Experiment(models=(*bases, Shallow()), target=(target(),), **common)
    yield "digits", Experiment(models=(Shallow(),), data=(Digits(),), learning_rates=LogSpaced(0.1, 1, 3), **common)
    limits = TimesLimits((0.5, 1.5))
    yield "limits", Experiment(models=bases, target=(Gaussian(),), learning_rates=limits, **common)
    inputs = Inputs(dimension=(1, 2), train=(9, 10), noise=(0.0, 0.25), seed=3)
    yield "axes", Experiment(models=bases, target=(Gaussian(),), inputs=inputs, batch_size=4, seeds=(5, 7), **common)


@pytest.mark.parametrize("experiment", [e for _, e in experiments()], ids=[name for name, _ in experiments()])
def test_plan_is_read_back_as_it_was_written(experiment, tmp_path):
    plan = make_plan("name", experiment)
    write_plan(plan, tmp_path)
    again = read_plan(tmp_path)
    assert again == plan or (again.experiment, list(again.trials)) == (plan.experiment, list(plan.trials))
    assert [pack.id for pack in again.packs] == [pack.id for pack in plan.packs]
    assert again.folder_name == plan.folder_name


@pytest.fixture
def plan():
    return make_plan("small", Experiment("Why?", (Shallow(),), (2,), target=(Gaussian(),), learning_rates=(0.1,)))


def test_plan_that_is_there_stays(plan, tmp_path):
    write_plan(plan, tmp_path)
    before = (tmp_path / "plan.json").read_bytes()
    write_plan(make_plan("other", plan.experiment), tmp_path)
    assert (tmp_path / "plan.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_folder_without_a_plan_is_no_run(tmp_path):
    what = f"{tmp_path / 'plan.json'}: {str(tmp_path)!r} is not the folder of a run"
    with pytest.raises(PipelineError, match="^" + re.escape(what)):
        read_plan(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"packs": [{}]}', "null"])
def test_damaged_plan_is_refused(plan, tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PipelineError, match="^" + re.escape(f"{tmp_path / 'plan.json'}: not a plan: ")):
        read_plan(tmp_path)


def test_plan_whose_trials_are_not_those_of_its_experiment_is_refused(plan, tmp_path):
    write_plan(plan, tmp_path)
    content = json.loads((tmp_path / "plan.json").read_text())
    content["packs"][0]["trials"][0] = "0" * 64
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(PipelineError, match=r"plan\.json: version .* makes other trials of this experiment than"):
        read_plan(tmp_path)
