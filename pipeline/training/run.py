"""Training of a plan, or of some of its packs, in this process, pack by pack."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import torch

from pipeline.engines.choice import ChosenEngine, announced, choose_engine
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Shape
from pipeline.plans import Plan
from pipeline.problems.problem import Dataset, Problem, TableProblem
from pipeline.provenance import code_version
from pipeline.records.last_work import note_work
from pipeline.records.locks import locked
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.pack_locks import pack_lock
from pipeline.records.store import finished_packs, is_finished, read_outcomes
from pipeline.reuse.reusable_trials import NOTHING_REUSABLE, ReusableTrials
from pipeline.reuse.taking import take
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.failures import forget_failures, is_out_of_memory, write_failure
from pipeline.training.fit import fit
from pipeline.training.heap import release_pack_memory
from pipeline.training.process_group import check_processes
from pipeline.training.progress import TrainingProgress
from pipeline.training.trainer import chosen_accelerator


@dataclass
class TrialCounts:
    """Numbers of trials by how they ended, and whether the deadline ended the rest."""

    done: int = 0
    diverged: int = 0
    failed: int = 0
    held_elsewhere: int = 0
    """Trials of packs that another process was training, at the first look and at the last."""
    stopped: bool = False
    """Whether the deadline passed while there was something left to train."""


def check_ready(plan: Plan) -> dict[Shape, ChosenEngine]:
    """Refuse what is known to fail before anything is written: a missing device, an engine that lacks something.

    A table that cannot be used is refused as well.

    Args:
        plan: What is to be trained.

    Returns:
        The engine of each shape.

    Raises:
        PipelineError: With the reason.
    """
    check_processes(plan.experiment.parallel)
    if plan.experiment.accelerator == "cuda" and not torch.cuda.is_available():
        raise PipelineError("accelerator is cuda, but there is no CUDA device", hint="set accelerator: auto")
    engines = chosen_engines(plan.packs, plan.experiment)
    for problem in {pack.shape.problem for pack in plan.packs}:
        if isinstance(problem, TableProblem):
            problem.load()
    return engines


def chosen_engines(packs: Sequence[Pack], experiment: Experiment) -> dict[Shape, ChosenEngine]:
    """The engine of each shape of some packs, on the device of the experiment.

    Args:
        packs: Some packs.
        experiment: Which engine and which device it asks for.

    Returns:
        Engines by shape.

    Raises:
        PipelineError: If the engine that it asks for cannot compute one of them.
    """
    device = chosen_accelerator(experiment.accelerator)
    return {shape: choose_engine(experiment.engine, shape, device) for shape in {pack.shape for pack in packs}}


def run_plan(
    plan: Plan,
    run: Path,
    progress: TrainingProgress,
    engines: Mapping[Shape, ChosenEngine] | None = None,
    reusable: ReusableTrials = NOTHING_REUSABLE,
) -> TrialCounts:
    """Train what is not finished yet; packs that failed before are tried again.

    Args:
        plan: What to train.
        run: Folder of the run.
        progress: Shows every step.
        engines: The engine of each shape, if they are chosen already.
        reusable: Trials that other runs have finished; packs of such trials are taken from there.

    Returns:
        Counts of the trials trained now.

    Raises:
        PipelineError: If another process is training in the same folder.
    """
    with run_lock(run, progress), exit_on_sigterm():
        note_work(run)
        take(plan, run, reusable, progress.say)
        return train_packs(
            plan.packs, plan.experiment, run, progress,
            provenance=OutcomeProvenance(code=code_version()), deadline=Deadline(), engines=engines,
        )  # fmt: skip


def train_packs(
    packs: Sequence[Pack],
    experiment: Experiment,
    run: Path,
    progress: TrainingProgress,
    *,
    provenance: OutcomeProvenance,
    deadline: Deadline,
    engines: Mapping[Shape, ChosenEngine] | None = None,
) -> TrialCounts:
    """Train those of some packs that are left, one after another; several processes may do so in one folder.

    A pack that fails does not stop the others. One that another process is training is
    left to it, and looked at once more at the end. When the deadline has passed, what
    has been done of the pack in training is kept, and no other is begun.

    Args:
        packs: Packs of one plan.
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        progress: Shows every step.
        provenance: The job that trains, for the outcomes.
        deadline: When to stop.
        engines: The engine of each shape, if they are chosen already.

    Returns:
        Counts of the trials trained now.

    Raises:
        PipelineError: If a problem cannot be loaded.
        OSError: If the folder cannot be written, as on a disk that is full.
    """
    finished = finished_packs(run)
    left = [pack for pack in packs if pack.id not in finished]
    before = finished & {pack.id for pack in packs}
    outcomes = read_outcomes(run).filter(pl.col("pack").is_in(list(before)))
    progress.start(packs, left, diverged=outcomes.filter(pl.col("status") == "diverged").height)
    if experiment.parallel.processes > 1:
        engines = {}  # several processes share the reference engine
    elif left:
        engines = engines or chosen_engines(left, experiment)
        progress.say(announced(left, engines))
    training = Training(experiment, run, progress, provenance, deadline, engines or {})
    gc.freeze()  # the collector need not look through the plan after every pack
    try:
        held = [pack for pack in left if not training.try_pack(pack)]
        held = [pack for pack in held if not training.try_pack(pack)]
        training.counts.held_elsewhere = sum(len(pack.trials) for pack in held)
    except Stopped:
        training.counts.stopped = True
    except BaseException:
        progress.close()  # the message of the error stands on a line of its own
        raise
    finally:
        gc.unfreeze()
    progress.stop()
    return training.counts


@dataclass
class Training:
    """Trains pack after pack, and counts how their trials end.

    Args:
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        progress: Shows every step.
        provenance: The job that trains, for the outcomes.
        deadline: When to stop.
        engines: The engine of each shape; none for several processes.
    """

    experiment: Experiment
    run: Path
    progress: TrainingProgress
    provenance: OutcomeProvenance
    deadline: Deadline
    engines: Mapping[Shape, ChosenEngine]
    counts: TrialCounts = field(default_factory=TrialCounts)
    datasets: dict[Problem, Dataset] = field(default_factory=dict)

    def try_pack(self, pack: Pack) -> bool:
        """Train a pack, unless another process holds its lock.

        Args:
            pack: The pack.

        Returns:
            Whether the lock was free.

        Raises:
            Stopped: If the deadline has passed before the pack was finished.
        """
        with pack_lock(self.run, pack.id, self.progress.warn) as held:
            if not held:
                return False
            if is_finished(self.run, pack.id):
                self.progress.skip_pack(pack)
            elif self.deadline.passed():
                raise Stopped("before another pack")
            else:
                self.train(pack)
        return True

    def train(self, pack: Pack) -> None:
        """Train a pack whose lock is held, to its end or its failure.

        Args:
            pack: The pack.

        Raises:
            PipelineError: If it is a mistake of the person.
            Stopped: If the deadline has passed.
            OSError: If the folder cannot be written.
        """
        self.progress.start_pack(pack)
        try:
            diverged = self._fit(pack)
        except (PipelineError, Stopped):
            raise
        except Exception as error:  # whatever goes wrong in one pack, the others go on
            if isinstance(error, OSError) and not is_out_of_memory(error):
                raise  # a folder that cannot be written: no pack would fare better
            write_failure(self.run, pack, error, self.provenance)
            self.counts.failed += len(pack.trials)
            self.progress.finish_pack(pack, failed=len(pack.trials))
        else:
            forget_failures(self.run, pack)
            self.counts.done += len(pack.trials) - diverged
            self.counts.diverged += diverged
            self.progress.finish_pack(pack, diverged=diverged)
        release_pack_memory()

    def _fit(self, pack: Pack) -> int:
        engine = self.engines.get(pack.shape)
        if engine is not None:
            with self.progress.untimed("compiling"):
                engine.compile(pack.shape, self.experiment.diagnostics)
        return fit(
            pack, self.experiment, self.run, self.progress.advance, self._dataset(pack.shape.problem),
            provenance=self.provenance, deadline=self.deadline, engine=engine,
        )  # fmt: skip

    def _dataset(self, problem: Problem) -> Dataset:
        """The points of a problem; those of one are kept, because packs come problem by problem."""
        if problem not in self.datasets:
            self.datasets = {problem: problem.load()}
        return self.datasets[problem]


@contextmanager
def run_lock(run: Path, progress: TrainingProgress) -> Iterator[None]:
    """Hold the lock of the folder of a run; the system releases it however the process ends.

    Args:
        run: The folder, made where it is missing.
        progress: Shows a warning if the file system has no locks.

    Raises:
        PipelineError: If another process holds it.
    """
    run.mkdir(parents=True, exist_ok=True)
    lock = locked(run / ".lock", progress.warn)
    if lock is None:
        raise PipelineError(
            "another process is training in this folder", where=str(run), hint="wait for it, or give another --out"
        )
    with lock:
        yield


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Exit at once on SIGTERM: Lightning by itself goes on to the end of the batch, and then to the next pack.

    Python lets the main thread alone decide that; in another one, as of a server of pages, it is left as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
