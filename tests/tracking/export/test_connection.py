"""What W&B has of a run is compared with the run: all of it, a part of it, or another run."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pipeline.tracking.export.connection import RemoteRun, same
from pipeline.tracking.export.run_content import STEP, RunContent

ROWS = [{STEP: 0, "loss": 3.0}, {STEP: 1, "loss": math.inf}]
SUMMARY = {STEP: 1, "loss": math.inf, "verdict": "agrees"}
RUN = RunContent("id", "name", "group", "job", (), {}, ROWS, SUMMARY)


def there(**changed: Any) -> RemoteRun:
    """The run as W&B has it, but for some changes; it spells infinity as a word."""
    whole = {"rows": 2, "state": "finished", "summary": {STEP: 1, "loss": "Infinity"}, "digest": RUN.digest}
    return RemoteRun(**(whole | changed))


def test_a_run_with_its_rows_its_end_and_its_summary_is_complete() -> None:
    assert there().is_complete(RUN)
    assert there(state="failed").is_complete(RUN)


@pytest.mark.parametrize("changed", [{"rows": 1}, {"rows": 3}, {"state": "running"}, {"summary": {}}, {"digest": "-"}])
def test_one_that_lacks_something_is_not(changed: dict[str, Any]) -> None:
    assert not there(**changed).is_complete(RUN)


def test_another_digest_is_another_run() -> None:
    assert there(digest="records-0").is_other(RUN)
    assert not there().is_other(RUN)


@pytest.mark.parametrize(
    ("state", "loss", "other"), [("finished", "inf", False), ("finished", 1.0, True), ("running", 1.0, False)]
)
def test_of_a_digest_from_before_the_summary_decides(state: str, loss: object, other: bool) -> None:
    old = there(digest="0123456789abcdef", state=state, summary={STEP: 1, "loss": loss})
    assert old.is_other(RUN) == other


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (math.nan, "NaN", True),
        (-math.inf, "-Infinity", True),
        (math.inf, math.inf, True),
        (math.inf, "-Infinity", False),
        (1.0, 1, True),
        ({"a": {"b": math.nan}}, {"a": {"b": "nan"}, "_more": 1}, True),
        ({"a": 1}, {}, False),
        ({"a": 1}, None, False),
    ],
)
def test_values_are_the_same_however_they_are_spelled(ours: object, theirs: object, equal: bool) -> None:
    assert same(ours, theirs) == equal
