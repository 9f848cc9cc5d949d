"""Output of submit, its dry run and retry: the planned submissions, as rows and prose or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.prose import counted, print_json, say

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.launch.cost.estimate import CostEstimate
    from pipeline.launch.submit.submission_plan import SubmissionPlan
    from pipeline.plans import Plan


def print_dry_run(planned: Plan, plan: SubmissionPlan, folder: Path, cluster: Cluster, *, json: bool) -> None:
    """Print what would be sent, the scripts included.

    Args:
        planned: The trials and packs.
        plan: What would be sent of them.
        folder: Of the run.
        cluster: Where to.
        json: Whether it is for a program.
    """
    from pipeline.launch.submit.submission_plan import scripts
    from pipeline.report.tables.plan_table import plan_table
    from pipeline.report.tables.printing import as_json_rows, as_text

    shapes, texts = plan_table(planned), list(scripts(plan, folder, cluster))
    if json:
        by_name = {submission.name: text for submission, text in texts}
        print_json({"shapes": as_json_rows(shapes), **as_json(plan), "scripts": by_name})
        return
    print(as_text(shapes))
    print_submission_plan(plan, cluster)
    for submission, text in texts:
        print(f"==> {submission.name} <==\n{text}")
    say("nothing was sent")


def print_submission_plan(plan: SubmissionPlan, cluster: Cluster, *, rows: bool = True) -> None:
    """Say how the packs stand, print one row per array, and say what the jobs are expected to take."""
    from pipeline.errors import number_of
    from pipeline.launch.cost.estimate import table
    from pipeline.report.tables.printing import as_text

    manifest = plan.manifest
    whole = counted(manifest.num_trials, len(manifest.workloads))
    waiting = f"{whole}: {number_of(plan.finished, 'pack')} finished, {plan.in_flight} in flight"
    if plan.quarantined:
        waiting += f", {len(plan.quarantined)} kept back because they failed twice (retry --quarantined)"
    if not plan.submissions:
        say(f"{waiting}; nothing is left to send")
        return
    assert plan.costs is not None
    assert plan.estimate is not None
    say(waiting)
    if rows:
        arrays = table(plan.submissions, manifest.workloads, plan.costs.startup_s)
        print(as_text(arrays, keep=arrays.columns))
    say(f"{number_of(plan.estimate.jobs, 'job')} on {cluster.name}, {_cost(plan.estimate)} ({plan.costs.basis})")
    for warning in plan.estimate.warnings:
        say(f"warning: {warning}")


def as_json(plan: SubmissionPlan) -> dict[str, Any]:
    """The same for a program."""
    from pipeline.launch.cost.estimate import table
    from pipeline.report.tables.printing import as_json_rows

    estimate = plan.estimate
    known: dict[str, Any] = {
        "finished_packs": plan.finished,
        "packs_in_flight": plan.in_flight,
        "packs_kept_back": sorted(plan.quarantined),
    }
    if estimate is None or plan.costs is None:
        return known | {"arrays": [], "estimate": None}
    return known | {
        "arrays": as_json_rows(table(plan.submissions, plan.manifest.workloads, plan.costs.startup_s)),
        "estimate": {
            "jobs": estimate.jobs,
            "longest_job_seconds": estimate.job_seconds,
            "gpu_hours": estimate.gpu_hours,
            "cost": estimate.cost,
            "cost_at_most": estimate.reserved,
            "memory_gib": estimate.memory_gib,
            "warnings": list(estimate.warnings),
            "basis": plan.costs.basis,
        },
    }


def _cost(estimate: CostEstimate) -> str:
    """The cost estimate in one line."""
    from pipeline.durations import duration

    parts = [f"the longest about {duration(estimate.job_seconds)}", f"{estimate.memory_gib:.1f} GiB a job"]
    if estimate.gpu_hours:
        parts.append(f"{estimate.gpu_hours:.3g} GPU-hours")
    for unit, amount in estimate.cost.items():
        if unit != "GPU-hours":
            parts.append(f"{amount:.3g} {unit} (at most {estimate.reserved[unit]:.3g})")
    return ", ".join(parts)
