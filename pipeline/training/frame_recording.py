"""Frames of a pack: the weights of chosen trials, kept at some of the recorded steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from pipeline.experiment.frame_choice import FrameChoice
from pipeline.models.greedy import SelectedFunctions
from pipeline.records.frame_store import FRAMES, remove_frames, write_frames
from pipeline.training.module import NEVER, PackModule


class FrameRecording:
    """Keeps the weights of some trials of a pack, bit for bit, and writes them in parts as the records are written.

    Args:
        run: Folder of the run.
        choice: Whose weights, and when.
    """

    def __init__(self, run: Path, choice: FrameChoice) -> None:
        self.run, self.choice = run, choice
        self.unwritten: list[tuple[int, np.ndarray, np.ndarray]] = []

    def begin(self, module: PackModule, first_step: int) -> None:
        """Remove what an attempt that was killed wrote from a step on: it is written again.

        Args:
            module: The pack.
            first_step: The first step that is to come.
        """
        remove_frames(self.run, module.pack.id, first_step)
        self.chosen = torch.tensor(self.choice.positions(module.pack), dtype=torch.int64)
        wanted = self.choice.steps(module.pack.shape.steps) if len(self.chosen) else ()
        self.steps = frozenset(wanted)

    def record(self, module: PackModule) -> None:
        """Keep the weights of the chosen trials that have not diverged, if the step is one of theirs.

        Args:
            module: The pack, at a recorded step whose losses were looked at.
        """
        step = int(module.steps_done)
        if step not in self.steps:
            return
        there_T = _rows(module.diverged_at, self.chosen) == NEVER
        self.unwritten.append((step, there_T, _rows(module.weights.detach(), self.chosen)))

    def write_part(self, module: PackModule, first_step: int) -> None:
        """Write what was kept since the last part.

        Args:
            module: The pack.
            first_step: The first step of the part.
        """
        if any(there.any() for _, there, _ in self.unwritten):
            write_frames(self.run, module.pack.id, first_step, self.rows(module))
        self.unwritten = []

    def rows(self, module: PackModule) -> pl.DataFrame:
        """What was kept since the last part, as it is written.

        Args:
            module: The pack.

        Returns:
            One row for each trial and step, in the order of the trials.
        """
        trials, model = module.pack.trials, module.context.model
        atoms = list(model.atoms) if isinstance(model, SelectedFunctions) else None
        steps_H = np.array([step for step, _, _ in self.unwritten])
        there_TH = np.stack([there_T for _, there_T, _ in self.unwritten], axis=1)
        weights_THN = np.stack([weights_TN for _, _, weights_TN in self.unwritten], axis=1)
        place, column = there_TH.nonzero()
        width = pl.Float32 if module.weights.dtype is torch.float32 else pl.Float64
        ids = pl.Series([trials[position].id for position in self.chosen.tolist()])
        return pl.DataFrame(
            {
                "trial": ids.gather(place),
                "step": steps_H[column],
                "weights": pl.Series(weights_THN[there_TH]).cast(pl.List(width)),
                "atoms": pl.Series([atoms] * len(place), dtype=FRAMES["atoms"]),
            }
        )


def _rows(values: Tensor, chosen: Tensor) -> np.ndarray:
    """Some rows of a tensor, copied; on the processor NumPy takes a tenth of the time of PyTorch."""
    if values.is_cpu:
        return values.numpy()[chosen.numpy()]
    return values[chosen.to(values.device)].cpu().numpy()
