"""What would be sent is said in one line, and in JSON with the same figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.submission_output import as_json, print_submission_plan
from pipeline.launch.submit.submission_plan import SubmissionPlan

MANIFEST: Any = SimpleNamespace(num_trials=8, workloads={"p1": None, "p2": None})
CLUSTER: Any = SimpleNamespace(name="soc")


def test_where_nothing_is_left_only_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    plan = SubmissionPlan(MANIFEST, [], None, None, 1, 1, frozenset({"p9"}))
    print_submission_plan(plan, CLUSTER)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "8 trials in 2 packs: 1 pack finished, 1 in flight, 1 kept back because they failed twice "
        "(retry --quarantined); nothing is left to send\n"
    )
    assert as_json(plan) == {
        "finished_packs": 1,
        "packs_in_flight": 1,
        "packs_kept_back": ["p9"],
        "arrays": [],
        "estimate": None,
    }
