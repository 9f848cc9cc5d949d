"""What SLURM prints, in hours and numbers."""

from __future__ import annotations

import math

import pytest

from pipeline.launch.probe.live_slurm import gpus_of, hours_of


@pytest.mark.parametrize(
    ("limit", "hours"),
    [
        ("30", 0.5),
        ("15:00", 0.25),
        ("2:30:00", 2.5),
        ("3-00:00:00", 72),
        ("1-12", 36),
        ("1-12:30", 36.5),
        ("infinite", math.inf),
        ("n/a", None),
        ("", None),
        ("1:2:3:4", None),
    ],
)
def test_time_limits_are_hours(limit: str, hours: float | None) -> None:
    assert hours_of(limit) == hours


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ("gpu:fake:2", {"fake": 2}),
        ("gpu:h100-96:2(S:0-1)", {"h100-96": 2}),
        ("gpu:h100-96:2(S:0-1),gpu:nv:1(S:0)", {"h100-96": 2, "nv": 1}),
        ("gpu:4", {"": 4}),
        ("shard:gpu_a:8,tmpdisk:100", {}),
        ("(null)", {}),
    ],
)
def test_gpus_of_a_node_have_a_type_and_a_number(resources: str, gpus: dict[str, int]) -> None:
    assert gpus_of(resources) == gpus
