"""Workers of a job share its packs and its GPUs, or train each trial together; jobs of an array help each other."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError
from pipeline.launch.job.signals import STARTED
from pipeline.launch.notes.attempts import cut_packs, readable_attempts
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.records.store import outcomes_of

if TYPE_CHECKING:
    from pipeline.plans import Plan
    from pipeline.training.rendezvous import Rendezvous


LEAST_SECONDS_TO_HELP = 60.0
"""A pack that takes less is left to its own job: to start one costs as much."""


def pack_to_help_with(run: Path, sent: Submission, index: int, seconds: float, tried: Container[str]) -> str | None:
    """Choose a pack of another task of an array for a job that is done with its own: work stealing.

    The one that is expected to take longest of those that nobody has begun (LPT list scheduling, Graham 1969). So an
    array ends soon after its work would if it were spread evenly, however wrong that was expected, and whatever was
    killed. What ran out of time goes on from its checkpoint. What was begun otherwise and not finished is left to
    whoever has it, or to the next submit, which may make halves of it.

    Args:
        run: Folder of the run.
        sent: The submission.
        index: The task that is done.
        seconds: How long the job may go on.
        tried: Packs that it has tried before.

    Returns:
        Name of the pack; none if there is none that takes long enough, and not too long.
    """
    attempts = readable_attempts(run)
    begun = {attempt.pack for attempt in attempts} - cut_packs(attempts).keys()
    others = [pack for number, task in enumerate(sent.tasks) if number != index for pack in task]
    fits = [pack for pack in others if LEAST_SECONDS_TO_HELP <= sent.costs.get(pack, 0.0) <= seconds]
    ways = sorted(fits, key=lambda pack: -sent.costs[pack])
    free = (pack for pack in ways if not (pack in tried or pack in begun or outcomes_of(run, pack).exists()))
    return next(free, None)


def packs_of(run: Path, sent: Submission, index: int) -> list[str]:
    """The packs of a task: its own, and those of other tasks in which an earlier attempt of it ran out of time.

    Args:
        run: Folder of the run.
        sent: The submission.
        index: The task.

    Returns:
        Names of packs, its own first.
    """
    cut = cut_packs(readable_attempts(run)).items()
    helped = [pack for pack, attempt in cut if (attempt.submission, attempt.index) == (sent.name, index)]
    return list(dict.fromkeys([*sent.tasks[index], *helped]))


def in_turn(packs: list[str], worker: int, workers: int) -> list[str]:
    """All packs of a job in the order in which one of its workers tries them: its own share first.

    Args:
        packs: Names of the packs of the job.
        worker: Which of its workers.
        workers: How many it has.

    Returns:
        All packs, so that one that another worker holds is tried last.
    """
    return [pack for turn in range(workers) for pack in packs[(worker + turn) % workers :: workers]]


def share_gpus(environment: Any, *, together: bool) -> None:
    """Let each worker of a node see its own GPU; those that train one trial together find theirs by rank.

    Args:
        environment: submitit's ``JobEnvironment``.
        together: Whether all workers train each trial together.
    """
    if together:
        from submitit.helpers import TorchDistributedEnvironment

        TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    workers = environment.num_tasks // environment.num_nodes
    if 1 < workers <= len(visible):
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[environment.local_rank]


def rendezvous_of(sent: Submission, index: int, run: Path, environment: Any) -> Rendezvous:
    """Where the workers of a job meet that train each trial together.

    The script of a job says when it began; on this machine each worker has one of its own, and all have one job.

    Args:
        sent: The submission.
        index: Task of its array.
        run: Folder of the run.
        environment: submitit's ``JobEnvironment``.

    Returns:
        The place and the name of the meeting, and its host.
    """
    from pipeline.training.rendezvous import Rendezvous

    began = os.environ.get(STARTED) if sent.scheduler in ("slurm", "pbs") else ""
    place = folder_of(run, sent.name) / f"{index}.meeting"
    return Rendezvous(place, f"{environment.job_id} {began}", environment.hostnames[0])


def check_gpu(plan: Plan, sent: Submission) -> None:
    """Refuse to train on the processor in a job that has a GPU, unless the experiment says so.

    Args:
        plan: The plan of the run.
        sent: The submission.

    Raises:
        PipelineError: If PyTorch sees no GPU where there must be one.
    """
    import torch

    if sent.gpus and plan.experiment.accelerator != "cpu" and not torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise PipelineError(
            f"this job asked for a GPU, and PyTorch sees none (CUDA_VISIBLE_DEVICES: {visible})",
            hint="the driver may be too old for this PyTorch, or the node bad: exclude it; or set accelerator: cpu",
        )
