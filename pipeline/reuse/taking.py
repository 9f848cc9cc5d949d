"""Taking: the records of finished trials are copied from the runs that trained them.

A run stays whole when others are deleted: what it takes it has itself. Where a pack is the same in both runs its
records are hard links, which cost neither time nor room; a file of records is never written again under its name, only
replaced. The outcomes of a pack come last, as in training, so a process that is killed before leaves a pack that is
taken or trained the next time.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.errors import PipelineError, number_of
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.recording import steps_of_records
from pipeline.plans import Plan
from pipeline.records.frame_store import read_frames, remove_frames, write_frames
from pipeline.records.pack_locks import pack_lock
from pipeline.records.store import (
    finished_packs,
    is_finished,
    link_records,
    read_fitted_samples_of,
    read_outcomes_of,
    read_records_of,
    remove_records,
    remove_unfinished_writes,
    write_fitted_samples,
    write_outcomes,
    write_records,
)
from pipeline.reuse.reusable_trials import ReusableTrials, TrialSource, refusal


class _UnusableError(Exception):
    """What is wrong with the trials of another run.

    Args:
        reason: In words that are the same for every pack of which it is true.
        detail: What is said besides of the first such pack.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class _Found:
    """The tables of a pack as other runs have them, with its own id.

    Args:
        outcomes: How its trials ended.
        records: What was recorded of them.
        fits: Samples of functions that they have fitted.
        frames: Their weights on the way, as far as they are there.
        whole: The run that has the very same pack with the same records; none if it is put together.
    """

    outcomes: pl.DataFrame
    records: pl.DataFrame
    fits: pl.DataFrame
    frames: pl.DataFrame
    whole: Path | None


def take(plan: Plan, run: Path, reusable: ReusableTrials, say: Callable[[str], None]) -> int:
    """Take the packs of a plan whose every trial other runs have finished.

    What cannot be taken, as from a run that is being deleted or was damaged, is left to be trained.

    Args:
        plan: As it is written in the folder.
        run: The folder.
        reusable: Where the trials are.
        say: Prints how many trials could not be taken, once for each reason.

    Returns:
        How many trials were taken.

    Raises:
        PipelineError: If it cannot be known whether another process trains a pack.
        OSError: If the folder cannot be written, as on a disk that is full.
    """
    whole, finished, taken = set(reusable.whole_packs(plan)), finished_packs(run), 0
    left: Counter[str] = Counter()
    details: dict[str, str] = {}
    for pack in plan.packs:
        if pack.id in finished or pack.id not in whole:
            continue
        with pack_lock(run, pack.id, say) as held:
            if not held or is_finished(run, pack.id):
                continue  # somebody trains it, or has
            try:
                found = _found(pack, plan.experiment, reusable.sources)
            except _UnusableError as error:
                left[error.reason] += len(pack.trials)
                details.setdefault(error.reason, error.detail)
                continue
            _write(run, pack.id, found)
            taken += len(pack.trials)
    for reason, number in left.items():
        say(f"{number_of(number, 'trial', 'are')} trained again: {reason}{details[reason]}")
    return taken


def _found(pack: Pack, experiment: Experiment, sources: Mapping[str, TrialSource]) -> _Found:
    """Read a pack from the runs that have its trials, and make sure that nothing is missing.

    Returns:
        The tables, with all trials of the pack and nothing but what is asked of them.

    Raises:
        _UnusableError: If something is.
    """
    places = list(dict.fromkeys((source.run, source.pack) for source in (sources[trial.id] for trial in pack.trials)))
    steps = experiment.recorded_steps(pack.shape.steps)
    ids = pl.Series("trial", [trial.id for trial in pack.trials])
    try:
        parts = [_read(run, there, ids) for run, there in places]
    except (PipelineError, pl.exceptions.PolarsError, OSError) as error:
        raise _UnusableError("what is there cannot be read", f": {error}") from None
    outcomes, records, fits, frames = (pl.concat(tables) for tables in zip(*parts, strict=True))
    names = [diagnostic.name() for diagnostic in experiment.diagnostics]
    asked = records.filter(pl.col("diagnostic").is_in(names) & pl.col("step").is_in(steps))
    same = asked.height == records.height and [there for _, there in places] == [pack.id]
    outcomes = ids.to_frame().join(outcomes, on="trial", how="left", maintain_order="left")
    _check(pack, experiment, outcomes, asked)
    return _Found(outcomes, asked, fits, frames, places[0][0] if same else None)


def _read(run: Path, pack: str, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Outcomes, records, fitted samples and frames of some trials of a pack of another run, which outcomes name."""
    of_trials = pl.col("trial").is_in(ids.implode())
    trained_in = pl.when(pl.col("run").fill_null("") == "").then(pl.lit(run.resolve().name)).otherwise("run")
    outcomes = read_outcomes_of(run, pack).filter(of_trials).with_columns(trained_in.alias("run"))
    records, fits, (frames, _) = read_records_of(run, pack), read_fitted_samples_of(run, pack), read_frames(run, pack)
    return outcomes, records.filter(of_trials), fits.filter(of_trials), frames.filter(of_trials)


def _check(pack: Pack, experiment: Experiment, outcomes: pl.DataFrame, records: pl.DataFrame) -> None:
    """Refuse trials that did not end well, were computed otherwise than is asked, or lack a record.

    Raises:
        _UnusableError: With the reason.
    """
    if outcomes.height != len(pack.trials) or not set(outcomes["status"]) <= {"done", "diverged"}:
        raise _UnusableError("not all is finished there any more")
    as_asked = {"observed": json.dumps(experiment.observed())}
    for row in outcomes.select("engine", "device", "numerics").unique().iter_rows(named=True):
        if reason := refusal(row | as_asked, experiment, [pack.shape.steps]):
            raise _UnusableError(f"trained {reason}")
    due = steps_of_records(pack.shape, experiment.diagnostics, experiment.recorded_steps(pack.shape.steps))
    end = pl.when(pl.col("status") == "done").then(pack.shape.steps + 1).otherwise("step")
    ends = outcomes.select("trial", end=end)
    ends = ends.with_columns(due=pl.Series(np.searchsorted(due, ends["end"].to_numpy()), dtype=pl.Int64))
    before_end = records.join(ends, on="trial").filter(pl.col("step") < pl.col("end"))
    there = before_end.group_by("trial").agg(there=pl.len().cast(pl.Int64))
    counted = ends.join(there, on="trial", how="left").with_columns(pl.col("there").fill_null(0))
    if counted.filter(pl.col("there") != pl.col("due")).height:
        raise _UnusableError("records are missing there")


def _write(run: Path, pack: str, found: _Found) -> None:
    """Write a pack as training would have left it: its outcomes last, and no checkpoint."""
    of_pack = pl.lit(pack).alias("pack")
    remove_unfinished_writes(run, pack)
    remove_records(run, pack, 0)
    if found.whole is None or not link_records(found.whole, run, pack, found.records.height):
        write_records(run, pack, 0, found.records.with_columns(of_pack))
    if found.fits.height:
        write_fitted_samples(run, pack, found.fits)
    remove_frames(run, pack, 0)
    if found.frames.height:
        write_frames(run, pack, 0, found.frames)
    write_outcomes(run, pack, found.outcomes.with_columns(of_pack))
    shutil.rmtree(run / "checkpoints" / pack, ignore_errors=True)
