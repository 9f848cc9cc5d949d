"""Where a profile and a live cluster differ, the line says what to write."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from pipeline.launch.clusters.lookup import read_cluster
from pipeline.launch.clusters.queues import Node
from pipeline.launch.probe.cluster_findings import cluster_findings_of
from pipeline.launch.probe.findings import FINE, Finding
from pipeline.launch.probe.live_cluster import LiveCluster, LiveQueue

GPUS = {"nv": 1, "a100-40": 1, "a100-80": 1, "h100-47": 4, "h100-96": 2, "h200-141": 4}
SOC = LiveCluster(
    scheduler="SLURM 23.11",
    queues=(
        LiveQueue("gpu", default=True, hours=3, gpu_types=GPUS),
        LiveQueue("gpu-long", hours=72, gpu_types=GPUS),
        LiveQueue("normal", hours=3),
        LiveQueue("long", hours=72),
    ),
    max_array=1001,
    max_jobs=100,
    requeue=True,
    accounts=("allusers",),
    qos=("normal",),
)
ASPIRE = LiveCluster(
    scheduler="PBS 2022.1",
    queues=(
        LiveQueue("normal", default=True, leads_to=("gdev", "g1", "glong", "qdev")),
        LiveQueue("gdev", hours=2, gpus=(1, 4), running=2, hidden=True),
        LiveQueue("g1", hours=24, gpus=(1, 1), hidden=True),
        LiveQueue("glong", hours=120, gpus=(1, 64), hidden=True),
        LiveQueue("qdev", hours=2, gpus=(None, 0), hidden=True),
        LiveQueue("training", hours=1),
    ),
)


def told(cluster: str, site: LiveCluster, *changes: str) -> dict[str, Finding]:
    return {finding.field: finding for finding in cluster_findings_of(read_cluster(cluster, changes).profile, site)}


def with_queue(site: LiveCluster, name: str, **changes: Any) -> LiveCluster:
    queues = (dataclasses.replace(queue, **changes) if queue.name == name else queue for queue in site.queues)
    return dataclasses.replace(site, queues=tuple(queues))


def test_a_profile_that_fits_changes_nothing() -> None:
    found = told("soc", SOC)
    assert {finding.verdict for finding in found.values()} <= set(FINE)
    assert found["max_array"] == ("max_array", "100", "1001", "within the limit")


@pytest.mark.parametrize(
    ("hours", "verdict"),
    [(3.0, "agrees"), (12.0, "within the limit"), (math.inf, "within the limit"), (2.0, "too long: set hours: 2")],
)
def test_walltimes_are_held_against_the_queue(hours: float, verdict: str) -> None:
    assert told("soc", with_queue(SOC, "gpu", hours=hours))["band of gpu, 1 to 16 GPUs"].verdict == verdict


def test_a_queue_that_is_gone_is_told_with_those_there_are() -> None:
    site = dataclasses.replace(SOC, queues=SOC.queues[1:])
    verdict = told("soc", site)["band of gpu, 1 to 16 GPUs"].verdict
    assert verdict.startswith("there is no such queue; there are gpu-long, normal, long")


def test_a_closed_queue_is_told() -> None:
    site = with_queue(SOC, "gpu", closed="down")
    assert told("soc", site)["band of gpu, 1 to 16 GPUs"].verdict == "it takes no jobs now: down"


def test_queues_that_the_profile_does_not_know_are_told() -> None:
    site = dataclasses.replace(SOC, queues=(*SOC.queues, LiveQueue("interactive", hours=1)))
    assert told("soc", site)["other queues"].live == "interactive"
    assert "other queues" not in told("soc", SOC)


def test_gpus_are_compared_by_type() -> None:
    gpus = GPUS | {"h100-96": 1, "nv": 2}
    gpus.pop("a100-80")
    site = with_queue(with_queue(SOC, "gpu", gpu_types=gpus), "gpu-long", gpu_types=gpus)
    found = told("soc", site)
    assert found["per_node"].verdict == "set per_node: 1"
    assert found["gpu_types nv"].verdict == "set per_node: 2"
    assert found["gpu_types a100-80"].verdict == "there is none: take it out"
    assert told("soc", site, "gpu_type=a100-80")["gpu_type"].verdict == "there is no a100-80: set gpu_type"


@pytest.mark.parametrize(
    ("most", "verdict"), [(50, "set max_jobs: 50"), (100, "agrees"), (None, "not told by the site")]
)
def test_a_cap_below_the_profile_is_told(most: int | None, verdict: str) -> None:
    assert told("soc", dataclasses.replace(SOC, max_jobs=most))["max_jobs"].verdict == verdict


def test_a_cap_that_the_profile_does_not_know_is_told() -> None:
    assert told("soc", SOC, "max_jobs=null")["max_jobs"].verdict == "set max_jobs: 100"


def test_an_account_has_to_be_one_of_one_s_own() -> None:
    assert told("soc", SOC, "account=mine")["account"].verdict == "not yours: set account to one of these"
    assert told("soc", SOC, "account=allusers")["account"].verdict == "agrees"
    assert told("soc", dataclasses.replace(SOC, accounts=()))["account"].verdict.startswith("you have none")
    assert "account" not in told("soc", dataclasses.replace(SOC, accounts=None))


def test_a_site_that_requeues_nothing_is_told() -> None:
    assert "set requeue: false" in told("soc", dataclasses.replace(SOC, requeue=False))["requeue"].verdict


def test_the_limits_of_a_routing_queue_are_those_of_the_queues_behind_it() -> None:
    found = told("aspire2a", ASPIRE)
    assert found["band of normal, 1 to 64 GPUs"] == ("band of normal, 1 to 64 GPUs", "120 h", "120 h", "agrees")
    assert "ai" not in {queue.name for queue in ASPIRE.queues}
    assert "may be another server's" in found["band of ai, 1 to 96 GPUs"].verdict
    assert found["other queues"].live == "training"
    assert found["band of normal, 0 GPUs"].verdict == "too long: set hours: 2"


def test_queues_behind_another_are_no_news() -> None:
    hidden = LiveQueue("reserved", hours=1, hidden=True)
    routed = (dataclasses.replace(queue, hidden=False) for queue in ASPIRE.queues)
    assert told("aspire2a", dataclasses.replace(ASPIRE, queues=(*routed, hidden)))["other queues"].live == "training"


def test_nodes_are_compared_as_a_whole() -> None:
    two = dataclasses.replace(ASPIRE, nodes=(Node(0, 128, 512.0), Node(4, 64, 480.0)))
    assert told("aspire2a", two)["node"].verdict == "agrees"
    small = dataclasses.replace(ASPIRE, nodes=(Node(2, 32, 480.0),))
    assert told("aspire2a", small)["node"].verdict == "no node has as much: set node.gpus: 2, 32 CPUs"
    lean = dataclasses.replace(ASPIRE, nodes=(Node(4, 64, 200.0),))
    assert told("aspire2a", lean)["node"].verdict == "no node has as much: set node.memory_gib: 200"


@pytest.mark.parametrize(
    ("hours", "verdict"),
    [
        (12.0, "agrees"),
        (336.0, "set history_hours: 336"),
        (0.0, "jobs are forgotten as they end; how they ended is in their own files"),
    ],
)
def test_how_long_jobs_are_remembered_is_compared(hours: float, verdict: str) -> None:
    site = dataclasses.replace(ASPIRE, history_hours=hours)
    assert told("aspire2a", site)["history_hours"].verdict == verdict
