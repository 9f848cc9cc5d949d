"""A walltime tier is a range of GPUs and a positive walltime, and lets in what is in its range."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import FieldError
from pipeline.launch.clusters.queues import WalltimeTier


def test_a_tier_takes_jobs_within_its_range_of_gpus() -> None:
    tier = WalltimeTier(24.0, gpus=(1, 4))
    assert [gpus for gpus in range(7) if tier.takes(gpus)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hours": 0.0}, "hours: a walltime of 0.0 hours is none"),
        ({"hours": 1.0, "gpus": (4, 1)}, "gpus: [4, 1] is no range"),
        ({"hours": 1.0, "running": 0}, "running: running must be at least 1, not 0"),
        ({"hours": 1.0, "factor": -1.0}, "factor: a factor of -1.0 would earn money"),
    ],
)
def test_a_tier_that_cannot_be_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}"):
        WalltimeTier(**fields)  # type: ignore[arg-type]
