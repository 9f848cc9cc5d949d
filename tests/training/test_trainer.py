"""The trainer leaves signals, printing and the choice of the device to this project."""

import logging
import math
import signal

import pytest
import torch

from pipeline.training.deadline import Deadline
from pipeline.training.recorder import Recorder
from pipeline.training.trainer import SigtermHandlerKept, chosen_accelerator, new_trainer, silence_lightning


@pytest.mark.parametrize("present", [True, False])
def test_auto_is_a_cuda_device_or_the_processor_and_nothing_else(monkeypatch, present):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert chosen_accelerator("auto") == ("cuda" if present else "cpu")
    assert chosen_accelerator("cpu") == "cpu"


def test_handler_of_sigterm_is_the_one_from_before_the_trainer():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        kept = SigtermHandlerKept()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Lightning does when training begins
        kept.on_train_start(None, None)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.filterwarnings("ignore:.*srun. command is available.*")
def test_trainer_writes_and_prints_nothing_of_its_own(experiment, tmp_path, capsys, caplog):
    recorder = Recorder(tmp_path, (), (0, 40), tmp_path / "last.ckpt", math.inf, lambda trial_steps: None, Deadline())
    trainer = new_trainer(experiment(accelerator="cpu"), recorder)
    assert (trainer.loggers, trainer.checkpoint_callbacks, trainer.progress_bar_callback) == ([], [], None)
    assert recorder in trainer.callbacks
    assert capsys.readouterr() == ("", "")
    assert not caplog.records


def test_lightning_is_silent_but_for_errors():
    silence_lightning()
    assert logging.getLogger("lightning.pytorch").level == logging.ERROR
    assert logging.getLogger("lightning.fabric").level == logging.ERROR
