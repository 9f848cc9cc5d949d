"""Frames are the weights of the trials that are chosen, whatever trains them; test_fit.py interrupts it."""

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from pipeline.experiment.initial_weights import initial_weights
from pipeline.models.activations import Relu, Tanh
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.plans import make_plan
from pipeline.records.frame_store import read_frames
from pipeline.records.store import read_outcomes, read_records
from pipeline.training.fit import fit

RECORD_AT = (0, 1, 5, 20, 40)


def losses_of(plan, frames):
    """The training loss of each frame, by an independent way: the outputs of the model at its weights."""
    for trial, step, weights, _ in frames.iter_rows():
        shape = plan.trials[trial].shape
        dataset = shape.problem.load()
        model = shape.model.fitted(dataset.train_inputs_PD, dataset.train_targets_PK, shape.width)
        prepared = model.prepare(dataset.train_inputs_PD, shape.width)
        outputs = model.outputs(torch.tensor([weights], dtype=torch.float64), prepared, shape.width, 1)[0, 0]
        yield trial, step, float((outputs - dataset.train_targets_PK[:, 0]).square().mean() / 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"models": (Linear(), Shallow(Relu()), Shallow(Tanh()), Greedy())},
        {"models": (Linear(), Shallow(Tanh())), "engine": "reference"},
        {"models": (Linear(),), "optimizer": LeastSquares(), "learning_rates": None},
        {"models": (Linear(), Shallow()), "dtype": "float32"},
    ],
)
def test_every_frame_has_the_loss_that_was_recorded_of_it(experiment, ran, tmp_path, changed):
    plan, _ = ran(experiment(record_at=RECORD_AT, **changed), tmp_path)
    frames, damaged = read_frames(tmp_path)
    assert not damaged
    records = read_records(tmp_path).filter(pl.col("diagnostic") == "loss")
    recorded = {(trial, step): value for trial, step, value in records.select("trial", "step", "value").iter_rows()}
    chosen = {t.id for t in plan.trials.values() if t.seed == 0}
    found = list(losses_of(plan, frames))
    assert {(trial, step) for trial, step, _ in found} == {key for key in recorded if key[0] in chosen}
    single = changed.get("dtype") == "float32"
    for trial, step, loss in found:
        assert loss == pytest.approx(recorded[trial, step], rel=1e-3 if single else 1e-9, abs=1e-7 if single else 1e-15)


def test_the_first_frame_is_where_the_trial_starts_to_the_last_bit(experiment, ran, tmp_path):
    plan, _ = ran(experiment(models=(Shallow(),), record_at=RECORD_AT, dtype="float32"), tmp_path)
    first = read_frames(tmp_path)[0].filter(pl.col("step") == 0)
    assert first.height == 4
    for trial, _, weights, atoms in first.iter_rows():
        drawn = torch.from_numpy(initial_weights(plan.trials[trial])).float()
        assert torch.equal(torch.tensor(weights, dtype=torch.float32), drawn)
        assert atoms is None


def test_a_greedy_model_keeps_the_functions_that_it_has_chosen(experiment, ran, tmp_path):
    plan, _ = ran(experiment(models=(Greedy(),), record_at=RECORD_AT), tmp_path)
    (pack,) = plan.packs
    dataset = pack.shape.problem.load()
    chosen = pack.shape.model.choose(dataset.train_inputs_PD, dataset.train_targets_PK, 6)
    assert {tuple(atoms) for atoms in read_frames(tmp_path)[0]["atoms"]} == {chosen}


def test_a_diverged_trial_has_frames_up_to_its_divergence(experiment, ran, tmp_path):
    ran(experiment(models=(Linear(),), learning_rates=(0.1, 100.0), record_at=RECORD_AT), tmp_path)
    ends = dict(read_outcomes(tmp_path).filter(pl.col("status") == "diverged").select("trial", "step").iter_rows())
    last = dict(read_frames(tmp_path)[0].group_by("trial").agg(pl.col("step").max()).iter_rows())
    assert len(ends) == 1
    assert all(last[trial] < step for trial, step in ends.items())


def test_what_a_killed_attempt_wrote_after_its_checkpoint_is_not_there_twice(experiment, tmp_path):
    asked = experiment(models=(Shallow(),), record_at=RECORD_AT)
    (pack,) = make_plan("q", asked).packs
    fit(pack, asked, tmp_path / "first", lambda trial_steps: None)
    (part,) = (tmp_path / "first" / "frames").iterdir()
    (tmp_path / "second" / "frames").mkdir(parents=True)
    (tmp_path / "second" / "frames" / f"{pack.id}-{6:012d}.parquet").write_bytes(part.read_bytes())
    fit(pack, asked, tmp_path / "second", lambda trial_steps: None)
    assert_frame_equal(read_frames(tmp_path / "second")[0], read_frames(tmp_path / "first")[0])
