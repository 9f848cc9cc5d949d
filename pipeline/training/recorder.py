"""Recorder of a pack: the Lightning callback that evaluates diagnostics, writes records, and checkpoints."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import lightning as L
import numpy as np
import polars as pl

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.experiment.packing import Pack
from pipeline.records.store import remove_records, write_records
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.diagnostic_values import DiagnosticValues, evaluate_diagnostics
from pipeline.training.frame_recording import FrameRecording
from pipeline.training.module import PackModule


class Recorder(L.Callback):
    """Records the diagnostics of a pack at the recorded steps, a part of the records for each checkpoint.

    The records up to a checkpoint are written before it. A training that was killed goes
    on from its last checkpoint and writes the part after it again, under the same name.

    Args:
        run: Folder of the run.
        diagnostics: What to record.
        recorded_steps: When.
        checkpoint: Where the checkpoint of this pack is kept.
        checkpoint_seconds: Time from one checkpoint to the next.
        on_advance: Called after each segment with the trial-steps done in it.
        deadline: When to stop, at the end of a segment.
        frames: What keeps weights on the way; ``None`` to keep none.
    """

    def __init__(
        self,
        run: Path,
        diagnostics: Sequence[Diagnostic],
        recorded_steps: Sequence[int],
        checkpoint: Path,
        checkpoint_seconds: float,
        on_advance: Callable[[int], None],
        deadline: Deadline,
        frames: FrameRecording | None = None,
    ) -> None:
        self.deadline, self.stopped, self.frames = deadline, False, frames
        self.run, self.checkpoint, self.checkpoint_seconds = run, checkpoint, checkpoint_seconds
        self.diagnostics, self.recorded_steps, self.on_advance = diagnostics, frozenset(recorded_steps), on_advance
        self.first_recorded, self.last_recorded = min(recorded_steps), max(recorded_steps)
        self.unwritten: list[DiagnosticValues] = []
        self.part_from = 0
        self.checkpointed_at = time.monotonic()
        self.steps_reported = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        module = _pack_module(pl_module)
        self.steps_reported = int(module.steps_done)
        self.on_advance(self.steps_reported * len(module.pack.trials))
        if self.steps_reported:
            self.part_from = self.steps_reported + 1
        # What an attempt that was killed wrote after this point is written again, perhaps in other parts.
        remove_records(self.run, module.pack.id, self.part_from)
        if self.frames:
            self.frames.begin(module, self.part_from)
        if not self.steps_reported and 0 in self.recorded_steps:
            self.record(module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object) -> None:
        module = _pack_module(pl_module)
        step = int(module.steps_done)
        if step in self.recorded_steps:
            self.record(module)
        self.on_advance((step - self.steps_reported) * len(module.pack.trials))
        self.steps_reported = step
        # Where several processes train together, what one of them has to do, all do at once.
        any_of = functools.partial(trainer.strategy.reduce_boolean_decision, all=False)
        stops = any_of(self.deadline.passed()) and step < self.last_recorded
        if stops or any_of(time.monotonic() - self.checkpointed_at >= self.checkpoint_seconds):
            self.write_part(module)
            trainer.save_checkpoint(self.checkpoint)
            self.checkpointed_at = time.monotonic()
        if stops:
            self.stopped = True
            raise Stopped(f"at step {step} of {self.last_recorded}")

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.write_part(_pack_module(pl_module))

    def record(self, module: PackModule) -> None:
        """Evaluate every diagnostic of the trials that have not diverged, and keep frames, at the step where they are.

        Args:
            module: The pack.
        """
        step = int(module.steps_done)
        ends = {"at_first": step == self.first_recorded, "at_last": step == self.last_recorded}
        self.unwritten += evaluate_diagnostics(module, self.diagnostics, **ends)
        if self.frames:
            self.frames.record(module)

    def write_part(self, module: PackModule) -> None:
        """Write the records since the last checkpoint.

        Args:
            module: The pack.
        """
        if self.frames:
            self.frames.write_part(module, self.part_from)
        if self.unwritten:
            write_records(self.run, module.pack.id, self.part_from, self.records(module.pack))
        self.unwritten = []
        self.part_from = int(module.steps_done) + 1

    def records(self, pack: Pack) -> pl.DataFrame:
        """Records since the last checkpoint, as they are written.

        Args:
            pack: The pack.

        Returns:
            One value a row. It is one frame of all: making a frame takes Polars a millisecond, as long as many a
            diagnostic.
        """
        ids = pl.Series([trial.id for trial in pack.trials])
        lengths = [len(values.values_T) for values in self.unwritten]
        return pl.DataFrame(
            {
                "trial": ids.gather(np.concatenate([values.positions_T for values in self.unwritten])),
                "step": np.repeat([values.step for values in self.unwritten], lengths),
                "diagnostic": pl.Series([values.diagnostic for values in self.unwritten]).gather(
                    np.repeat(np.arange(len(self.unwritten)), lengths)
                ),
                "value": np.concatenate([values.values_T for values in self.unwritten]),
            }
        ).with_columns(pack=pl.lit(pack.id))


def _pack_module(module: L.LightningModule) -> PackModule:
    assert isinstance(module, PackModule)
    return module
