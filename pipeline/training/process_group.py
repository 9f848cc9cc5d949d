"""The process group of a parallel training: how processes join it, and what the first one broadcasts.

The first process (rank 0, the leader) decides everything: which pack is trained, whether
from a checkpoint, and when the work is over. The others, its followers, wait for its
command, so nothing is decided twice.
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
from pipeline.training.rendezvous import Rendezvous, rendezvous_store

VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK")
"""Environment variables by which a process finds the others, as ``torchrun`` and submitit's helper set them."""

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for another, at the start and while the first one computes diagnostics."""

PEER_LOST_HINT = "the logs say why; submit again, and training goes on from the last checkpoint"


class TrainCommand(NamedTuple):
    """What the leader broadcasts: train a pack with me.

    Args:
        pack_id: The pack.
        resumes: Whether from its checkpoint.
    """

    pack_id: str
    resumes: bool


def check_processes(parallel: Parallel) -> None:
    """Refuse to train in parallel in a process that was not started with the others.

    Args:
        parallel: How many processes the experiment asks for.

    Raises:
        PipelineError: If the others cannot be found, or are more or fewer.
    """
    requested = f"parallel: {parallel.nodes} nodes x {parallel.devices} devices"
    if parallel.processes == 1:
        return
    if not os.environ.keys() >= set(VARIABLES):
        hint = "submit --cluster local does so on this machine; or leave parallel out"
        raise PipelineError(f"{requested} needs `submit`, which starts {parallel.processes} processes", hint=hint)
    if int(os.environ["WORLD_SIZE"]) != parallel.processes:
        what = f"{requested} needs {parallel.processes} processes, not {os.environ['WORLD_SIZE']}"
        raise PipelineError(what, hint="start a process for each device of each node")


def trainer_arguments(parallel: Parallel, accelerator: str) -> tuple[dict[str, Any], list[Any]]:
    """Arguments and plugins of a Lightning trainer, explicit so that Lightning guesses nothing from the environment.

    Args:
        parallel: Nodes, and devices of each.
        accelerator: ``cpu`` or ``cuda``.

    Returns:
        Keyword arguments, and plugins.
    """
    if parallel.processes == 1:
        return {"devices": 1}, [LightningEnvironment()]
    strategy = DDPStrategy(
        process_group_backend=backend(accelerator), gradient_as_bucket_view=True, broadcast_buffers=False
    )
    arguments = {"num_nodes": parallel.nodes, "devices": parallel.devices, "strategy": strategy}
    return arguments, [TorchElasticEnvironment()]


def backend(accelerator: str) -> str:
    """The library of collective operations on tensors of a device: NCCL on GPUs, else Gloo."""
    return "nccl" if accelerator == "cuda" else "gloo"


@contextmanager
def process_group(parallel: Parallel, accelerator: str, rendezvous: Rendezvous | None = None) -> Iterator[None]:
    """Join the process group, and leave it at the end.

    Args:
        parallel: How many processes there are.
        accelerator: ``cpu`` or ``cuda``.
        rendezvous: Where they find each other; ``None``: at the port that the environment names, as ``torchrun``
            sets it.

    Raises:
        PipelineError: If this process was not started with the others, or does not find them.
    """
    check_processes(parallel)
    if accelerator == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if rendezvous is None:
        distributed.init_process_group(backend(accelerator), timeout=TIMEOUT)
    else:
        rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        store = rendezvous_store(rendezvous, rank, TIMEOUT)
        with lost_peer_explained():
            distributed.init_process_group(
                backend(accelerator), store=store, rank=rank, world_size=world_size, timeout=TIMEOUT
            )
    try:
        yield
    finally:
        leave_group()


def leave_group() -> None:
    """Leave the process group, if this process is in it.

    Those that wait for this one get an error as soon as nothing refers to the group any
    more, not even a traceback: at the latest when this process ends.
    """
    if in_group():
        distributed.destroy_process_group()


def in_group() -> bool:
    """Whether this process has joined the process group and not left it."""
    return distributed.is_initialized()


def is_leader() -> bool:
    """Whether this process has rank 0."""
    return distributed.get_rank() == 0


def broadcast_command(command: TrainCommand | None) -> None:
    """Send a command to the followers.

    Args:
        command: What to train; ``None``: nothing is left.

    Raises:
        PipelineError: If the followers are no longer there.
    """
    if not in_group():
        raise PipelineError("the other processes of this parallel training are gone", hint=PEER_LOST_HINT)
    distributed.broadcast_object_list([command], src=0)


def received_command() -> TrainCommand | None:
    """Wait for a command of the leader; ``None``: nothing is left."""
    received: list[TrainCommand | None] = [None]
    distributed.broadcast_object_list(received, src=0)
    return received[0]


@contextmanager
def in_lockstep() -> Iterator[None]:
    """Leave the process group if the block fails: its collective operations would wait for this process in vain.

    Raises:
        Stopped: As the block does: stopping is no failure, all processes do it at once.
        PipelineError: If another process has gone. That says nothing of the pack: the machine of the other may have.
    """
    try:
        with lost_peer_explained():
            yield
    except Stopped:
        raise
    except BaseException:
        leave_group()
        raise


@contextmanager
def lost_peer_explained() -> Iterator[None]:
    """Replace an error of torch by what it means, where that is a process that cannot be reached any more.

    Raises:
        PipelineError: In its place.
    """
    try:
        yield
    except Exception as error:
        if not is_lost_peer(error):
            raise
        first_line = str(error).splitlines()[0]
        what = f"another process of this parallel training is gone: {first_line}"
        raise PipelineError(what, hint=PEER_LOST_HINT) from error


def is_lost_peer(error: BaseException) -> bool:
    """Whether an error means that another process cannot be reached any more.

    Gloo of torch 2.13 raises a plain ``RuntimeError``, which names its own source file.

    Args:
        error: What a collective operation raised.

    Returns:
        Whether it is one of torch's errors of communication, or of Gloo's.
    """
    return isinstance(error, distributed.DistError) or (isinstance(error, RuntimeError) and "gloo/" in str(error))
