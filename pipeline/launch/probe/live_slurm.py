"""Live cluster of SLURM, as it reports itself: ``sinfo``, ``scontrol`` and, where there is accounting, ``sacctmgr``."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.home import user_name
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.queues import Node
from pipeline.launch.probe.live_cluster import LiveCluster, LiveQueue, NotReportedError, ask, least, need

PARTITIONS = "%P|%l|%G|%N|%c|%m|%a"
"""Of sinfo: name, longest walltime, GPUs, nodes, processors, memory in MiB, whether it is up."""
ASSOCIATIONS = ("Account", "QOS", "DefaultQOS", "MaxSubmitJobs")
QUALITIES = ("Name", "MaxSubmitJobsPerUser", "MaxJobsPerUser", "MaxWall")


def read_slurm(cluster: Cluster) -> LiveCluster:
    """Ask a SLURM what it has and allows.

    Args:
        cluster: The cluster.

    Returns:
        What it reports.

    Raises:
        PipelineError: If it cannot be asked.
    """
    rows = [line.split("|") for line in need(["sinfo", "-h", "-e", "-o", PARTITIONS], cluster).splitlines()]
    settings = _settings(need(["scontrol", "show", "config"], cluster))
    reported = _accounting(cluster, settings)
    return LiveCluster(
        scheduler=f"SLURM {settings.get('SLURM_VERSION', '')}".strip(),
        queues=_queues(rows),
        nodes=_nodes(rows),
        max_array=_number(settings.get("MaxArraySize", "")),
        max_jobs=reported.max_jobs,
        history_hours=_history(settings),
        requeue=settings.get("JobRequeue") == "1",
        accounts=reported.accounts,
        qos=reported.qos,
        remarks=(*reported.remarks, _preemption(settings)),
    )


def hours_of(limit: str) -> float | None:
    """Hours of a time limit as SLURM writes it: ``15``, ``2:00``, ``1:00:00``, ``3-00:00:00``, ``infinite``."""
    if limit in ("infinite", "UNLIMITED"):
        return math.inf
    days, dash, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in (*parts, *([days] if dash else []))) or len(parts) > 3:
        return None
    numbers = [int(part) for part in parts]
    if dash:  # after days come hours
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
    else:
        hours, minutes, seconds = {1: (0, *numbers, 0), 2: (0, *numbers), 3: tuple(numbers)}[len(numbers)]
    return 24 * int(days or 0) + hours + minutes / 60 + seconds / 3600


def gpus_of(resources: str) -> dict[str, int]:
    """GPUs of a node by type from its generic resources, such as ``gpu:h100-96:2(S:0-1),gpu:nv:1``."""
    found: dict[str, int] = {}
    for name, number in re.findall(r"\bgpu:(?:([^:,()]+):)?(\d+)(?![\w-])", resources):
        found[name] = found.get(name, 0) + int(number)
    return found


def _queues(rows: list[list[str]]) -> tuple[LiveQueue, ...]:
    queues: dict[str, LiveQueue] = {}
    for name, limit, resources, _, _, _, state in rows:
        before = queues.get(name)
        types = dict(before.gpu_types) if before else {}
        for kind, number in gpus_of(resources).items():
            types[kind] = max(number, types.get(kind, 0))
        queues[name] = LiveQueue(
            name=name.rstrip("*"),
            default=name.endswith("*"),
            closed="" if state == "up" else state,
            hours=hours_of(limit),
            gpu_types=types,
        )
    return tuple(queues.values())


def _nodes(rows: list[list[str]]) -> tuple[Node, ...]:
    found = {}
    for _, _, resources, names, cpus, memory, _ in rows:
        if names:
            gpus = sum(gpus_of(resources).values())
            found[gpus, cpus, memory] = Node(gpus, _number(cpus) or 0, (_number(memory) or 0) / 1024)
    return tuple(found.values())


def _settings(text: str) -> dict[str, str]:
    return {name: value.strip() for name, value in re.findall(r"^(\w+)\s*= (.*)$", text, re.MULTILINE)}


def _history(settings: Mapping[str, str]) -> float | None:
    seconds = _number(settings.get("MinJobAge", ""))
    return None if seconds is None else seconds / 3600


def _preemption(settings: Mapping[str, str]) -> tuple[str, str, str]:
    mode = settings.get("PreemptMode", "OFF")
    means = "jobs are not preempted" if mode == "OFF" else "jobs may be preempted, and go on from a checkpoint"
    return "preemption", mode, means


@dataclass(frozen=True)
class _Accounting:
    """Limits of this user in the accounting database."""

    max_jobs: int | None = None
    accounts: tuple[str, ...] | None = None
    qos: tuple[str, ...] | None = None
    remarks: tuple[tuple[str, str, str], ...] = ()


def _accounting(cluster: Cluster, settings: Mapping[str, str]) -> _Accounting:
    """Read the limits of this user from the accounting database, which may be absent or down."""
    kind = settings.get("AccountingStorageType", "(null)")
    if kind in ("(null)", "accounting_storage/none"):
        means = "sacct knows nothing; jobs are followed by squeue and their own records"
        return _Accounting(remarks=(("accounting", "none", means),))
    try:
        user = f"user={user_name() or os.getuid()}"
        of_user = _table(ask(["sacctmgr", "-nP", "show", "assoc", user, f"format={','.join(ASSOCIATIONS)}"], cluster))
        of_qos = _table(ask(["sacctmgr", "-nP", "show", "qos", f"format={','.join(QUALITIES)}"], cluster))
    except NotReportedError as error:
        return _Accounting(remarks=(("accounting", str(error), "does not answer; sacct will not either"),))
    profile = cluster.profile
    mine = [row for row in of_user if profile.account in (None, row[0])]
    asked = {profile.qos} if profile.qos else {row[2] for row in mine}
    limits = [_number(row[3]) for row in mine] + [_number(row[1]) for row in of_qos if row[0] in asked]
    remarks = tuple(
        (f"qos {qos}", _limits_of(submit, running, wall), "for information") for qos, submit, running, wall in of_qos
    )
    return _Accounting(
        max_jobs=least(limits),
        accounts=tuple(dict.fromkeys(row[0] for row in of_user)),
        qos=tuple(dict.fromkeys(qos for row in of_user for qos in row[1].split(",") if qos)),
        remarks=tuple(remark for remark in remarks if remark[1]),
    )


def _limits_of(submit: str, running: str, wall: str) -> str:
    limits = {"jobs": submit, "running": running, "walltime": wall}
    return ", ".join(f"{name} {limit}" for name, limit in limits.items() if limit)


def _table(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.splitlines() if line]


def _number(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None
