"""Runs that were begun before: the plan that their folder has, and the training of what is left of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError, number_of
from pipeline.reuse.request import REUSE, Reuse

if TYPE_CHECKING:
    from pipeline.plans import Plan
    from pipeline.training.progress import TrainingProgress
    from pipeline.training.run import TrialCounts

MOST_FIELDS = 5
"""Fields in which two experiments differ that are named."""
STAY = "and stay: --fresh with another --out trains them again"
"""What becomes of trials that would be trained otherwise now."""


def begun_plan(planned: Plan, folder: Path) -> tuple[Plan, bool]:
    """Take the plan as a folder has it, if it was begun there before.

    Args:
        planned: The plan of the experiment as it is asked for now.
        folder: Of the run.

    Returns:
        The plan, run as it is asked for now; and whether it was begun before.

    Raises:
        PipelineError: If the folder is another experiment's.
    """
    from pipeline.plans import read_plan

    if not (folder / "plan.json").exists():
        return planned, False
    written = read_plan(folder)
    if written.experiment.identity() != planned.experiment.identity():
        _check_fields(written, planned, folder)
    return written.run_as(planned.experiment), True


def _check_fields(written: Plan, planned: Plan, folder: Path) -> None:
    """Refuse a folder whose experiment has other fields, and name these.

    Raises:
        PipelineError: If a field differs; an optimizer and a list of it alone are the same.
    """
    from pipeline.experiment.written_fields import differing_fields

    if places := differing_fields(written.experiment, planned.experiment):
        more = len(places) - MOST_FIELDS
        named = ", ".join(places[:MOST_FIELDS]) + (f" and {more} more" if more > 0 else "")
        what = f"holds the run of another experiment, which differs in {named}"
        hint = "give another --out; a field that is not in the file has the default of this version"
        raise PipelineError(what, where=str(folder), hint=hint)


def train(
    planned: Plan,
    folder: Path,
    announce: Callable[[Plan, Path], None],
    new_progress: Callable[[], TrainingProgress],
    reuse: Reuse = REUSE,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Plan, TrialCounts | None]:
    """Train what a folder does not hold yet of a plan, or take it from other runs; killed, the next call goes on.

    Args:
        planned: The plan of the experiment as it is asked for now.
        folder: Of the run, made where it is missing.
        announce: Says what is trained, and where to, once nothing is known to be wrong with it.
        new_progress: Makes what shows every step; called only if there is anything to train.
        reuse: Where finished trials are taken from.
        say: Says what is taken, and why what looks the same is not.

    Returns:
        The plan as the folder has it; and counts of the trials trained now, none where all were finished before.

    Raises:
        PipelineError: If the folder is another experiment's, another process trains in it, or a device is missing.
    """
    from pipeline.plans import write_plan
    from pipeline.records.last_work import note_work
    from pipeline.records.store import finished_packs
    from pipeline.reuse.reusable_trials import in_words, planned_with_reuse

    planned, begun = begun_plan(planned, folder)
    otherwise = finished_otherwise(planned, folder, reuse) if begun else []
    if begun and finished_packs(folder) >= {pack.id for pack in planned.packs}:
        note_work(folder)
        announce(planned, folder)
        for sentence in otherwise:
            say(sentence)
        return planned, None

    from pipeline.training.run import check_ready, run_plan  # takes seconds; a finished run is shown at once

    engines = check_ready(planned)
    planned, reusable = planned_with_reuse(planned, folder, reuse)
    planned = planned if begun else write_plan(planned, folder)
    announce(planned, folder)
    for sentence in otherwise + in_words(reusable, planned.num_trials):
        say(sentence)
    return planned, run_plan(planned, folder, new_progress(), engines, reusable)


def finished_otherwise(planned: Plan, folder: Path, reuse: Reuse) -> list[str]:
    """Say what is finished in a folder, and stays, although it would be trained otherwise now.

    Args:
        planned: The plan, run as it is asked for now.
        folder: Where it was begun.
        reuse: Whether all is to be trained.

    Returns:
        Sentences: how many trials another engine, device or version of the code has trained, or all if they were to be
        trained afresh.
    """
    from pipeline.records.store import read_outcomes
    from pipeline.reuse.reusable_trials import refusal

    how = ["engine", "device", "numerics"]
    outcomes = read_outcomes(folder)
    observed = {"observed": json.dumps(planned.experiment.observed())}
    counted = outcomes.group_by(how, maintain_order=True).len().iter_rows(named=True)
    reasons = [(row["len"], refusal(row | observed, planned.experiment, ())) for row in counted]
    if reuse.fresh:
        reasons = [(outcomes.height, "before")] if outcomes.height else []
    return [
        f"{number_of(number, 'trial', 'are', whole=planned.num_trials)} finished here, trained {reason}, "
        f"{'and stays: --fresh with another --out trains it again' if number == 1 else STAY}"
        for number, reason in reasons
        if reason
    ]
