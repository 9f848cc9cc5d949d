"""Live cluster of PBS Pro, as it reports itself: ``qstat -Bf``, ``qstat -Qf`` and ``pbsnodes``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.queues import Node
from pipeline.launch.pbs.qstat import user_names
from pipeline.launch.probe.live_cluster import LiveCluster, LiveQueue, NotReportedError, ask, least, need

Attributes = Mapping[str, str]

HISTORY_HOURS = 336.0
"""How long a server remembers jobs that says nothing of it but that it does: two weeks."""
GIB_OF = {"": 2.0**-30, "k": 2.0**-20, "m": 2.0**-10, "g": 1.0, "t": 2.0**10, "p": 2.0**20}
BYTES_OF_A_WORD = 8
"""``1024kw`` are as many words; of the machines for which PBS is built today."""


def read_pbs(cluster: Cluster) -> LiveCluster:
    """Ask a PBS server what it has and allows.

    Args:
        cluster: The cluster.

    Returns:
        What it reports.

    Raises:
        PipelineError: If it cannot be asked.
    """
    version = need(["qstat", "--version"], cluster).partition("=")[2].strip()
    servers = blocks(need(["qstat", "-Bf"], cluster), "Server")
    if not servers:
        raise PipelineError(f"qstat -Bf of {cluster.name} names no server", hint="is the right qstat on PATH?")
    name, server = next(iter(servers.items()))
    queues = blocks(need(["qstat", "-Qf"], cluster), "Queue")
    remarks = [("server", name, server.get("server_state", "for information"))]
    nodes: tuple[Node, ...] = ()
    try:
        nodes = read_nodes(ask(["pbsnodes", "-a", "-F", "json"], cluster))
    except (
        NotReportedError,
        PipelineError,
        ValueError,
    ) as error:  # kept from users, or no JSON
        remarks.append(("nodes", str(error).splitlines()[0], "not told by the site"))
    wanted = queues.get(cluster.profile.queue or server.get("default_queue", ""), {})
    return LiveCluster(
        scheduler=f"PBS {version}",
        queues=tuple(_queue(name, queue, server) for name, queue in queues.items()),
        nodes=nodes,
        max_array=least([_number(server.get("max_array_size")), _number(wanted.get("max_array_size"))]),
        max_jobs=least([_of_user(server.get("max_queued")), _of_user(wanted.get("max_queued"))]),
        history_hours=_history(server),
        requeue=False,
        remarks=tuple(remarks),
    )


def blocks(text: str, head: str) -> dict[str, dict[str, str]]:
    """Parse blocks of ``name = value`` under lines such as ``Queue: workq``, long ones folded with newline and tab.

    A name that comes again has one more value: OpenPBS 23.06.06 prints each limit of ``max_run`` in a line of its own.

    Args:
        text: What qstat printed.
        head: What the first line of a block begins with.

    Returns:
        The attributes of each block, by its name.
    """
    found: dict[str, dict[str, str]] = {}
    block: dict[str, str] = {}
    for line in text.replace("\n\t", "").splitlines():
        if line.startswith(f"{head}: "):
            block = found[line.removeprefix(f"{head}: ").strip()] = {}
        elif " = " in line:
            name, _, value = line.partition(" = ")
            before = block.get(name.strip())
            block[name.strip()] = value.strip() if before is None else f"{before},{value.strip()}"
    return found


def read_nodes(text: str) -> tuple[Node, ...]:
    """Parse the kinds of nodes in what ``pbsnodes -a -F json`` prints.

    Args:
        text: What it printed.

    Returns:
        One node of each kind.

    Raises:
        ValueError: If it is no JSON.
    """
    nodes: dict[str, Any] = json.loads(text, strict=False).get("nodes", {})
    found = {}
    for node in nodes.values():
        has = node.get("resources_available", {})
        kind = Node(int(has.get("ngpus", 0)), int(has.get("ncpus", 0)), gib_of(str(has.get("mem", "0"))))
        found[kind.gpus, kind.cpus] = kind
    return tuple(found.values())


def gib_of(size: str) -> float:
    """GiB of a size as PBS takes and prints it, such as ``24684084kb``, ``64g`` or ``1024kw``; 0 of what is none."""
    found = re.fullmatch(r"(\d+)([kmgtp]?)([bw]?)", size.lower())
    if found is None:
        return 0.0
    return int(found[1]) * GIB_OF[found[2]] * (BYTES_OF_A_WORD if found[3] == "w" else 1)


def hours_of(walltime: str | None) -> float | None:
    """Hours of ``120:00:00``; none of nothing."""
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d)", walltime or "")
    return None if found is None else int(found[1]) + int(found[2]) / 60 + int(found[3]) / 3600


def _queue(name: str, queue: Attributes, server: Attributes) -> LiveQueue:
    destinations = tuple(to.strip().partition("@")[0] for to in queue.get("route_destinations", "").split(",") if to)
    shut = [flag for flag in ("enabled", "started") if queue.get(flag) == "False"]
    most = [queue.get("resources_max.walltime"), server.get("resources_max.walltime")]
    hours = [hours for hours in map(hours_of, most) if hours is not None]
    return LiveQueue(
        name=name,
        default=name == server.get("default_queue"),
        closed="" if not shut else f"not {' and not '.join(shut)}",
        hours=min(hours, default=None),
        gpus=(_number(queue.get("resources_min.ngpus")), _number(queue.get("resources_max.ngpus"))),
        running=least([_of_user(queue.get("max_run")), _number(queue.get("max_user_run"))]),
        leads_to=destinations,
        hidden=queue.get("from_route_only") == "True",
    )


def _history(server: Attributes) -> float:
    if server.get("job_history_enable") != "True":
        return 0.0
    return hours_of(server.get("job_history_duration")) or HISTORY_HOURS


def _of_user(limit: str | None) -> int | None:
    """The limit of this user in one such as ``[u:PBS_GENERIC=100],[u:jane.doe=200]``."""
    limits = dict(re.findall(r'u:"?([^\]=,"]+?)"?\s*=\s*(\d+)', limit or ""))
    mine = [limits[name] for name in user_names() if name in limits]
    return _number(mine[0] if mine else limits.get("PBS_GENERIC"))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
