"""The verb plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.begun_runs import begun_plan
from pipeline.api.cluster_folders import folder_on
from pipeline.api.run_folders import RUNS
from pipeline.cli.experiments import config_file, plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.prose import counted, print_json_rows, say
from pipeline.cli.submission_output import print_dry_run
from pipeline.reuse.request import Reuse

if TYPE_CHECKING:
    from pipeline.plans import Plan

MANY_TRIAL_STEPS = 1e9
"""From some minutes on it is worth knowing before how many."""


@dataclass(frozen=True)
class PlanOptions:
    """Options of plan.

    Args:
        config: YAML file of the experiment.
        overrides: What ``--set`` changes.
        cluster: Name of a cluster to plan for, or its YAML file; none: this machine.
        out: Folder of the run on the cluster; none: where the profile says.
        json: Whether the output is for a program.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: Folders of runs, or single runs, to take finished trials from, besides the folder of the run's own.
    """

    config: Path
    overrides: Overrides
    cluster: str | None
    out: Path | None
    json: bool
    fresh: bool = False
    reuse: tuple[Path, ...] = ()


def plan(options: PlanOptions) -> int:
    """Print the trials, packs and work of an experiment; train nothing."""
    from pipeline.config import read_document
    from pipeline.report.tables.plan_table import plan_table
    from pipeline.report.tables.printing import as_text

    planned = plan_of(
        read_document(config_file(options.config)), options.overrides, on_cluster=options.cluster is not None
    )
    if options.cluster is not None:
        _plan_on(options.cluster, planned, options)
        return 0
    table = plan_table(planned)
    if options.json:
        print_json_rows(table)
        return 0
    print(as_text(table))
    if planned.experiment.num_seeds > 1:
        say(planned.experiment.seeds_in_words())
    folder = options.out or RUNS / planned.folder_name
    say(
        f"{counted(planned.num_trials, len(planned.packs))}, {planned.trial_steps:.3g} trial-steps; "
        f"python -m pipeline run trains them into {folder}"
    )
    if planned.trial_steps > MANY_TRIAL_STEPS:
        say("plan --cluster local measures how much time and memory that takes here")
    for sentence in _finished_before(planned, folder, options):
        say(sentence)
    return 0


def _finished_before(planned: Plan, folder: Path, options: PlanOptions) -> list[str]:
    """Say how many trials the run has finished itself, and how many it takes from others."""
    from pipeline.reuse.reusable_trials import finished_here, in_words, planned_with_reuse

    _, reusable = planned_with_reuse(planned, folder, Reuse(options.fresh, options.reuse))
    said = in_words(reusable, planned.num_trials)
    if here := len(finished_here(folder)):
        said.insert(0, f"{here} of {planned.num_trials} trials are finished there")
    if said:
        left = planned.num_trials - here - len(reusable.sources)
        said.append(f"{left} are left to train" if left else "nothing is left to train")
    return said


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
