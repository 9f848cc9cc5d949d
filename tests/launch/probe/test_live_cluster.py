"""What a site keeps from its users is told apart from what it does not answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.probe.live_cluster import LiveCluster, LiveQueue, NotReportedError, ask, least, need

CLUSTER = Cluster("somewhere", Profile("A cluster.", "slurm", "runs", gpus=0, bands=(WalltimeTier(1.0),)))


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An sacctmgr that answers no user."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "sacctmgr").write_text("#!/bin/sh\necho 'sacctmgr: error: access denied' >&2; exit 1\n")
    (tmp_path / "sacctmgr").chmod(0o755)


def test_jobs_sent_to_a_routing_queue_run_in_those_behind_it() -> None:
    front, back = LiveQueue("normal", default=True, leads_to=("g1", "elsewhere")), LiveQueue("g1", hidden=True)
    live = LiveCluster("PBS 23.06.06", (front, back))
    assert live.queue(None) == live.queue("normal") == front
    assert live.behind(front) == (back,)
    assert live.behind(back) == (back,)


@pytest.mark.usefixtures("refusing")
def test_a_command_that_is_refused_has_its_own_words() -> None:
    with pytest.raises(NotReportedError, match=r"^sacctmgr: error: access denied$"):
        ask(["sacctmgr"], CLUSTER)
    with pytest.raises(
        PipelineError, match=r"^somewhere could not be asked: sacctmgr: sacctmgr: error: access denied\n"
    ):
        need(["sacctmgr"], CLUSTER)


def test_of_several_limits_the_least_holds() -> None:
    assert least([None, 30, 4]) == 4
    assert least([None]) is None
