"""The processes that train a pack together: how they meet, and what the first one tells the others.

The first process decides everything: which pack is trained, whether from a checkpoint,
and when the work is over. The others wait to be told, so nothing is decided twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.training.deadline import Stopped
from pipeline.training.rendezvous import Meeting, meet

VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK")
"""What tells a process where the others are, as ``torchrun`` and submitit's helper set it."""

PATIENCE = timedelta(minutes=30)
"""How long a process waits for another, at the start and while the first one looks at what was trained."""

GONE = "the logs say why; submit again, and training goes on from the last checkpoint"


class Order(NamedTuple):
    """What the first process tells the others to train with it."""

    pack_id: str
    resumes: bool
    """Whether it goes on from the checkpoint of the pack."""


def check_processes(parallel: Parallel) -> None:
    """Refuse a training by several processes in one that was not started with the others.

    Raises:
        PipelineError: If the others cannot be found, or are more or fewer.
    """
    asked = f"parallel: {parallel.nodes} nodes x {parallel.devices} devices"
    if parallel.processes == 1:
        return
    if not os.environ.keys() >= set(VARIABLES):
        hint = "submit --cluster local does so on this machine; or leave parallel out"
        raise PipelineError(f"{asked} needs `submit`, which starts {parallel.processes} processes", hint=hint)
    if int(os.environ["WORLD_SIZE"]) != parallel.processes:
        what = f"{asked} needs {parallel.processes} processes, not {os.environ['WORLD_SIZE']}"
        raise PipelineError(what, hint="start a process for each device of each node")


def trainer_arguments(parallel: Parallel, accelerator: str) -> tuple[dict[str, Any], list[Any]]:
    """The arguments and the plugins with which Lightning finds the processes, told so that it guesses nothing."""
    if parallel.processes == 1:
        return {"devices": 1}, [LightningEnvironment()]
    strategy = DDPStrategy(
        process_group_backend=backend(accelerator), gradient_as_bucket_view=True, broadcast_buffers=False
    )
    arguments = {"num_nodes": parallel.nodes, "devices": parallel.devices, "strategy": strategy}
    return arguments, [TorchElasticEnvironment()]


def backend(accelerator: str) -> str:
    """The library through which processes exchange tensors of a device."""
    return "nccl" if accelerator == "cuda" else "gloo"


@contextmanager
def joined(parallel: Parallel, accelerator: str, meeting: Meeting | None = None) -> Iterator[None]:
    """Meet the other processes, and leave them at the end.

    Args:
        parallel: How many there are.
        accelerator: ``cpu`` or ``cuda``.
        meeting: Where they meet; none: at the port that the environment names, as ``torchrun`` sets it.

    Raises:
        PipelineError: If this process was not started with the others, or does not find them.
    """
    check_processes(parallel)
    if accelerator == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if meeting is None:
        distributed.init_process_group(backend(accelerator), timeout=PATIENCE)
    else:
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        store = meet(meeting, rank, PATIENCE)
        with lost_is_told():
            distributed.init_process_group(
                backend(accelerator), store=store, rank=rank, world_size=world, timeout=PATIENCE
            )
    try:
        yield
    finally:
        leave()


def leave() -> None:
    """Leave the other processes.

    Those that wait for this one get an error as soon as nothing refers to the group any
    more, not even a traceback: at the latest when this process ends.
    """
    if together():
        distributed.destroy_process_group()


def together() -> bool:
    """Whether this process has met others and not left them."""
    return distributed.is_initialized()


def leads() -> bool:
    """Whether this process is the first."""
    return distributed.get_rank() == 0


def tell(order: Order | None) -> None:
    """Tell the others what to train next, or that nothing is left.

    Raises:
        PipelineError: If they are no longer there.
    """
    if not together():
        raise PipelineError("the other processes of this parallel training are gone", hint=GONE)
    distributed.broadcast_object_list([order], src=0)


def told() -> Order | None:
    """Wait for the first process to say what to train next; nothing means that nothing is left."""
    heard: list[Order | None] = [None]
    distributed.broadcast_object_list(heard, src=0)
    return heard[0]


@contextmanager
def in_step() -> Iterator[None]:
    """Leave the others if the block fails, for nothing after that would be done together.

    Stopping is no failure: all processes do it at once.

    Raises:
        PipelineError: If another process has gone. That says nothing of the pack: the machine of the other may have.
    """
    try:
        with lost_is_told():
            yield
    except Stopped:
        raise
    except BaseException:
        leave()
        raise


@contextmanager
def lost_is_told() -> Iterator[None]:
    """Say of an error that another process cannot be reached any more what it means.

    Raises:
        PipelineError: In its place.
    """
    try:
        yield
    except Exception as error:
        if not is_loss(error):
            raise
        first_line = str(error).splitlines()[0]
        raise PipelineError(f"another process of this parallel training is gone: {first_line}", hint=GONE) from error


def is_loss(error: BaseException) -> bool:
    """Whether an error says that another process cannot be reached any more."""
    return isinstance(error, distributed.DistError) or (isinstance(error, RuntimeError) and "gloo/" in str(error))
