"""Jobs go to the cluster that a submission went to, and to a folder that its nodes see."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.destinations import check_chain, cluster_of, folder_on
from pipeline.cli.options import Overrides
from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import read_cluster

SENT: Any = SimpleNamespace(cluster="local", overrides=("max_running=2", "cpus=3"))
PLANNED: Any = SimpleNamespace(folder_name="xor-0123456789")


def test_of_two_changes_of_a_profile_the_later_wins() -> None:
    profile = cluster_of(SENT, Overrides(("cluster.cpus=4",))).profile
    assert (profile.max_running, profile.cpus) == (2, 4)


def test_an_experiment_that_has_begun_is_not_changed() -> None:
    message = (
        r"^an experiment that has begun cannot be changed: 'cpus=4'\n  hint: --set cluster\.cpus=4 changes the job"
    )
    with pytest.raises(PipelineError, match=message):
        cluster_of(SENT, Overrides(("cpus=4",)))


def test_a_run_lies_where_it_was_said_or_where_the_profile_says(tmp_path: Path) -> None:
    cluster = read_cluster("local", [f"folder={tmp_path}"])
    assert folder_on(cluster, PLANNED, None) == tmp_path / "xor-0123456789"
    assert folder_on(cluster, PLANNED, Path("here")) == Path("here")


def test_jobs_without_a_time_limit_are_no_chain() -> None:
    cluster = read_cluster("local")
    check_chain(cluster, 1)
    with pytest.raises(
        PipelineError, match=r"^--chain: jobs of local have no time limit and wait for nothing\n  hint: "
    ):
        check_chain(cluster, 2)
