"""Files of a run that cannot be read, and what is known without them.

Of a pack with a damaged file of records or outcomes nothing is known: a part of the records would pass for all of them.
Without its fits nothing is drawn of a pack. Nothing is mended here, and nothing is deleted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from pipeline.diagnostics.convergence import TrainingLoss
from pipeline.errors import brief, enumerated, number_of
from pipeline.plans import Plan, read_plan
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.records.store import FORBIDDEN, DamagedFileError, check_file, pack_of_part, read_outcomes
from pipeline.report.theory.trial_verdicts import UNREADABLE

R = TypeVar("R")

MISSING = "missing"
"""Why records cannot be read that are not there."""


@dataclass(frozen=True)
class DamagedFile:
    """A file that cannot be read.

    Args:
        name: Within the folder of the run; of records that are not there a pattern.
        why: The reason, in a few words.
        pack: Id of the pack that it is of.
    """

    name: str
    why: str
    pack: str

    @property
    def of_numbers(self) -> bool:
        """Whether nothing is known of the trials of its pack; without a fit they are not drawn."""
        return not self.name.startswith("fits/")


@dataclass(frozen=True)
class Damage:
    """What of a run cannot be read.

    Args:
        files: The files.
        trials: Ids of the trials of which nothing is known.
        num_trials: Of the plan.
    """

    files: tuple[DamagedFile, ...] = ()
    trials: tuple[str, ...] = ()
    num_trials: int = 0

    @functools.cached_property
    def packs(self) -> frozenset[str]:
        """Ids of the packs of whose trials nothing is known."""
        return frozenset(file.pack for file in self.files if file.of_numbers)

    @functools.cached_property
    def undrawn(self) -> frozenset[str]:
        """Ids of the packs of which no fit is drawn."""
        return frozenset(file.pack for file in self.files)

    @property
    def outcomes(self) -> pl.DataFrame:
        """Rows of ``OUTCOMES`` that say of each trial that nothing is known of it."""
        unknown = dict.fromkeys(OUTCOMES.names()) | {"status": UNREADABLE, "reason": ""}
        return pl.DataFrame([unknown | {"trial": trial} for trial in self.trials], schema=OUTCOMES)

    def in_sentences(self) -> list[str]:
        """What cannot be read and is missing here, and how it comes back; nothing where all can be read."""
        if not self.files:
            return []
        numbers, fits = ([file for file in self.files if file.of_numbers is known] for known in (True, False))
        told = [f"Not all can be read, and what was there is missing here: {_listed(self.files)}."]
        if numbers:
            whole = number_of(len(self.trials), "trial", whole=self.num_trials)
            told.append(f"Nothing is known of {whole}, and no number, verdict or answer counts them.")
        if fits:
            told.append(f"{number_of(len(fits), 'fit', 'are')} not drawn.")
        lost = [file for file in self.files if file.why != FORBIDDEN]
        if forbidden := len(self.files) - len(lost):
            told.append(f"Change the permissions of {number_of(forbidden, 'file')}.")
        outcomes = sorted({f"outcomes/{file.pack}.parquet" for file in lost})
        deleted = [file.name for file in lost if file.why != MISSING and file.name not in outcomes]
        them = "the trials of the others" if forbidden else "them"
        named = enumerated([*deleted, *outcomes], most=2 * MOST_NAMED)
        return told + [f"To have {them} trained again, delete {named}, and run the same command again."] * bool(lost)


NO_DAMAGE: Damage = Damage()
MOST_NAMED = 10
"""Files that are named; of more it is said how many they are."""


def despite_damage(run: Path, read: Callable[[Damage], R]) -> R:
    """What a function reads of a run; where a file is damaged it is called again, to do without such files.

    A run in which nothing is damaged is read once, and not looked through.

    Args:
        run: Folder of the run.
        read: Reads all but what is damaged.

    Returns:
        What the function returns.

    Raises:
        PipelineError: If the plan cannot be read, and the like.
    """
    try:
        return read(NO_DAMAGE)
    except DamagedFileError:
        return read(damage_of(run))


def damage_of(run: Path) -> Damage:
    """Look through all files of a run for those that cannot be read.

    Args:
        run: Its folder.

    Returns:
        The files, and the trials that they concern.

    Raises:
        PipelineError: If the plan cannot be read.
    """
    plan, last_steps = read_plan(run), [pl.DataFrame(schema={"trial": pl.String, "last_step": pl.Int64})]
    found = [_checked(run, path, FITTED_SAMPLES) for path in sorted((run / "fits").glob("*.parquet"))]
    found += [_checked(run, path, OUTCOMES) for path in sorted((run / "outcomes").glob("*.parquet"))]
    for path in sorted((run / "records").glob("*.parquet")):
        found.append(_checked(run, path, RECORDS, last_steps))
    files = [file for file in found if file]
    without = {file.pack for file in files if file.of_numbers}
    files += _lacking(plan, read_outcomes(run, without), pl.concat(last_steps), without)
    packs = {file.pack for file in files if file.of_numbers}
    trials = tuple(trial.id for pack in plan.packs if pack.id in packs for trial in pack.trials)
    return Damage(tuple(files), trials, plan.num_trials)


def lacks_records(plan: Plan) -> pl.Expr:
    """Whether the records of a trial are gone, by ``status``, ``step`` and ``last_step``, the last one recorded."""
    status, last = pl.col("status"), pl.col("last_step")
    if TrainingLoss.name() not in {diagnostic.name() for diagnostic in plan.experiment.diagnostics}:
        return pl.lit(False)
    came_far = (status == "done") | ((status == "diverged") & (pl.col("step") > 0))
    return (came_far & last.is_null()).fill_null(False)


def _checked(
    run: Path, path: Path, schema: pl.Schema, last_steps: list[pl.DataFrame] | None = None
) -> DamagedFile | None:
    """The file if it cannot be read; if it can, the last step of each trial is appended where it is asked for."""
    try:
        rows = check_file(path, schema)
    except DamagedFileError as error:
        pack = pack_of_part(path) if schema is RECORDS else path.stem
        return DamagedFile(str(path.relative_to(run)), brief(error.why, 120), pack)
    if last_steps is not None:
        last_steps.append(rows.group_by("trial").agg(pl.col("step").max().alias("last_step")))
    return None


def _lacking(plan: Plan, outcomes: pl.DataFrame, last_steps: pl.DataFrame, known: Collection[str]) -> list[DamagedFile]:
    """Packs that have ended, and of which records are not there, besides those that are known to be damaged."""
    last = last_steps.group_by("trial").agg(pl.col("last_step").max())
    ended = outcomes.join(last, on="trial", how="left")
    packs = set(ended.filter(lacks_records(plan))["pack"].drop_nulls().unique()) - set(known)
    return [DamagedFile(f"records/{pack}-*.parquet", MISSING, pack) for pack in sorted(packs)]


def _listed(files: Collection[DamagedFile]) -> str:
    shown = [f"{file.name} ({file.why})" for file in files][:MOST_NAMED]
    more = len(files) - len(shown)
    return ", ".join(shown) + (f" and {number_of(more, 'more file')}" if more else "")
