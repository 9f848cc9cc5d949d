"""Training of one pack: pack in, records out; resumes where an earlier attempt was stopped."""

from __future__ import annotations

import shutil
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from pipeline.engines.choice import ChosenEngine
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.frame_choice import frame_choice
from pipeline.experiment.packing import Pack
from pipeline.numerics.threads import threads_of_operation
from pipeline.problems.problem import Dataset
from pipeline.records.outcome_provenance import NO_JOB, OutcomeProvenance
from pipeline.records.store import remove_unfinished_writes, write_outcomes
from pipeline.training.data_parallel import DataParallelPackModule
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.fitted_function import write_best_fit
from pipeline.training.frame_recording import FrameRecording
from pipeline.training.module import NEVER, PackModule
from pipeline.training.outcomes import outcomes
from pipeline.training.process_group import TrainCommand, broadcast_command, check_processes, in_lockstep
from pipeline.training.recorder import Recorder
from pipeline.training.trainer import new_trainer


def fit(
    pack: Pack,
    experiment: Experiment,
    run: Path,
    on_advance: Callable[[int], None],
    dataset: Dataset | None = None,
    *,
    provenance: OutcomeProvenance = NO_JOB,
    deadline: Deadline | None = None,
    engine: ChosenEngine | None = None,
) -> int:
    """Train a pack to its end, and write its records, its outcomes, and samples of the function of its best trial.

    Args:
        pack: What to train.
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        on_advance: Called after each segment with the trial-steps done in it.
        dataset: The points of the pack's problem, if they are loaded already.
        provenance: The job that trains, for the outcomes.
        deadline: When to stop before the end; training resumes from there another time, to the same numbers.
        engine: What computes it, if that is chosen already; several processes share the reference engine.

    Returns:
        How many trials diverged.

    Raises:
        PipelineError: If the pack needs other processes, and they are not there.
        Stopped: If the deadline passed. What was done is on disk; there are no outcomes yet.
        OSError: If the folder cannot be written, as on a disk that is full.
    """
    started = time.monotonic()
    check_processes(experiment.parallel)
    checkpoint = checkpoint_of(run, pack.id)
    folder = checkpoint.parent
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished_writes(run, pack.id)
    resumes = is_readable(checkpoint)
    if experiment.parallel.processes > 1:
        broadcast_command(TrainCommand(pack.id, resumes))
    with in_lockstep():
        module = new_module(pack, experiment, dataset, engine)
        diagnostics, steps = experiment.diagnostics, experiment.recorded_steps(pack.shape.steps)
        frames = FrameRecording(run, frame_choice(experiment))
        recorder = Recorder(
            run,
            diagnostics,
            steps,
            checkpoint,
            experiment.checkpoint_seconds,
            on_advance,
            deadline or Deadline(),
            frames,
        )
        train(module, experiment, recorder, resumes=resumes)
    write_best_fit(run, module)
    write_outcomes(run, pack.id, outcomes(module, time.monotonic() - started, provenance))
    shutil.rmtree(folder)
    return int((module.diverged_at != NEVER).sum())


def checkpoint_of(run: Path, pack_id: str) -> Path:
    """Path of the checkpoint of a pack, which is there only while it is trained."""
    return run / "checkpoints" / pack_id / "last.ckpt"


def new_module(
    pack: Pack, experiment: Experiment, dataset: Dataset | None = None, engine: ChosenEngine | None = None
) -> PackModule:
    """The module of a pack at step 0, for one process or for several.

    Args:
        pack: What to train.
        experiment: What is recorded, and by how many processes it is trained.
        dataset: The points, if they are loaded already.
        engine: What computes it in one process, if that is chosen already.

    Returns:
        The module, with its weights on the CPU.
    """
    steps = experiment.recorded_steps(pack.shape.steps)
    if experiment.parallel.processes > 1:
        return DataParallelPackModule(pack, steps, dataset)
    return PackModule(pack, steps, dataset, engine or experiment.engine)


def train(module: PackModule, experiment: Experiment, recorder: Recorder, *, resumes: bool) -> None:
    """Train a module to its last step.

    Args:
        module: The pack.
        experiment: On which devices, and by how many processes.
        recorder: What records it, and names its checkpoint.
        resumes: Whether to begin at the checkpoint.

    Raises:
        Stopped: If the deadline of the recorder passed.
    """
    trainer = new_trainer(experiment, recorder)
    module.logs_segments = False  # the recorder is all that looks
    with warnings.catch_warnings(), threads_of_operation(1):
        warnings.filterwarnings("ignore", module="lightning")  # of workers and validation that a pack has no use for
        try:
            trainer.fit(module, ckpt_path=str(recorder.checkpoint) if resumes else None, weights_only=True)
        except BaseException as error:
            cause = cause_of_end(error, stopped=recorder.stopped)
            if cause is error:
                raise
            raise cause from None
    module.to(trainer.strategy.root_device)  # where the engine is; Lightning leaves the weights on the processor


def cause_of_end(error: BaseException, *, stopped: bool) -> BaseException:
    """What ended a training, where Lightning raises something else.

    Args:
        error: What Lightning raised.
        stopped: Whether the deadline had passed, everything was written, and what was left was to tear down.

    Returns:
        The error itself, or what it stands for.
    """
    if stopped and isinstance(error, Exception):
        return error if isinstance(error, Stopped) else Stopped(f"and then {error!r}")
    if isinstance(error, SIGTERMException):  # came in the moment before its handler was restored
        return Stopped("by a signal")
    if isinstance(error, SystemExit) and error.code == 1:
        # Lightning turns Ctrl-C into an exit and leaves the signal ignored; both are ours to decide.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return KeyboardInterrupt()
    return error


def is_readable(checkpoint: Path) -> bool:
    """Whether there is a checkpoint to resume from; one that is damaged is as good as none."""
    try:
        torch.load(checkpoint, weights_only=True, map_location="cpu")
    except Exception:  # torch raises whatever the damage leads it into; what is lost is time, not results
        return False
    return True
