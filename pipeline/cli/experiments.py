"""Experiments that a verb is given: the plan of a file, and what is said of it."""

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
BYTES_OF_RECORD = 5
"""On disk, measured: 4.0 to 5.4. Most of it is the value; trial, step and diagnostic are the same many times over."""
MUCH_GIB = 1.0
"""Of records on disk, from which on a person is told before they are written."""


def config_file(named: Path) -> Path:
    """Find a file, or a folder of files, by path or name, and say where it is if it lies elsewhere."""
    from pipeline.config import find_config

    found = find_config(named)
    if found != named:
        say(f"{named} is {found}")
    return found


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
    experiment = document.experiment(overrides.experiment)
    with document.located(overrides.experiment):
        planned = make_plan(document.path.stem, experiment)
    warnings = [*planned.experiment.warnings(), *large_records(planned)]
    for warning in warnings[:MOST_WARNINGS]:
        say(f"warning: {warning}")
    if len(warnings) > MOST_WARNINGS:
        say(f"warning: {len(warnings) - MOST_WARNINGS} more like these")
    return planned


def large_records(planned: Plan) -> list[str]:
    """Say how much of the disk the records of a plan will take, where it is much.

    Args:
        planned: The plan.

    Returns:
        A sentence, or none.
    """
    from pipeline.experiment.recording import steps_of_records

    experiment, records = planned.experiment, 0
    for pack in planned.packs:
        steps = steps_of_records(pack.shape, experiment.diagnostics, experiment.recorded_steps(pack.shape.steps))
        records += len(pack.trials) * len(steps)
    gib = records * BYTES_OF_RECORD / 2**30
    if gib < MUCH_GIB:
        return []
    return [f"{records:,} records will take about {gib:.1f} GiB of the disk; with record_at: [0] only the two ends are"]


def announce(planned: Plan, folder: Path) -> None:
    """Say what is trained, and where to."""
    experiment = planned.experiment
    say(f"{experiment.question}\n{counted(planned.num_trials, len(planned.packs))}, into {folder}")
    _announce_extensions(planned, folder)
    if experiment.num_seeds > 1:
        say(experiment.seeds_in_words())


def _announce_extensions(planned: Plan, folder: Path) -> None:
    """Say which code of the user's own is run, and whether an earlier run of the same file had another."""
    from pipeline.extensions.copies import changed_since

    for extension in planned.experiment.use:
        say(f"uses {extension.label()}")
        others = (other for other in folder.parent.glob(f"{planned.name}-*") if other.name != folder.name)
        if changed := changed_since(extension, others):
            say(f"{extension.name} has changed since {changed}: what uses it is another experiment, and trained anew")
