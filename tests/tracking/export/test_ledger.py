"""The ledger knows what W&B has confirmed, and nothing that a kill has torn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.tracking.export.ledger import Ledger, LedgerEntry, run_id

HERE, THERE = "server lab/a", "server lab/b"


def test_a_run_is_verified_once_it_was_noted_and_only_where_it_is(tmp_path: Path) -> None:
    Ledger(tmp_path, HERE).add(LedgerEntry("one", HERE, "verified", rows=7, digest="d"))
    found = Ledger(tmp_path, HERE).verified("one")
    assert found is not None
    assert (found.rows, found.digest) == (7, "d")
    assert found.at > 0
    assert Ledger(tmp_path, HERE).verified("two") is None
    assert Ledger(tmp_path, THERE).verified("one") is None


def test_a_deleted_run_goes_on_under_the_next_id_until_that_is_deleted_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, HERE)
    ids = []
    for _ in range(3):
        generation = ledger.generation("one")
        ids.append(run_id("one", generation))
        ledger.add(LedgerEntry("one", HERE, "deleted", generation))
        ledger = Ledger(tmp_path, HERE)
    assert ids == ["one", "one-g2", "one-g3"]
    assert ledger.verified("one") is None
    ledger.add(LedgerEntry("one", HERE, "verified", 4))
    assert Ledger(tmp_path, HERE).generation("one") == 4


@pytest.mark.parametrize("kept", [0, 1, 20, 60])
def test_a_torn_line_counts_for_nothing_and_spoils_no_other(tmp_path: Path, kept: int) -> None:
    ledger = Ledger(tmp_path, HERE)
    ledger.add(LedgerEntry("one", HERE, "verified"))
    whole = ledger.path.read_bytes()
    ledger.add(LedgerEntry("two", HERE, "verified"))
    ledger.path.write_bytes(whole + ledger.path.read_bytes()[len(whole) :][:kept])
    after = Ledger(tmp_path, HERE)
    assert after.verified("one") is not None
    assert after.verified("two") is None
    after.add(LedgerEntry("three", HERE, "verified"))
    again = Ledger(tmp_path, HERE)
    assert [again.verified(run) is not None for run in ("one", "two", "three")] == [True, False, True]


def test_a_line_of_another_version_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text(json.dumps({"run": "one", "destination": HERE, "colour": "red"}) + "\n")
    assert Ledger(tmp_path, HERE).verified("one") is None


def test_what_is_sent_is_underway_until_it_is_confirmed_or_deleted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, HERE, lambda: 1000.0)
    for state in ("sent", "taken"):
        ledger.add(LedgerEntry("one", HERE, state, rows=7, sending="word"))
        noted = Ledger(tmp_path, HERE, lambda: 1060.0).pending("one")
        assert noted is not None
        assert (noted.state, noted.rows, noted.sending) == (state, 7, "word")
        assert Ledger(tmp_path, THERE).pending("one") is None
    for state in ("verified", "deleted"):
        ledger.add(LedgerEntry("one", HERE, state))
        assert Ledger(tmp_path, HERE).pending("one") is None


def test_what_a_clock_ahead_has_noted_was_noted_just_now(tmp_path: Path) -> None:
    Ledger(tmp_path, HERE, lambda: 5000.0).add(LedgerEntry("one", HERE, "taken"))
    for now, age in ((5060.0, 60.0), (1000.0, 0.0)):
        ledger = Ledger(tmp_path, HERE, lambda: now)  # noqa: B023
        noted = ledger.pending("one")
        assert noted is not None
        assert ledger.age_seconds(noted) == age


def test_lines_of_the_version_before_still_count(tmp_path: Path) -> None:
    """They have no word of a sending, and digests of what was calculated too."""
    line = {"run": "one", "destination": HERE, "state": "verified", "generation": 2, "rows": 7, "digest": "0" * 16}
    (tmp_path / "ledger.jsonl").write_text(json.dumps(line | {"at": 1.0}) + "\n")
    found = Ledger(tmp_path, HERE).verified("one")
    assert found is not None
    assert (found.generation, found.rows) == (2, 7)
