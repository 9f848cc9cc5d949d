"""Packs trained by several processes together, under the direction of the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import lightning as L

from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.fit import checkpoint_of, chosen_accelerator, new_module, train
from pipeline.training.module import PackModule
from pipeline.training.process_group import in_step, joined, leads, tell, together, told
from pipeline.training.recorder import Recorder
from pipeline.training.rendezvous import Meeting

T = TypeVar("T")


def in_parallel(
    packs: Sequence[Pack],
    experiment: Experiment,
    run: Path,
    lead: Callable[[], T],
    deadline: Deadline | None = None,
    meeting: Meeting | None = None,
) -> T | None:
    """Call ``lead`` in the first process, and train in the others whatever it trains.

    All processes call this with the same packs and the same experiment. Where one process
    is asked for, this is nothing but a call of ``lead``.

    Args:
        packs: What ``lead`` may train.
        experiment: How many processes there are, and all that ``lead`` trains with.
        run: Folder of the run, on a file system that all processes see.
        lead: Trains packs with ``fit``; called in the first process only.
        deadline: When to stop; the one that ``lead`` uses. If it has passed in one process, all stop.
        meeting: Where the processes meet; none: at the port that the environment names.

    Returns:
        What ``lead`` returns, and in the other processes nothing.

    Raises:
        PipelineError: If this process was not started with the others.
    """
    if experiment.parallel.processes == 1:
        return lead()
    with joined(experiment.parallel, chosen_accelerator(experiment.accelerator), meeting):
        if not leads():
            follow({pack.id: pack for pack in packs}, experiment, run, deadline or Deadline())
            return None
        try:
            return lead()
        finally:
            if together():
                tell(None)


def follow(packs: dict[str, Pack], experiment: Experiment, run: Path, deadline: Deadline) -> None:
    """Train with the first process whatever it trains, until it says that nothing is left."""
    with in_step():
        while (order := told()) is not None:
            if order.pack_id not in packs:
                what = f"pack {order.pack_id} is none of those that this process was started with"
                raise PipelineError(what, where=str(run), hint="submit again")
            with suppress(Stopped):
                module = new_module(packs[order.pack_id], experiment)
                follower = Follower(run, checkpoint_of(run, order.pack_id), experiment, deadline)
                train(module, experiment, follower, resumes=order.resumes)


class Follower(Recorder):
    """The recorder of a process that writes nothing: it stops and checkpoints when the first one does."""

    def __init__(self, run: Path, checkpoint: Path, experiment: Experiment, deadline: Deadline) -> None:
        steps = experiment.recorded_steps()
        super().__init__(run, (), steps, checkpoint, experiment.checkpoint_seconds, lambda trial_steps: None, deadline)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pass

    def observe(self, module: PackModule) -> None:
        pass

    def write_part(self, module: PackModule) -> None:
        pass
