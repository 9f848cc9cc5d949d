"""The callback that looks at a pack, writes down what it sees, and checkpoints."""

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
from pipeline.training.diagnostic_values import Seen, observe
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
        advanced: Told after each segment how many trial-steps were done.
        deadline: When to stop, at the end of a segment.
    """

    def __init__(
        self,
        run: Path,
        diagnostics: Sequence[Diagnostic],
        recorded_steps: Sequence[int],
        checkpoint: Path,
        checkpoint_seconds: float,
        advanced: Callable[[int], None],
        deadline: Deadline,
    ) -> None:
        self.deadline, self.stopped = deadline, False
        self.run, self.checkpoint, self.checkpoint_seconds = run, checkpoint, checkpoint_seconds
        self.diagnostics, self.recorded_steps, self.advanced = diagnostics, frozenset(recorded_steps), advanced
        self.first_recorded, self.last_recorded = min(recorded_steps), max(recorded_steps)
        self.seen: list[Seen] = []
        self.part_from = 0
        self.written_at = time.monotonic()
        self.steps_seen = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        module = _pack_module(pl_module)
        self.steps_seen = int(module.steps_done)
        self.advanced(self.steps_seen * len(module.pack.trials))
        if self.steps_seen:
            self.part_from = self.steps_seen + 1
        # What an attempt that was killed wrote after this point is written again, perhaps in other parts.
        remove_records(self.run, module.pack.id, self.part_from)
        if not self.steps_seen and 0 in self.recorded_steps:
            self.observe(module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object) -> None:
        module = _pack_module(pl_module)
        step = int(module.steps_done)
        if step in self.recorded_steps:
            self.observe(module)
        self.advanced((step - self.steps_seen) * len(module.pack.trials))
        self.steps_seen = step
        # Where several processes train together, what one of them has to do, all do at once.
        any_of = functools.partial(trainer.strategy.reduce_boolean_decision, all=False)
        stops = any_of(self.deadline.passed()) and step < self.last_recorded
        if stops or any_of(time.monotonic() - self.written_at >= self.checkpoint_seconds):
            self.write_part(module)
            trainer.save_checkpoint(self.checkpoint)
            self.written_at = time.monotonic()
        if stops:
            self.stopped = True
            raise Stopped(f"at step {step} of {self.last_recorded}")

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.write_part(_pack_module(pl_module))

    def observe(self, module: PackModule) -> None:
        """Compute every diagnostic of the trials that are alive."""
        self.seen += observe(module, self.diagnostics, at_first=int(module.steps_done) == self.first_recorded)

    def write_part(self, module: PackModule) -> None:
        """Write down what was seen since the last checkpoint."""
        if self.seen:
            write_records(self.run, module.pack.id, self.part_from, self.records(module.pack))
        self.seen = []
        self.part_from = int(module.steps_done) + 1

    def records(self, pack: Pack) -> pl.DataFrame:
        """What was seen since the last checkpoint, one number a row.

        One frame of all: making a frame takes Polars a millisecond, as long as many a diagnostic.
        """
        ids = pl.Series([trial.id for trial in pack.trials])
        lengths = [len(seen.values_T) for seen in self.seen]
        return pl.DataFrame(
            {
                "trial": ids.gather(np.concatenate([seen.positions_T for seen in self.seen])),
                "step": np.repeat([seen.step for seen in self.seen], lengths),
                "diagnostic": pl.Series([seen.diagnostic for seen in self.seen]).gather(
                    np.repeat(np.arange(len(self.seen)), lengths)
                ),
                "value": np.concatenate([seen.values_T for seen in self.seen]),
            }
        ).with_columns(pack=pl.lit(pack.id))


def _pack_module(module: L.LightningModule) -> PackModule:
    assert isinstance(module, PackModule)
    return module
