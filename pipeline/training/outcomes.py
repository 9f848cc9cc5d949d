"""Outcomes of a pack: one row per trial that says how its training ended, and where."""

from __future__ import annotations

import dataclasses
import platform

import numpy as np
import polars as pl
import torch

from pipeline import __version__
from pipeline.experiment.packing import Pack
from pipeline.provenance import numerics_version
from pipeline.records.outcome_provenance import NO_JOB, OutcomeProvenance
from pipeline.training.module import NEVER, PackModule


def outcomes(module: PackModule, seconds: float, provenance: OutcomeProvenance) -> pl.DataFrame:
    """Outcomes of a pack that was trained to its end.

    Args:
        module: The pack at its last step.
        seconds: What the training of the whole pack took.
        provenance: The job that trained it.

    Returns:
        One row per trial: done or diverged, at which step, and an equal part of the time.
    """
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
        **provenance_columns(module.pack, provenance),
    )


def failed_outcomes(pack: Pack, reason: str, provenance: OutcomeProvenance = NO_JOB) -> pl.DataFrame:
    """Outcomes of a pack that an exception stopped.

    Args:
        pack: The pack.
        reason: The exception in one line.
        provenance: The job that trained it.

    Returns:
        One row per trial.
    """
    return pl.DataFrame({"trial": [trial.id for trial in pack.trials]}).with_columns(
        status=pl.lit("failed"),
        step=pl.lit(None, pl.Int64),
        learning_rate=pl.lit(None, pl.Float64),
        reason=pl.lit(reason),
        seconds=pl.lit(None, pl.Float64),
        engine=pl.lit(None, pl.String),
        device=pl.lit(None, pl.String),
        **provenance_columns(pack, provenance),
    )


def provenance_columns(pack: Pack, provenance: OutcomeProvenance) -> dict[str, pl.Expr]:
    """The columns that say where an outcome comes from: host, versions, pack, and the job.

    Args:
        pack: The pack.
        provenance: The job that trained it.

    Returns:
        Constants by the names of their columns.
    """
    local = {
        "host": platform.node(),
        "version": __version__,
        "pack": pack.id,
        "numerics": numerics_version(),
        "run": "",
    }
    return {name: pl.lit(value) for name, value in (local | dataclasses.asdict(provenance)).items()}


def device_name(device: torch.device) -> str:
    """The name of a GPU, or the architecture of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
