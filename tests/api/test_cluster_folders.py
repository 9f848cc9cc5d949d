"""A run lies where its profile says or a person, and jobs without a time limit are no chain."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.api.cluster_folders import check_chain, folder_on
from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import read_cluster

PLANNED: Any = SimpleNamespace(folder_name="xor-0123456789")


def test_a_run_lies_where_it_was_said_or_where_the_profile_says(tmp_path: Path) -> None:
    cluster = read_cluster("local", [f"folder={tmp_path}"])
    assert folder_on(cluster, PLANNED, None) == tmp_path / "xor-0123456789"
    assert folder_on(cluster, PLANNED, Path("here")) == Path("here")


def test_jobs_without_a_time_limit_are_no_chain() -> None:
    cluster = read_cluster("local")
    check_chain(cluster, 1)
    with pytest.raises(PipelineError, match=r"^chain: jobs of local have no time limit and wait for nothing\n  hint: "):
        check_chain(cluster, 2)
