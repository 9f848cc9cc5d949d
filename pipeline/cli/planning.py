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
    """

    config: Path
    overrides: Overrides
    cluster: str | None
    out: Path | None
    json: bool


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
    say(
        f"{counted(planned.num_trials, len(planned.packs))}, {planned.trial_steps:.3g} trial-steps; "
        f"python -m pipeline run trains them into {RUNS / planned.folder_name}"
    )
    return 0


def _plan_on(name: str, planned: Plan, options: PlanOptions) -> None:
    """Print what a plan would become on a cluster."""
    from pipeline.launch.clusters.lookup import read_cluster
    from pipeline.launch.submit.submission_plan import dry_run

    cluster = read_cluster(name, options.overrides.profile)
    folder = folder_on(cluster, planned, options.out)
    planned, _ = begun_plan(planned, folder)
    print_dry_run(planned, dry_run(planned, folder, cluster, 1, say), folder, cluster, json=options.json)
