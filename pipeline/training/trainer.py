"""The Lightning trainer of a pack, which leaves signals, checkpoints and printing to this project."""

from __future__ import annotations

import logging
import signal
import threading

import lightning as L
import torch

from pipeline.experiment.experiment import Experiment
from pipeline.training.checkpoints import AtomicCheckpointIO
from pipeline.training.process_group import trainer_arguments
from pipeline.training.recorder import Recorder


def new_trainer(experiment: Experiment, recorder: Recorder) -> L.Trainer:
    """A trainer of one epoch, which is the whole training of a pack.

    Args:
        experiment: On which devices, and by how many processes.
        recorder: What records the pack.

    Returns:
        The trainer.
    """
    silence_lightning()
    accelerator = chosen_accelerator(experiment.accelerator)
    arguments, plugins = trainer_arguments(experiment.parallel, accelerator)
    return L.Trainer(
        accelerator=accelerator,
        plugins=[*plugins, AtomicCheckpointIO()],
        max_epochs=1,
        callbacks=[SigtermHandlerKept(), recorder],
        default_root_dir=recorder.checkpoint.parent,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **arguments,
    )


class SigtermHandlerKept(L.Callback):
    """Restores the handler of SIGTERM that Lightning 2.6 replaces while it trains.

    Lightning's own would leave the training at the end of a segment without a checkpoint,
    even one that has just come to its end.
    """

    def __init__(self) -> None:
        self.before = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.before)


def chosen_accelerator(requested: str) -> str:
    """The device that ``auto`` stands for: a CUDA GPU if there is one, else the processor.

    Lightning's own ``auto`` would take the GPU of a Mac, which has no float64 for the diagnostics.

    Args:
        requested: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        ``cpu`` or ``cuda``.
    """
    if requested != "auto":
        return requested
    return "cuda" if torch.cuda.is_available() else "cpu"


def silence_lightning() -> None:
    """Keep Lightning from printing for each trainer what devices it sees."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
