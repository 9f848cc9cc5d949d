"""Pack in, records out; goes on where an earlier attempt was stopped."""

from __future__ import annotations

import dataclasses
import logging
import platform
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning as L
import numpy as np
import polars as pl
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from pipeline import __version__
from pipeline.engines.choice import ChosenEngine
from pipeline.engines.threads import threads_of_operation
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.problems.problem import Dataset
from pipeline.records.outcome_provenance import NO_JOB, OutcomeProvenance
from pipeline.records.store import remove_unfinished_writes, write_outcomes
from pipeline.training.checkpoints import AtomicCheckpointIO
from pipeline.training.data_parallel import DataParallelPackModule
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.fitted_function import write_best_fit
from pipeline.training.module import NEVER, PackModule
from pipeline.training.process_group import (
    TrainCommand,
    broadcast_command,
    check_processes,
    in_lockstep,
    trainer_arguments,
)
from pipeline.training.recorder import Recorder


def fit(
    pack: Pack,
    experiment: Experiment,
    run: Path,
    advanced: Callable[[int], None],
    dataset: Dataset | None = None,
    *,
    provenance: OutcomeProvenance = NO_JOB,
    deadline: Deadline | None = None,
    engine: ChosenEngine | None = None,
) -> int:
    """Train a pack to its end and leave its records, its outcomes and the fit of its best trial.

    Args:
        pack: What to train.
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        advanced: Told after each segment how many trial-steps were done.
        dataset: The points of the pack's problem, if they are loaded already.
        provenance: The job that trains, for the outcomes.
        deadline: When to stop before the end; training goes on from there another time, to the same numbers.
        engine: What computes it, if that is chosen already; several processes share the reference engine.

    Returns:
        How many trials diverged.

    Raises:
        Stopped: If the deadline passed. What was done is on disk; there are no outcomes yet.
        OSError: If the folder cannot be written, as on a disk that is full.
    """
    started = time.monotonic()
    check_processes(experiment.parallel)
    checkpoint = checkpoint_of(run, pack.id)
    folder = checkpoint.parent
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished_writes(run, pack.id)
    resumes = is_readable(checkpoint)
    if experiment.parallel.processes > 1:
        broadcast_command(TrainCommand(pack.id, resumes))
    with in_lockstep():
        module = new_module(pack, experiment, dataset, engine)
        asked = (experiment.diagnostics, experiment.recorded_steps())
        every = experiment.checkpoint_seconds
        recorder = Recorder(run, *asked, checkpoint, every, advanced, deadline or Deadline())
        train(module, experiment, recorder, resumes=resumes)
    write_best_fit(run, module)
    write_outcomes(run, pack.id, outcomes(module, time.monotonic() - started, provenance))
    shutil.rmtree(folder)
    return int((module.diverged_at != NEVER).sum())


def checkpoint_of(run: Path, pack_id: str) -> Path:
    """Where the checkpoint of a pack is kept while it is trained."""
    return run / "checkpoints" / pack_id / "last.ckpt"


def new_module(
    pack: Pack, experiment: Experiment, dataset: Dataset | None = None, engine: ChosenEngine | None = None
) -> PackModule:
    """The module of a pack at step 0, for one process or for several."""
    if experiment.parallel.processes > 1:
        return DataParallelPackModule(pack, experiment.recorded_steps(), dataset)
    return PackModule(pack, experiment.recorded_steps(), dataset, engine or experiment.engine)


def train(module: PackModule, experiment: Experiment, recorder: Recorder, *, resumes: bool) -> None:
    """Train a module to its end, from its checkpoint if it resumes."""
    trainer = quiet_trainer(experiment, recorder)
    with warnings.catch_warnings(), threads_of_operation(1):
        warnings.filterwarnings("ignore", module="lightning")  # of workers and validation that a pack has no use for
        try:
            trainer.fit(module, ckpt_path=str(recorder.checkpoint) if resumes else None, weights_only=True)
        except BaseException as error:
            ended = cause_of_end(error, stopped=recorder.stopped)
            if ended is error:
                raise
            raise ended from None
    module.to(trainer.strategy.root_device)  # where the engine is; Lightning leaves the weights on the processor


