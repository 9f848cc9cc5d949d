"""A pack trains in a plain Lightning trainer, with Lightning's own loggers and callbacks."""

import csv

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from pipeline.experiment.initial_weights import initial_weights
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam
from pipeline.training.module import PackModule

STOPS = (0, 1, 3, 10, 40)
EXPECTED = (
    "does not have many workers",
    "lower than logging interval",
    "no pre-optimization state",
    "callbacks used to create the checkpoint",
    "srun. command is available",
)
pytestmark = pytest.mark.filterwarnings(f"ignore:.*({'|'.join(EXPECTED)}).*")


def plain_trainer(folder, **arguments):
    return L.Trainer(
        max_epochs=1,
        accelerator="cpu",
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        **arguments,
    )


def test_logger_gets_a_row_for_every_segment(pack, tmp_path):
    module = PackModule(pack(), STOPS)
    plain_trainer(tmp_path, logger=CSVLogger(tmp_path), enable_checkpointing=False).fit(module)
    with next(tmp_path.rglob("metrics.csv")).open() as file:
        rows = list(csv.DictReader(file))
    losses_T, _ = module.engine.value_and_gradient(module.weights)
    assert float(rows[-1]["median_loss"]) == pytest.approx(float(losses_T.median()))
    assert [float(row["trial_steps"]) for row in rows] == [step * len(module.pack.trials) for step in STOPS[1:]]
    assert int(module.steps_done) == 40


def test_callbacks_see_steps_and_checkpoints_go_on_bit_for_bit(pack, tmp_path):
    shallow = pack(models=(Shallow(),), optimizer=Adam(), batch_size=5)
    once = PackModule(shallow, STOPS)
    keep = ModelCheckpoint(tmp_path / "kept", filename="{step}", every_n_train_steps=1, save_top_k=-1)
    watch = [keep, LearningRateMonitor(), EarlyStopping("median_loss", check_on_train_epoch_end=True)]
    plain_trainer(tmp_path, callbacks=watch, logger=CSVLogger(tmp_path)).fit(once)
    kept = sorted((tmp_path / "kept").glob("*.ckpt"))
    assert len(kept) == len(STOPS) - 1
    for checkpoint in kept:
        again = PackModule(shallow, STOPS)
        plain_trainer(tmp_path, logger=False, enable_checkpointing=False).fit(
            again, ckpt_path=checkpoint, weights_only=True
        )
        assert int(again.steps_done) == 40
        assert torch.equal(again.weights, once.weights), checkpoint.name


def test_checkpoint_holds_nothing_that_safe_loading_refuses(pack, tmp_path):
    module = PackModule(pack(optimizer=Adam()), STOPS)
    trainer = plain_trainer(tmp_path, logger=False, enable_checkpointing=False)
    trainer.fit(module)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    content = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert torch.equal(content["state_dict"]["weights"], module.weights)


def test_initial_weights_come_from_the_trial_alone(pack):
    whole = pack(models=(Shallow(),))
    module = PackModule(whole, STOPS)
    for position, trial in enumerate(whole.trials):
        assert module.weights[position].tolist() == initial_weights(trial).tolist()
    rows = {tuple(row) for row in module.weights.tolist()}
    assert len(rows) == len(whole.trials)
