"""The packs of a run by name, and packs that were halved."""

import json

import polars as pl
import pytest

from pipeline.config import read_experiment
from pipeline.errors import PipelineError
from pipeline.experiment.identity import id_of_pack
from pipeline.plans import make_plan, read_plan, write_plan
from pipeline.records.packs import halve, parents_of_halves, read_packs, times_halved
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.records.store import read_outcomes, read_records, write_outcomes, write_records


@pytest.fixture
def run(tmp_path):
    config = tmp_path / "small.yaml"
    config.write_text(
        "question: Small?\ntarget: x_squared\ninputs: {train: 16, test: 16}\nmodels: [shallow]\nwidths: [2, 3]\n"
        "learning_rates: [0.1]\nsteps: 5\nseeds: 5\n"
    )
    write_plan(make_plan("small", read_experiment(config)), tmp_path)
    return tmp_path


def test_packs_are_those_of_the_plan(run):
    plan = read_plan(run)
    assert read_packs(run) == {pack.id: tuple(trial.id for trial in pack.trials) for pack in plan.packs}


def test_halves_hold_the_trials_of_the_whole_in_order(run):
    before = read_packs(run)
    first = next(iter(before))
    halves = halve(run, first, before[first])
    after = read_packs(run)
    assert list(after) == [*halves, *list(before)[1:]]
    assert sum((after[half] for half in halves), ()) == before[first]
    assert [len(after[half]) for half in halves] == [3, 2]
    assert all(id_of_pack(trials) == pack for pack, trials in after.items())


def test_half_can_be_halved_again(run):
    whole = next(iter(read_packs(run)))
    trials = read_packs(run)[whole]
    first, second = halve(run, whole, trials)
    quarters = halve(run, first, read_packs(run)[first])
    assert list(read_packs(run))[:3] == [*quarters, second]
    assert parents_of_halves(run) == dict.fromkeys((first, second), whole) | dict.fromkeys(quarters, first)
    assert times_halved(run) == {first: 1, second: 1} | dict.fromkeys(quarters, 2)
    assert sum((read_packs(run)[pack] for pack in (*quarters, second)), ()) == trials


def test_plan_has_the_halves_as_packs_of_its_own_trials(run):
    plan = read_plan(run)
    whole = plan.packs[0]
    halves = halve(run, whole.id, tuple(trial.id for trial in whole.trials))
    again = read_plan(run)
    assert [pack.id for pack in again.packs] == [*halves, plan.packs[1].id]
    assert list(again.trials) == list(plan.trials)
    assert [pack.id for pack in again.run_as(plan.experiment).packs] == [pack.id for pack in again.packs]


def test_what_a_halved_pack_has_recorded_is_forgotten_and_nothing_else(run):
    for pack, trials in read_packs(run).items():
        rows = {"trial": list(trials), "pack": [pack] * len(trials)}
        write_records(
            run, pack, 0, pl.DataFrame(rows | {"step": 0, "diagnostic": "loss", "value": 1.0}, schema=RECORDS)
        )
        empty = dict.fromkeys(OUTCOMES.names()) | rows | {"status": "failed"}
        write_outcomes(run, pack, pl.DataFrame(empty, schema=OUTCOMES))
        (run / "checkpoints" / pack).mkdir(parents=True)
    whole, other = read_packs(run)
    halve(run, whole, read_packs(run)[whole])
    assert set(read_records(run)["pack"]) == {other}
    assert set(read_outcomes(run)["pack"]) == {other}
    assert [path.name for path in (run / "checkpoints").iterdir()] == [other]


def test_folder_without_a_plan_and_a_damaged_plan_are_told(tmp_path, run):
    with pytest.raises(PipelineError, match="is not the folder of a run"):
        read_packs(tmp_path / "nowhere")
    for damage in ("{", "[]", json.dumps({"packs": [1]}), json.dumps({"version": "1"})):
        (run / "plan.json").write_text(damage)
        with pytest.raises(PipelineError, match="not a plan"):
            read_packs(run)
