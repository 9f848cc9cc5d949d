"""A whole sweep from the command line to its results: time, memory, and how both grow with the number of trials.

Each sweep is run by the commands that a user types, in processes of their own, start-up, diagnostics, records and
report included. Beside it stands what one process per trial would take: the start-up of Lightning and the steps of one
trial in a Lightning Trainer, both measured in the same run, times the trials, shared out over the cores without loss.
"""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.bench.peers import lightning_per_trial
from pipeline.bench.timings import calibrated_count
from pipeline.config import read_experiment
from pipeline.errors import PipelineError
from pipeline.home import PACKAGE
from pipeline.numerics.threads import CORES
from pipeline.plans import make_plan
from pipeline.records.store import scan_records, write_records

CONFIG = PACKAGE / "configs" / "bench" / "thousand_trials.yaml"
SEEDS = (10, 100, 1_000, 10_000)
"""Each with the ten learning rates of the configuration: from a hundred trials to a hundred thousand."""
SHORT = ("steps=100", "record_at=[100]")
"""What the many trials are shortened to."""
STARTUP = "import torch, lightning"
"""What a process does before it can train."""
ROWS_WRITTEN = 1_000_000


@dataclass(frozen=True)
class SweepTiming:
    """The time and memory of one sweep.

    Args:
        trials: Number of trials.
        steps: Updates of each.
        values: Numbers recorded.
        seconds: Time of the commands that run it and print its results.
        peak_bytes: Largest memory of the process that trained.
    """

    trials: int
    steps: int
    values: int
    seconds: float
    peak_bytes: int


class FinishedCommand(NamedTuple):
    """The time of a command that has succeeded, and the largest memory of its process."""

    seconds: float
    peak_bytes: int


def measure_sweep(seeds: Sequence[int] = SEEDS, *, say: Callable[[str], None]) -> pl.DataFrame:
    """One row for the sweep of the configuration, and one for each number of trials."""
    say(f"the sweep of {CONFIG.name}")
    every = [sweep(())]
    for number in seeds:
        say(f"{10 * number} trials of 100 steps")
        every.append(sweep((f"seeds={number}", *SHORT)))
    say("one process per trial")
    return rows(every, startup_seconds(), step_seconds())


def rows(every: Sequence[SweepTiming], startup_s: float, step_s: float) -> pl.DataFrame:
    """One row per sweep, with the exponent of its time since the sweep before, of as many steps and fewer trials.

    Args:
        every: The sweeps.
        startup_s: Seconds until one process could train.
        step_s: Seconds of a step of one trial in a Lightning Trainer.

    Returns:
        Times, memory, exponents, and the time of one process per trial.
    """
    alone = [one.trials * (startup_s + one.steps * step_s) / CORES for one in every]
    before = [None, *every[:-1]]
    return pl.DataFrame(
        {
            "trials": one.trials,
            "steps": one.steps,
            "values recorded": one.values,
            "seconds": one.seconds,
            "peak GiB": one.peak_bytes / 2**30,
            "exponent in trials": exponent(earlier, one),
            "one process per trial, hours": of_processes / 3600,
            "faster by": of_processes / one.seconds,
        }
        for one, earlier, of_processes in zip(every, before, alone, strict=True)
    )


def exponent(fewer: SweepTiming | None, more: SweepTiming) -> float | None:
    """The power of the number of trials that time has grown with; at most 1 where what each trial takes is the same."""
    if fewer is None or fewer.steps != more.steps or fewer.trials == more.trials:
        return None
    return math.log(more.seconds / fewer.seconds) / math.log(more.trials / fewer.trials)


def sweep(changes: Sequence[str]) -> SweepTiming:
    """Run the configuration with some changes, and print its results, as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        settings = [argument for change in changes for argument in ("--set", change)]
        trained = finished_command(["run", str(CONFIG), "--out", str(run), *settings])
        printed = finished_command(["results", str(run), "--json"])
        experiment = read_experiment(CONFIG, changes)
        num_trials = len(make_plan("bench", experiment).trials)
        seconds = trained.seconds + printed.seconds
        num_values = scan_records(run).select(pl.len()).collect().item()
        return SweepTiming(num_trials, experiment.num_steps, num_values, seconds, trained.peak_bytes)


def finished_command(arguments: Sequence[str]) -> FinishedCommand:
    """Run ``python -m pipeline`` to its end.

    Args:
        arguments: The verb and its arguments.

    Returns:
        Time and largest memory.

    Raises:
        PipelineError: If it fails, with the end of what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments], stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # waited for already
        if process.returncode:
            said.seek(0)
            raise PipelineError(f"python -m pipeline {arguments[0]} failed", hint=said.read()[-300:])
    unit = 1 if sys.platform == "darwin" else 1024
    return FinishedCommand(seconds, usage.ru_maxrss * unit)


def startup_seconds() -> float:
    """Seconds until a process could begin to train with Lightning; the second of two, when files are in memory."""
    for _ in range(2):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", STARTUP], check=True)
        seconds = time.perf_counter() - started
    return seconds


def step_seconds() -> float:
    """Seconds of one step of one trial of the configuration in a Lightning Trainer."""
    (pack, *_) = make_plan("bench", read_experiment(CONFIG, ("seeds=1",))).packs
    steps, _ = lightning_per_trial(pack)
    count = calibrated_count(steps)
    started = time.perf_counter()
    steps(count)
    return (time.perf_counter() - started) / count


def values_per_second() -> float:
    """Records written in one second, on the disk of temporary files."""
    numbers = pl.int_range(ROWS_WRITTEN, eager=True)
    ids = pl.Series([hashlib.sha256(str(trial).encode()).hexdigest() for trial in range(1000)])
    table = pl.DataFrame(
        {
            "trial": ids.gather(numbers % 1000),
            "step": numbers // 1000,
            "diagnostic": pl.Series(["loss"]).new_from_index(0, ROWS_WRITTEN),
            "value": numbers.cast(pl.Float64),
            "pack": pl.Series(["pack"]).new_from_index(0, ROWS_WRITTEN),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        write_records(Path(folder), "pack", 0, table)
        return ROWS_WRITTEN / (time.perf_counter() - started)
