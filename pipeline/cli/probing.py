"""The verb probe."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.cli.options import Overrides
from pipeline.cli.prose import print_json, say


@dataclass(frozen=True)
class ProbeOptions:
    """Options of probe.

    Args:
        cluster: Name of the cluster, or its YAML file.
        overrides: What ``--set`` changes of the profile.
        json: Whether the output is for a program.
        no_job: Whether the scheduler alone is asked.
        patience: How long to wait for the job, in seconds.
    """

    cluster: str
    overrides: Overrides
    json: bool
    no_job: bool
    patience: float


def probe(options: ProbeOptions) -> int:
    """Compare the profile of a cluster with what it says of itself, and look around on one of its nodes."""
    from pipeline.launch.clusters.lookup import read_cluster
    from pipeline.launch.probe.comparison import compare_with_node, compare_with_scheduler
    from pipeline.launch.probe.probe_job import inspect_node
    from pipeline.report.tables.printing import as_json_rows, as_text

    cluster = read_cluster(options.cluster, options.overrides.profile)
    tables = {"scheduler": compare_with_scheduler(cluster)}
    if not options.json:
        print(as_text(tables["scheduler"]))
    if not options.no_job:
        tables["job"] = compare_with_node(inspect_node(cluster, say, options.patience), cluster)
        if not options.json:
            print(as_text(tables["job"]))
    if options.json:
        print_json({name: as_json_rows(table) for name, table in tables.items()})
    return 0
