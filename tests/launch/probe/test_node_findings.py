"""What a job saw becomes what to change in the profile."""

from __future__ import annotations

import platform
from typing import Any

import pytest

from pipeline.launch.clusters.lookup import read_cluster
from pipeline.launch.probe.findings import FINE, Finding
from pipeline.launch.probe.node_findings import node_findings_of

ALL_WELL = {
    "host": "xgpi1",
    "python": platform.python_version(),
    "cpus": 4,
    "memory_gib": 16.0,
    "gpus": ["NVIDIA H100 NVL"],
    "visible_gpus": "0",
    "internet": {"api.wandb.ai": "yes", "huggingface.co": "yes"},
    "proxies": [],
    "commands": ["sbatch", "scontrol", "git"],
    "scratch": {"/tmp": 100.0},
    "free_gib": 400.0,
}


def told(cluster: str, *changes: str, **answers: Any) -> dict[str, Finding]:
    profile = read_cluster(cluster, changes).profile
    return {finding.field: finding for finding in node_findings_of(profile, ALL_WELL | answers)}


def test_a_job_that_finds_all_it_asked_for_changes_nothing() -> None:
    found = told("soc")
    assert {name for name, finding in found.items() if finding.verdict not in FINE} == {"host"}
    assert "400 GiB free" in found["host"].live


def test_without_internet_tracking_has_to_be_offline() -> None:
    internet = {"api.wandb.ai": "name or service not known", "huggingface.co": "yes"}
    finding = told("soc", internet=internet)["reaches api.wandb.ai"]
    assert finding == ("reaches api.wandb.ai", "online", "name or service not known", "set wandb: offline")
    assert told("vanda", internet=internet)["reaches api.wandb.ai"].verdict == "agrees"


def test_with_internet_it_could_be_online() -> None:
    assert told("vanda")["reaches api.wandb.ai"].verdict == "could be online: set wandb"


@pytest.mark.parametrize(
    ("visible", "shown", "verdict"),
    [
        ("0", ["A100"], "agrees"),
        (None, ["A100"], "agrees"),
        (None, ["A100", "A100"], "the job sees more"),
        ("", ["A100"], "fewer than asked for: check gpu_type and queue"),
        (None, [], "fewer than asked for: check gpu_type and queue"),
        ("0", [], "set apart for the job, but no driver shows them"),
    ],
)
def test_gpus_are_those_that_the_job_may_use(visible: str | None, shown: list[str], verdict: str) -> None:
    assert told("soc", visible_gpus=visible, gpus=shown)["gpus"].verdict == verdict


def test_a_job_on_processors_needs_no_gpu() -> None:
    assert told("soc", "gpus=0", visible_gpus=None, gpus=[])["gpus"].verdict == "agrees"


def test_proxies_of_the_site_have_to_be_kept() -> None:
    assert told("soc", proxies=["https_proxy"])["keep_env"].verdict == "add to keep_env: https_proxy"
    assert "keep_env" not in told("soc")
    assert told("aspire2aplus", "project=p", proxies=["https_proxy"])["keep_env"].verdict == "agrees"
    assert told("aspire2aplus", "project=p")["keep_env"].verdict == "the site sets none of them"


def test_less_than_was_asked_for_is_told() -> None:
    found = told("soc", cpus=1, memory_gib=2.0)
    assert found["cpus"].verdict == "the job has less than it asked for: 1"
    assert found["memory_gib"].verdict == "the job has less than it asked for: 2"


def test_a_node_without_scontrol_cannot_requeue() -> None:
    assert "set requeue: false" in told("soc", commands=["git"])["requeue"].verdict
    assert "requeue" not in told("vanda", commands=["git"])


def test_another_python_is_told() -> None:
    assert told("soc", python="2.7.18")["python"].verdict == "another Python than here: set python"
