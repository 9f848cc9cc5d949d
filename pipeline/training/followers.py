"""Packs trained by several processes: the first one leads, the others follow."""

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
from pipeline.training.fit import checkpoint_of, new_module, train
from pipeline.training.module import PackModule
from pipeline.training.process_group import (
    broadcast_command,
    in_group,
    in_lockstep,
    is_leader,
    process_group,
    received_command,
)
from pipeline.training.recorder import Recorder
from pipeline.training.rendezvous import Rendezvous
from pipeline.training.trainer import chosen_accelerator

R = TypeVar("R")


def in_parallel(
    packs: Sequence[Pack],
    experiment: Experiment,
    run: Path,
    lead: Callable[[], R],
    deadline: Deadline | None = None,
    rendezvous: Rendezvous | None = None,
) -> R | None:
    """Call ``lead`` in the first process, and train in the others whatever it trains.

    All processes call this with the same packs and the same experiment. Where the
    experiment asks for one process, this is nothing but a call of ``lead``.

    Args:
        packs: What ``lead`` may train.
        experiment: How many processes there are, and all that ``lead`` trains with.
        run: Folder of the run, on a file system that all processes see.
        lead: Trains packs with ``fit``; called in the first process only.
        deadline: When to stop; the one that ``lead`` uses. If it has passed in one process, all stop.
        rendezvous: Where the processes find each other; ``None``: at the port that the environment names.

    Returns:
        What ``lead`` returns; ``None`` in the other processes.

    Raises:
        PipelineError: If this process was not started with the others.
    """
    if experiment.parallel.processes == 1:
        return lead()
    with process_group(experiment.parallel, chosen_accelerator(experiment.accelerator), rendezvous):
        if not is_leader():
            follow({pack.id: pack for pack in packs}, experiment, run, deadline or Deadline())
            return None
        try:
            return lead()
        finally:
            if in_group():
                broadcast_command(None)


def follow(packs: dict[str, Pack], experiment: Experiment, run: Path, deadline: Deadline) -> None:
    """Train with the leader whatever it trains, until its command says that nothing is left.

    Args:
        packs: Packs that it may train, by their ids.
        experiment: How they are trained.
        run: Folder of the run.
        deadline: When all processes stop.

    Raises:
        PipelineError: If the leader trains another pack, or has gone.
    """
    with in_lockstep():
        while (command := received_command()) is not None:
            if command.pack_id not in packs:
                what = f"pack {command.pack_id} is none of those that this process was started with"
                raise PipelineError(what, where=str(run), hint="submit again")
            with suppress(Stopped):
                module = new_module(packs[command.pack_id], experiment)
                recorder = FollowerRecorder(run, packs[command.pack_id], experiment, deadline)
                train(module, experiment, recorder, resumes=command.resumes)


class FollowerRecorder(Recorder):
    """The recorder of a follower: it stops and checkpoints when the leader does, and records nothing.

    Args:
        run: Folder of the run.
        pack: What is trained.
        experiment: When is recorded, and how often there is a checkpoint.
        deadline: When all processes stop.
    """

    def __init__(self, run: Path, pack: Pack, experiment: Experiment, deadline: Deadline) -> None:
        steps = experiment.recorded_steps(pack.shape.steps)
        checkpoint, seconds = checkpoint_of(run, pack.id), experiment.checkpoint_seconds
        super().__init__(run, (), steps, checkpoint, seconds, lambda trial_steps: None, deadline)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pass

    def record(self, module: PackModule) -> None:
        pass

    def write_part(self, module: PackModule) -> None:
        pass
