"""The verb plan."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.begun_runs import begun_plan
from pipeline.api.cluster_folders import folder_on
from pipeline.api.run_folders import RUNS
from pipeline.cli.experiments import config_file, plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.prose import counted, print_json, say
from pipeline.cli.submission_output import print_dry_run
from pipeline.reuse.request import Reuse

if TYPE_CHECKING:
    from pipeline.plans import Plan


@dataclass(frozen=True)
class PlanOptions:
    """Options of plan.

    Args:
        config: YAML file of the experiment.
        overrides: What ``--set`` changes.
        cluster: Name of a cluster to plan for, or its YAML file; none: this machine.
        out: Folder of the run on the cluster; none: where the profile says.
        json: Whether the output is for a program.
        quick: Whether nothing is measured to say how long it takes.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: Folders of runs, or single runs, to take finished trials from, besides the folder of the run's own.
    """

    config: Path
    overrides: Overrides
    cluster: str | None
    out: Path | None
    json: bool
    quick: bool = False
    fresh: bool = False
    reuse: tuple[Path, ...] = ()


def plan(options: PlanOptions) -> int:
    """Print the trials and packs of an experiment, and what time and memory they take; train nothing."""
    from pipeline.config import read_document

    planned = plan_of(
        read_document(config_file(options.config)), options.overrides, on_cluster=options.cluster is not None
    )
    if options.cluster is not None:
        _plan_on(options.cluster, planned, options)
    else:
        _plan_here(planned, options)
    return 0


def _plan_here(planned: Plan, options: PlanOptions) -> None:
    """Print what a plan would train on this machine, and what that takes."""
    from pipeline.api.run_estimates import estimate_of
    from pipeline.report.tables.plan_table import plan_table
    from pipeline.report.tables.printing import as_json_rows, as_text

    table, folder = plan_table(planned), options.out or RUNS / planned.folder_name
    if not options.json:
        print(as_text(table))
        _say_size(planned, folder)
    found = estimate_of(planned, folder, Reuse(options.fresh, options.reuse), say, quick=options.quick)
    if options.json:
        takes = None if found.takes is None else dataclasses.asdict(found.takes)
        sizes = {"trials": planned.num_trials, "packs": len(planned.packs), "trial_steps": planned.trial_steps}
        more = {"left_trials": found.left_trials, "folder": str(folder), "estimate": takes}
        print_json({"shapes": as_json_rows(table), **sizes, **more})
        return
    for sentence in found.sentences:
        say(sentence)


def _say_size(planned: Plan, folder: Path) -> None:
    if planned.experiment.num_seeds > 1:
        say(planned.experiment.seeds_in_words())
    say(
        f"{counted(planned.num_trials, len(planned.packs))}, {planned.trial_steps:.3g} trial-steps; "
        f"python -m pipeline run trains them into {folder}"
    )


def _plan_on(name: str, planned: Plan, options: PlanOptions) -> None:
    """Print what a plan would become on a cluster."""
    from pipeline.launch.clusters.lookup import read_cluster
    from pipeline.launch.cost.device_choice import suited
    from pipeline.launch.submit.submission_plan import dry_run
    from pipeline.reuse.reusable_trials import in_words, planned_with_reuse

    cluster = read_cluster(name, options.overrides.profile)
    folder = folder_on(cluster, planned, options.out)
    planned, _ = begun_plan(planned, folder)
    planned, reusable = planned_with_reuse(planned, folder, Reuse(options.fresh, options.reuse))
    cluster = suited(cluster, name, planned.manifest, say)
    for sentence in in_words(reusable, planned.num_trials):
        say(sentence)
    found = dry_run(planned, folder, cluster, 1, say, reusable)
    print_dry_run(planned, found, folder, cluster, json=options.json)