def cause_of_end(error: BaseException, *, stopped: bool) -> BaseException:
    """What ended a training, where Lightning raises something else.

    Args:
        error: What came out of Lightning.
        stopped: Whether the deadline had passed, everything was written, and what was left was to tear down.
    """
    if stopped and isinstance(error, Exception):
        return error if isinstance(error, Stopped) else Stopped(f"and then {error!r}")
    if isinstance(error, SIGTERMException):  # came in the moment before its handler was put back
        return Stopped("by a signal")
    if isinstance(error, SystemExit) and error.code == 1:
        # Lightning turns Ctrl-C into an exit and leaves the signal ignored; both are ours to decide.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return KeyboardInterrupt()
    return error


class OwnSignals(L.Callback):
    """Puts back the handler of SIGTERM that Lightning replaces while it trains.

    Lightning's own would leave the training at the end of a segment without a checkpoint,
    even one that has just come to its end.
    """

    def __init__(self) -> None:
        self.before = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.before)


def is_readable(checkpoint: Path) -> bool:
    """Whether there is a checkpoint to go on from; one that is damaged is as good as none."""
    try:
        torch.load(checkpoint, weights_only=True, map_location="cpu")
    except Exception:  # torch raises whatever the damage leads it into; what is lost is time, not results
        return False
    return True


def quiet_trainer(experiment: Experiment, recorder: Recorder) -> L.Trainer:
    """A trainer that leaves signals, checkpoints and printing to this project."""
    quiet()
    accelerator = chosen_accelerator(experiment.accelerator)
    arguments, plugins = trainer_arguments(experiment.parallel, accelerator)
    return L.Trainer(
        accelerator=accelerator,
        plugins=[*plugins, AtomicCheckpointIO()],
        max_epochs=1,
        callbacks=[OwnSignals(), recorder],
        default_root_dir=recorder.checkpoint.parent,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **arguments,
    )


def chosen_accelerator(asked: str) -> str:
    """The device that ``auto`` stands for: a CUDA GPU if there is one, else the processor.

    Lightning's own ``auto`` would take the GPU of a Mac, which has no float64 for the diagnostics.
    """
    if asked != "auto":
        return asked
    return "cuda" if torch.cuda.is_available() else "cpu"


def quiet() -> None:
    """Keep Lightning from telling about each trainer what devices it sees."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


def outcomes(module: PackModule, seconds: float, provenance: OutcomeProvenance) -> pl.DataFrame:
    """One row per trial of a trained pack."""
    diverged_at_T = module.diverged_at.cpu().numpy()
    diverged_T = diverged_at_T != NEVER
    rates_T = module.learning_rates_T.numpy()
    return pl.DataFrame(
        {
            "trial": [trial.id for trial in module.pack.trials],
            "status": np.where(diverged_T, "diverged", "done"),
            "step": np.where(diverged_T, diverged_at_T, int(module.steps_done)),
            "learning_rate": pl.Series(rates_T).fill_nan(None),
        }
    ).with_columns(
        reason=pl.lit(""),
        seconds=pl.lit(seconds / len(diverged_T)),
        engine=pl.lit(module.engine.name),
        device=pl.lit(device_name(module.weights.device)),
        **where_from(module.pack, provenance),
    )


def failed_outcomes(pack: Pack, reason: str, provenance: OutcomeProvenance = NO_JOB) -> pl.DataFrame:
    """One row per trial of a pack that an exception stopped."""
    return pl.DataFrame({"trial": [trial.id for trial in pack.trials]}).with_columns(
        status=pl.lit("failed"),
        step=pl.lit(None, pl.Int64),
        learning_rate=pl.lit(None, pl.Float64),
        reason=pl.lit(reason),
        seconds=pl.lit(None, pl.Float64),
        engine=pl.lit(None, pl.String),
        device=pl.lit(None, pl.String),
        **where_from(pack, provenance),
    )


def where_from(pack: Pack, provenance: OutcomeProvenance) -> dict[str, pl.Expr]:
    """The columns that say where an outcome comes from."""
    here = {"host": platform.node(), "version": __version__, "pack": pack.id}
    return {name: pl.lit(value) for name, value in (here | dataclasses.asdict(provenance)).items()}


def device_name(device: torch.device) -> str:
    """The name of a GPU, or the architecture of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
