"""The playground of a run knows its trials: all of them, or by a stated rule those that there is room for."""

from __future__ import annotations

import json

import pytest

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.plans import make_plan
from pipeline.problems.datasets import Diabetes, Table
from pipeline.problems.table_files import read_table
from pipeline.problems.targets import Sine
from pipeline.report.playground.held_tables import HeldTables
from pipeline.report.playground.trial_settings import (
    OWN_DEFINITIONS,
    RunTrials,
    run_trials,
    shape_setting,
    why_not,
)


def planned(**changes):
    whole = {"question": "Which?", "models": (Linear(), Shallow()), "widths": (2, 4), "target": (Sine(3.0),)}
    whole |= {"inputs": Inputs(train=(16,), noise=(0.0, 0.5), seed=3), "learning_rates": (0.1, 0.2), "seeds": (4, 5)}
    return make_plan("waves", Experiment(**(whole | changes)))


def test_every_trial_is_there_with_its_shape_its_rate_and_its_seed():
    plan = planned()
    held = run_trials(plan)
    assert held.run == "waves"
    assert held.sentences == []
    assert held.trials.keys() == plan.trials.keys()
    for id_, (shape, rate, seed) in held.trials.items():
        trial = plan.trials[id_]
        assert held.shapes[shape] == shape_setting(trial.shape, HeldTables())
        assert (rate, seed) == (trial.learning_rate, trial.seed)


def test_a_setting_says_all_that_the_id_of_a_trial_hangs_on_in_the_words_of_a_yaml_file():
    (shape,) = {pack.shape for pack in planned(models=(Shallow(),), widths=(2,), inputs=Inputs(train=(16,))).packs}
    assert shape_setting(shape, HeldTables()) == {
        "target": {"sine": {"frequency": 3.0}},
        "inputs": {"measure": {"uniform": {"low": -1.0, "high": 1.0}}, "dimension": 1, "test": 4096, "seed": 0},
        "num_points": 16,
        "noise": 0.0,
        "model": {"shallow": {"activation": {"relu": {}}, "initialisation": {"uniform_fan_in": {}}}},
        "width": 2,
        "loss": {"half_mean_square": {}},
        "optimizer": {"gradient_descent": {}},
        "steps": 2000,
        "batch_size": None,
        "dtype": "float32",
    }


def test_a_multiple_of_the_limit_stays_one_and_a_solver_has_no_rate():
    multiples = run_trials(planned(learning_rates=TimesLimits((0.5,))))
    assert {json.dumps(rate) for _, rate, _ in multiples.trials.values()} == {'{"of_limit": 0.5}'}
    solved = run_trials(planned(models=(Linear(),), optimizer=LeastSquares(), learning_rates=None))
    assert {rate for _, rate, _ in solved.trials.values()} == {None}


@pytest.mark.parametrize("most", [3, 8, 15])
def test_of_many_trials_those_of_the_first_seed_are_kept_and_the_page_says_how_many(most):
    plan = planned(models=(Shallow(),))
    assert plan.num_trials == 16
    held = run_trials(plan, most=most)
    first = [trial.id for trial in plan.trials.values() if trial.seed == 4]
    assert list(held.trials) == first[:most]
    assert held.sentences == [f"The page holds {min(most, len(first))} of 16 trials: those of the first seed of each."]
    assert run_trials(plan, most=16).sentences == []


def test_of_many_trials_those_that_the_report_shows_are_kept():
    plan = planned(models=(Shallow(),))
    shown = list(plan.trials)[3::5]
    held = run_trials(plan, shown, most=15)
    assert list(held.trials) == shown
    assert held.sentences == [f"The page holds {len(shown)} of 16 trials: those that the report shows."]
    assert run_trials(plan, shown).trials.keys() == plan.trials.keys()


def test_points_of_several_seeds_and_features_of_each_are_one_setting():
    inputs = Inputs(train=(16,), seed=(1, 2, 3))
    plan = planned(models=(Shallow(),), widths=(2,), learning_rates=(0.1,), inputs=inputs)
    (kept,) = run_trials(plan, most=5).trials
    assert plan.trials[kept].shape.problem.seed == 1


def test_trials_of_a_table_name_it_and_its_points_are_held_once():
    plan = planned(target=(), data=(Diabetes(),), inputs=Inputs(train=(20,)), models=(Shallow(),))
    held = run_trials(plan)
    (table,) = held.tables
    assert held.trials.keys() == plan.trials.keys()
    assert [shape["table"] for shape in held.shapes] == [0, 0]
    assert (table["dimension"], table["outputs"], len(table["points"])) == (10, 1, 200)


def test_a_table_that_is_gone_is_left_out_and_said(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(9)))
    plan = planned(target=(), data=(Table(path, ("x",), ("y",)),), inputs=Inputs(), models=(Shallow(),))
    path.unlink()
    read_table.cache_clear()
    moved = "Trials on rows.csv(x -> y) cannot be played: the table was moved, or has changed since."
    assert run_trials(plan) == RunTrials("waves", [], [], {}, [moved])


def test_a_definition_of_a_users_own_is_none_of_the_pages(monkeypatch):
    monkeypatch.setattr(Sine, "code_sha256", "0" * 64)
    assert why_not(planned().packs[0].shape) == OWN_DEFINITIONS


def test_no_run_has_no_trials():
    assert RunTrials().as_json() == {"run": "", "tables": [], "shapes": [], "trials": {}, "sentences": []}
