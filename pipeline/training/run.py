"""A plan, or some of its packs, trained in this process, pack by pack."""

from __future__ import annotations

import gc
import signal
import sys
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
from pipeline.plan import Plan
from pipeline.problems.problem import Dataset, Problem, TableProblem
from pipeline.provenance import code_version
from pipeline.records.locks import locked
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.store import finished_packs, is_finished, read_outcomes
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.failures import forget_failures, is_out_of_memory, write_failure
from pipeline.training.fit import chosen_accelerator, fit
from pipeline.training.heap import release_pack_memory
from pipeline.training.pack_locks import pack_lock
from pipeline.training.process_group import check_processes
from pipeline.training.progress import TrainingProgress


@dataclass
class Counts:
    """Trials by how they ended, and whether the deadline ended the rest."""

    done: int = 0
    diverged: int = 0
    failed: int = 0
    held_elsewhere: int = 0
    """Trials of packs that another process was training, at the first look and at the last."""
    stopped: bool = False
    """Whether the deadline passed while there was something left to train."""


def check_ready(plan: Plan) -> None:
    """Refuse what can be known to fail before anything is written: missing devices, an engine that lacks something.

    A table that cannot be used is refused as well.

    Raises:
        PipelineError: With the reason.
    """
    check_processes(plan.experiment.parallel)
    if plan.experiment.accelerator == "cuda" and not torch.cuda.is_available():
        raise PipelineError("accelerator is cuda, but there is no CUDA device", hint="set accelerator: auto")
    device = chosen_accelerator(plan.experiment.accelerator)
    for shape in {pack.shape for pack in plan.packs}:
        choose_engine(plan.experiment.engine, shape, device)
    for problem in {pack.shape.problem for pack in plan.packs}:
        if isinstance(problem, TableProblem):
            problem.load()


def run_plan(plan: Plan, run: Path, progress: TrainingProgress) -> Counts:
    """Train what is not finished yet; packs that failed before are tried again.

    Returns:
        Counts of the trials trained now.

    Raises:
        PipelineError: If another process is training in the same folder.
    """
    with only_one(run, progress), exit_on_sigterm():
        provenance = OutcomeProvenance(code=code_version())
        return train_packs(plan.packs, plan.experiment, run, progress, provenance=provenance, deadline=Deadline())


def train_packs(
    packs: Sequence[Pack],
    experiment: Experiment,
    run: Path,
    progress: TrainingProgress,
    *,
    provenance: OutcomeProvenance,
    deadline: Deadline,
) -> Counts:
    """Train those of some packs that are left, one after another; several processes may do so in one folder.

    A pack that fails does not stop the others. One that another process is training is
    left to it, and looked at once more at the end. When the deadline has passed, what
    has been done of the pack in training is kept, and no other is begun.

    Args:
        packs: Packs of one plan.
        experiment: What to record, and on what to compute.
        run: Folder of the run.
        progress: Told of every step.
        provenance: The job that trains, for the outcomes.
        deadline: When to stop.

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
    engines: dict[Shape, ChosenEngine] = {}  # several processes share the reference engine
    if left and experiment.parallel.processes == 1:
        device = chosen_accelerator(experiment.accelerator)
        engines = {shape: choose_engine(experiment.engine, shape, device) for shape in {pack.shape for pack in left}}
        progress.say(announced(left, engines))
    training = Training(experiment, run, progress, provenance, deadline, engines)
    gc.freeze()  # the plan is not looked through after every pack
    try:
        held = [pack for pack in left if not training.take(pack)]
        held = [pack for pack in held if not training.take(pack)]
        training.counts.held_elsewhere = sum(len(pack.trials) for pack in held)
    except Stopped:
        training.counts.stopped = True
    except BaseException:
        progress.close()  # what is said of the error stands on a line of its own
        raise
    finally:
        gc.unfreeze()
    progress.stop()
    return training.counts


@dataclass
class Training:
    """Trains pack after pack and counts how they end."""

    experiment: Experiment
    run: Path
    progress: TrainingProgress
    provenance: OutcomeProvenance
    deadline: Deadline
    engines: Mapping[Shape, ChosenEngine]
    counts: Counts = field(default_factory=Counts)
    datasets: dict[Problem, Dataset] = field(default_factory=dict)

    def take(self, pack: Pack) -> bool:
        """Train a pack, unless another process does: then false.

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
        """Train a pack that nobody else has, to its end or its failure."""
        self.progress.start_pack(pack)
        try:
            engine = self.engines.get(pack.shape)
            if engine is not None:
                with self.progress.untimed("compiling"):
                    engine.compile(pack.shape, self.experiment.diagnostics)
            diverged = fit(
                pack, self.experiment, self.run, self.progress.advance, self.dataset(pack.shape.problem),
                provenance=self.provenance, deadline=self.deadline, engine=engine,
            )  # fmt: skip
        except (PipelineError, Stopped):
            raise  # a mistake of the person, or the end of our time
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

    def dataset(self, problem: Problem) -> Dataset:
        """The points of a problem; those of one are kept, because packs come problem by problem."""
        if problem not in self.datasets:
            self.datasets = {problem: problem.load()}
        return self.datasets[problem]


@contextmanager
def only_one(run: Path, progress: TrainingProgress) -> Iterator[None]:
    """Hold the folder of a run; the system lets go of it however the process ends."""
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
    """Stop at once when told to: Lightning by itself goes on to the end of the batch, and then to the next pack."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
