"""A build answers each request once it has done as many times what was asked for, and makes each pack once."""

import io
import json

import pytest

from pipeline.bench import peers, served_build
from pipeline.bench.served_build import serve, served_steps

REQUEST = {"what": "step", "model": "relu", "shape": [12, 1, 5, 1], "trials": 3, "dtype": "float64"}


def test_requests_are_answered_in_turn_and_a_pack_is_made_once(monkeypatch):
    asked, counts = [], []
    monkeypatch.setattr(served_build, "served_steps", lambda request: asked.append(request) or counts.append)
    answers = io.StringIO()
    serve(io.StringIO("".join(json.dumps(REQUEST | {"count": count}) + "\n" for count in (1, 4, 2))), answers)
    assert answers.getvalue() == "done\n" * 3
    assert asked == [REQUEST]
    assert counts == [1, 4, 2]


@pytest.mark.parametrize("model", ["relu", "haar"])
def test_a_step_is_one_of_the_pack_that_is_asked_for(monkeypatch, model):
    made = []
    monkeypatch.setattr(peers, "stacked", lambda pack: made.append(pack) or (lambda count: None, 3))
    shape = [16, 1, 4, 1]
    served_steps(REQUEST | {"model": model, "shape": shape})
    problem, trials = made[0].shape.problem, made[0].trials
    assert [problem.train, problem.num_inputs, made[0].shape.width, problem.num_outputs] == shape
    assert {trial.shape.dtype for trial in trials} == {made[0].shape.dtype} == {"float64"}
    assert len(trials) == 3
    assert model in made[0].shape.model.label()


def test_sharpness_is_found_as_often_as_is_asked_for():
    served_steps(REQUEST | {"what": "sharpness"})(2)


def test_a_build_without_a_bench_is_refused(monkeypatch):
    monkeypatch.setattr(served_build, "BENCHES", (("pipeline.no_such_room", "pipeline.bench.peers"),))
    with pytest.raises(ModuleNotFoundError, match=r"^this build has no bench that is known$"):
        served_steps(REQUEST)
