"""Jobs go to the cluster that a submission went to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.destinations import cluster_of
from pipeline.cli.options import Overrides
from pipeline.errors import PipelineError

SENT: Any = SimpleNamespace(cluster="local", overrides=("max_running=2", "cpus=3"))


def test_of_two_changes_of_a_profile_the_later_wins() -> None:
    profile = cluster_of(SENT, Overrides(("cluster.cpus=4",))).profile
    assert (profile.max_running, profile.cpus) == (2, 4)


def test_an_experiment_that_has_begun_is_not_changed() -> None:
    message = (
        r"^an experiment that has begun cannot be changed: 'cpus=4'\n  hint: --set cluster\.cpus=4 changes the job"
    )
    with pytest.raises(PipelineError, match=message):
        cluster_of(SENT, Overrides(("cpus=4",)))
