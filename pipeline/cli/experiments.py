"""Experiments that a verb is given: the plan of a file, and of the run that was begun with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import Overrides
from pipeline.cli.prose import counted, say
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.config import YamlDocument
    from pipeline.plans import Plan

MOST_WARNINGS = 5
"""Of an axis of many training sizes each may deserve one."""
MOST_FIELDS = 5
"""Fields in which two experiments differ that are named."""


def plan_of(document: YamlDocument, overrides: Overrides, *, on_cluster: bool) -> Plan:
    """Plan the experiment of a document, and say its warnings.

    Args:
        document: The YAML file.
        overrides: What ``--set`` changes of it.
        on_cluster: Whether it is meant for a cluster, whose profile may be changed too.

    Returns:
        The plan; nothing is written.

    Raises:
        PipelineError: If the experiment is impossible, or a profile is changed without a cluster.
    """
    from pipeline.plans import make_plan

    if overrides.profile and not on_cluster:
        where = f"--set cluster.{overrides.profile[0]}"
        raise PipelineError("nothing is sent to a cluster here", where=where, hint="add --cluster, or take submit")
    planned = make_plan(document.path.stem, document.experiment(overrides.experiment))
    warnings = list(planned.experiment.warnings())
    for warning in warnings[:MOST_WARNINGS]:
        say(f"warning: {warning}")
    if len(warnings) > MOST_WARNINGS:
        say(f"warning: {len(warnings) - MOST_WARNINGS} more like these")
    return planned


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


def announce(planned: Plan, folder: Path) -> None:
    """Say what is trained, and where to."""
    experiment = planned.experiment
    say(f"{experiment.question}\n{counted(planned.num_trials, len(planned.packs))}, into {folder}")
    if experiment.num_seeds > 1:
        say(experiment.seeds_in_words())
