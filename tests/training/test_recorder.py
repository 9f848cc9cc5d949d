"""Records hold every diagnostic at every recorded step, once."""

import numpy as np
import polars as pl
import pytest

from pipeline.diagnostics import DEFAULT_DIAGNOSTICS, DIAGNOSTICS
from pipeline.experiment.axes import LogSpacedSteps
from pipeline.experiment.initial_weights import initial_weights
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.records.store import read_outcomes, read_records, write_records
from pipeline.training.fit import fit


def test_every_diagnostic_is_recorded_wherever_it_applies(experiment, ran, tmp_path):
    every = tuple(kind() for kind in DIAGNOSTICS.values())
    requested = experiment(record_at=LogSpacedSteps(5), diagnostics=every)
    plan, _ = ran(requested, tmp_path)
    records = read_records(tmp_path)
    for pack in plan.packs:
        shape = pack.shape
        of_pack = records.filter(pl.col("pack") == pack.id)
        for name, definition in DIAGNOSTICS.items():
            rows = of_pack.filter(pl.col("diagnostic") == name)
            applies = definition().applies(shape.model, shape.loss, shape.optimizer)
            once = definition().constant(shape.model, shape.loss)
            steps = (0,) if once else requested.recorded_steps()
            assert len(rows) == (len(pack.trials) * len(steps) if applies else 0), name
            assert set(rows["step"]) == (set(steps) if applies else set()), name
    assert records.select("trial", "step", "diagnostic").is_duplicated().sum() == 0


@pytest.mark.parametrize("changed", [{}, {"record_at": (0, 1, 7)}, {"batch_size": 4}])
def test_sharpness_of_networks_on_full_batches_is_recorded_at_the_first_and_the_last_step(
    experiment, ran, tmp_path, changed
):
    requested = experiment(models=(Linear(), Shallow()), diagnostics=DEFAULT_DIAGNOSTICS, **changed)
    plan, _ = ran(requested, tmp_path)
    records = read_records(tmp_path).filter(pl.col("diagnostic") == "sharpness")
    networks = [trial.id for trial in plan.trials.values() if not trial.shape.model.linear]
    steps = {(trial, step) for trial in networks for step in (0, requested.num_steps)}
    assert set(records.select("trial", "step").iter_rows()) == (steps if "batch_size" not in changed else set())


def test_recorded_loss_and_error_are_those_of_the_weights(experiment, ran, tmp_path):
    requested = experiment(
        models=(Shallow(),), record_at=(0,), diagnostics=(DIAGNOSTICS["loss"](), DIAGNOSTICS["test_error"]())
    )
    plan, _ = ran(requested, tmp_path)
    records = read_records(tmp_path).filter(pl.col("step") == 0)
    (pack,) = plan.packs
    dataset = pack.shape.problem.load()
    trial = pack.trials[5]
    weights = initial_weights(trial)
    hidden, last = weights[:12].reshape(6, 2), weights[12:]

    def output(x):
        return last[6] + last[:6] @ np.maximum(hidden[:, 0] * x + hidden[:, 1], 0)

    def squares(inputs_PD, targets_PK, weights_P=None):
        missed = [(output(float(x)) - float(y)) ** 2 for x, y in zip(inputs_PD, targets_PK, strict=True)]
        return np.average(missed, weights=weights_P)

    values = dict(records.filter(pl.col("trial") == trial.id).select("diagnostic", "value").iter_rows())
    assert values["loss"] == pytest.approx(squares(dataset.train_inputs_PD, dataset.train_targets_PK) / 2, rel=1e-12)
    error = np.sqrt(squares(dataset.test_inputs_PD, dataset.test_targets_PK, dataset.test_weights_EP.mean(dim=0)))
    assert values["test_error"] == pytest.approx(error, rel=1e-12)


def test_diverged_trials_have_records_before_their_step_and_an_outcome_with_it(experiment, ran, tmp_path):
    _, counts = ran(experiment(models=(Shallow(),), learning_rates=(0.05, 1e6)), tmp_path)
    outcomes = read_outcomes(tmp_path)
    wild = outcomes.filter(pl.col("learning_rate") == 1e6)
    assert counts.diverged == len(wild) == 3
    assert set(wild["status"]) == {"diverged"}
    last = read_records(tmp_path).group_by("trial").agg(pl.col("step").max().alias("last"))
    joined = wild.join(last, on="trial")
    assert len(joined) == 3
    assert (joined["last"] < joined["step"]).all()
    calm = outcomes.filter(pl.col("learning_rate") == 0.05)
    assert set(calm["status"]) == {"done"}
    assert set(calm["step"]) == {40}


def test_records_after_the_checkpoint_are_not_there_twice(experiment, tmp_path):
    """An attempt wrote records and died before its checkpoint; the next one cuts its parts elsewhere."""
    requested = experiment(models=(Shallow(),), record_at=(0, 20, 40))
    (pack,) = make_plan("test", requested).packs
    stale = pl.DataFrame({"trial": [trial.id for trial in pack.trials], "step": 40, "diagnostic": "loss", "value": 9.0})
    for first_step in (0, 7, 25):
        write_records(tmp_path, pack.id, first_step, stale.with_columns(pack=pl.lit(pack.id)))
    fit(pack, requested, tmp_path, lambda trial_steps: None)
    records = read_records(tmp_path)
    assert records.select("trial", "step", "diagnostic").is_duplicated().sum() == 0
    assert 9.0 not in records["value"]
