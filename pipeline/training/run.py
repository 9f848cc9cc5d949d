"""A plan trained here, in this process, pack by pack."""

from __future__ import annotations

import fcntl
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch

from pipeline.errors import PipelineError
from pipeline.experiment.packing import Pack
from pipeline.plan import Plan
from pipeline.problems.problem import Dataset, Problem, TableProblem
from pipeline.records.store import finished_packs, read_outcomes, write_outcomes
from pipeline.training.fit import failed_outcomes, fit
from pipeline.training.progress import Progress


@dataclass
class Counts:
    """Trials of a run by how they ended."""

    done: int = 0
    diverged: int = 0
    failed: int = 0


def check_ready(plan: Plan) -> None:
    """Refuse what can be known to fail before anything is written: a missing device, an unusable table.

    Raises:
        PipelineError: With the reason.
    """
    if plan.experiment.accelerator == "cuda" and not torch.cuda.is_available():
        raise PipelineError("accelerator is cuda, but there is no CUDA device", hint="set accelerator: auto")
    for problem in {pack.shape.problem for pack in plan.packs}:
        if isinstance(problem, TableProblem):
            problem.load()


def run_plan(plan: Plan, run: Path, progress: Progress) -> Counts:
    """Train what is not finished yet; packs that failed before are tried again.

    Returns:
        Counts of the trials trained now.

    Raises:
        PipelineError: If another process is training in the same folder.
    """
    with only_one(run), exit_on_sigterm():
        return train_packs(plan, run, progress)


def train_packs(plan: Plan, run: Path, progress: Progress) -> Counts:
    """Train the packs that are left, one after another."""
    finished = finished_packs(run)
    outcomes = read_outcomes(run).filter(pl.col("pack").is_in(list(finished)))
    counts = Counts()
    left = [pack for pack in plan.packs if pack.id not in finished]
    progress.start(plan, left, diverged=outcomes.filter(pl.col("status") == "diverged").height)
    datasets: dict[Problem, Dataset] = {}
    for pack in left:
        problem = pack.shape.problem
        try:
            if problem not in datasets:
                datasets = {problem: problem.load()}  # packs come problem by problem; one at a time is kept
            diverged = fit(pack, plan.experiment, run, progress.advanced, datasets[problem])
        except (PipelineError, OSError):
            raise  # a mistake of the person, or a folder that cannot be written: no pack would fare better
        except Exception as error:  # whatever goes wrong in one pack, the others go on
            write_failure(run, pack, error)
            counts.failed += len(pack.trials)
            progress.finished(pack, failed=len(pack.trials))
        else:
            (run / "logs" / f"{pack.id}.log").unlink(missing_ok=True)  # of an attempt that failed
            counts.done += len(pack.trials) - diverged
            counts.diverged += diverged
            progress.finished(pack, diverged=diverged)
    progress.stop()
    return counts


@contextmanager
def only_one(run: Path) -> Iterator[None]:
    """Hold the folder of a run; the system lets go of it however the process ends."""
    run.mkdir(parents=True, exist_ok=True)
    with (run / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PipelineError(
                "another process is training in this folder", where=str(run), hint="wait for it, or give another --out"
            ) from None
        yield


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Stop at once when told to: Lightning by itself goes on to the end of the batch, and then to the next pack."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def write_failure(run: Path, pack: Pack, error: Exception) -> None:
    """Record why a pack failed: one line in its outcomes, the whole traceback in the log of the pack."""
    logs = run / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{pack.id}.log").write_text("".join(traceback.format_exception(error)))
    write_outcomes(run, pack.id, failed_outcomes(pack, f"{type(error).__name__}: {error}".splitlines()[0]))
