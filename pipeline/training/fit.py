"""Pack in, records out; goes on where an earlier attempt was stopped."""

from __future__ import annotations

import logging
import platform
import shutil
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning as L
import numpy as np
import polars as pl
import torch
from lightning.fabric.plugins.environments import LightningEnvironment

from pipeline import __version__
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.problems.losses import Task
from pipeline.problems.problem import Dataset
from pipeline.records.store import remove_unfinished_writes, write_fits, write_outcomes
from pipeline.training.engines.threads import threads_of_operation
from pipeline.training.module import NEVER, PackModule
from pipeline.training.recorder import Recorder

FIT_POINTS = 201


def fit(
    pack: Pack, experiment: Experiment, run: Path, advanced: Callable[[int], None], dataset: Dataset | None = None
) -> int:
    """Train a pack to its end and leave its records, its outcomes and the fit of its best trial.

    Args:
        pack: What to train.
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        advanced: Told after each stretch how many trial-steps were done.
        dataset: The points of the pack's problem, if they are loaded already.

    Returns:
        How many trials diverged.
    """
    started = time.monotonic()
    steps = experiment.recorded_steps()
    module = PackModule(pack, steps, dataset)
    folder = run / "checkpoints" / pack.id
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "last.ckpt"
    recorder = Recorder(run, experiment.diagnostics, steps, checkpoint, experiment.checkpoint_seconds, advanced)
    trainer = quiet_trainer(experiment.accelerator, folder, recorder)
    with warnings.catch_warnings(), threads_of_operation(1):
        warnings.filterwarnings("ignore", module="lightning")  # of workers and validation that a pack has no use for
        try:
            trainer.fit(module, ckpt_path=str(checkpoint) if is_readable(checkpoint) else None, weights_only=True)
        except SystemExit as stopped:
            if stopped.code != 1:
                raise
            # Lightning turns Ctrl-C into an exit and leaves the signal ignored; both are ours to decide.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
    write_best_fit(run, module)
    write_outcomes(run, pack.id, outcomes(module, time.monotonic() - started))
    remove_unfinished_writes(run, pack.id)
    shutil.rmtree(folder)
    return int((module.diverged_at != NEVER).sum())


def is_readable(checkpoint: Path) -> bool:
    """Whether there is a checkpoint to go on from; one that is damaged is as good as none."""
    try:
        torch.load(checkpoint, weights_only=True, map_location="cpu")
    except Exception:  # torch raises whatever the damage leads it into; what is lost is time, not results
        return False
    return True


def quiet_trainer(accelerator: str, folder: Path, recorder: Recorder) -> L.Trainer:
    """A trainer that leaves signals, checkpoints and printing to this project."""
    quiet()
    return L.Trainer(
        accelerator=chosen_accelerator(accelerator),
        devices=1,
        plugins=[LightningEnvironment()],
        max_epochs=1,
        callbacks=[recorder],
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
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


def outcomes(module: PackModule, seconds: float) -> pl.DataFrame:
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
        **where_from(module.pack),
    )


def failed_outcomes(pack: Pack, reason: str) -> pl.DataFrame:
    """One row per trial of a pack that an exception stopped."""
    return pl.DataFrame({"trial": [trial.id for trial in pack.trials]}).with_columns(
        status=pl.lit("failed"),
        step=pl.lit(None, pl.Int64),
        learning_rate=pl.lit(None, pl.Float64),
        reason=pl.lit(reason),
        seconds=pl.lit(None, pl.Float64),
        engine=pl.lit(None, pl.String),
        device=pl.lit(None, pl.String),
        **where_from(pack),
    )


def where_from(pack: Pack) -> dict[str, pl.Expr]:
    """The columns that say where an outcome comes from."""
    return {"host": pl.lit(platform.node()), "version": pl.lit(__version__), "pack": pl.lit(pack.id)}


def device_name(device: torch.device) -> str:
    """The name of a graphics card, or the architecture of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()


def write_best_fit(run: Path, module: PackModule) -> None:
    """Write the function that the trial of lowest training loss has learned, if it has one input and one output."""
    problem, learned = module.pack.shape.problem, module.learned
    alive = module.alive
    if problem.num_inputs != 1 or problem.num_outputs != 1 or problem.task is not Task.REGRESSION or not len(alive):
        return
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach()[alive])
    best = alive[losses_T.argmin()]
    inputs_PD = learned.dataset.test_inputs_PD
    line_PD = torch.linspace(float(inputs_PD.min()), float(inputs_PD.max()), FIT_POINTS, dtype=torch.float64)[:, None]
    prepared_CP = learned.model.prepare(line_PD.to(inputs_PD), learned.width)
    values_TKP = learned.model.outputs(module.weights.detach()[best][None].double(), prepared_CP, learned.width, 1)
    rows = pl.DataFrame({"x": line_PD[:, 0].numpy(), "value": values_TKP[0, 0].cpu().numpy()})
    write_fits(run, module.pack.id, rows.with_columns(trial=pl.lit(module.pack.trials[int(best)].id)))
