"""Frames of a pack: the weights of chosen trials, kept at some of the recorded steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch

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
        self.unwritten: list[tuple[int, Sequence[int], np.ndarray]] = []

    def begin(self, module: PackModule, first_step: int) -> None:
        """Remove what an attempt that was killed wrote from a step on: it is written again.

        Args:
            module: The pack.
            first_step: The first step that is to come.
        """
        remove_frames(self.run, module.pack.id, first_step)
        self.positions = self.choice.positions(module.pack)
        self.steps = frozenset(self.choice.steps(module.pack.shape.steps)) if self.positions else frozenset()

    def record(self, module: PackModule) -> None:
        """Keep the weights of the chosen trials that have not diverged, if the step is one of theirs.

        Args:
            module: The pack, at a recorded step whose losses were looked at.
        """
        step = int(module.steps_done)
        if step not in self.steps:
            return
        diverged_at = module.diverged_at.tolist()
        positions = [position for position in self.positions if diverged_at[position] == NEVER]
        if positions:
            self.unwritten.append((step, positions, module.weights.detach()[positions].cpu().numpy()))

    def write_part(self, module: PackModule, first_step: int) -> None:
        """Write what was kept since the last part.

        Args:
            module: The pack.
            first_step: The first step of the part.
        """
        if self.unwritten:
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
        kept = [
            (position, step, weights_N)
            for step, positions, weights_TN in self.unwritten
            for position, weights_N in zip(positions, weights_TN, strict=True)
        ]
        kept.sort(key=lambda one: one[:2])
        width = pl.Float32 if module.weights.dtype is torch.float32 else pl.Float64
        weights = pl.Series("weights", np.stack([weights_N for *_, weights_N in kept]))
        return pl.DataFrame(
            {
                "trial": [trials[position].id for position, *_ in kept],
                "step": [step for _, step, _ in kept],
                "weights": weights.cast(pl.List(width)),
                "atoms": pl.Series([atoms] * len(kept), dtype=FRAMES["atoms"]),
            }
        )
