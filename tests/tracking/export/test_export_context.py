"""What an export knows of its runs, and what it says while W&B is late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.tracking.export.export_context import (
    BATCH,
    SECONDS_BETWEEN_MESSAGES,
    ExportContext,
    in_batches,
    too_many_rows,
)
from pipeline.tracking.export.ledger import Ledger
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.retries import Clock, timeout_seconds


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def context(tmp_path: Path, said: list[str], now: list[float]) -> ExportContext:
    """One that asks nobody."""
    nobody: Any = None
    clock = Clock(lambda: now[0], lambda _: None)
    return ExportContext(nobody, Destination("lab", "p"), Ledger(tmp_path, "s lab/p"), tmp_path, said.append, clock)


def test_a_run_that_was_deleted_has_another_id(context: ExportContext, said: list[str]) -> None:
    assert context.remote_id("r") == "r"
    context.note_deleted("r")
    assert (context.remote_id("r"), context.remote_id("other")) == ("r-g2", "other")
    assert said == ["run r was deleted on W&B; it goes there under another id"]


def test_an_entry_is_of_the_destination_and_the_generation(context: ExportContext) -> None:
    context.note_deleted("r")
    entry = context.entry("r", "sent", "digest", rows=3, sending="nonce")
    assert (entry.destination, entry.generation, entry.rows, entry.sending) == ("s lab/p", 2, 3, "nonce")


def test_that_lists_are_late_is_said_now_and_then(context: ExportContext, said: list[str], now: list[float]) -> None:
    begun = now[0]
    for seconds in (0, timeout_seconds() + 1, 2, SECONDS_BETWEEN_MESSAGES, 1):
        now[0] += seconds
        context.say_if_delayed(2, begun)
        context.say_if_delayed(0, begun)
    assert [text[:46] for text in said] == ["W&B has taken 2 runs that it does not list yet"] * 2


def test_a_run_that_is_not_listed_whole_is_told_apart_from_one_that_is_not_listed(
    context: ExportContext, now: list[float]
) -> None:
    assert context.incomplete_in_words(now[0] - 60, None).startswith(
        "W&B took it 1 min 0 s ago and does not list it yet"
    )
    assert context.incomplete_in_words(now[0] - 60, now[0]).endswith("does not have it whole")


def test_what_nobody_has_sent_is_said_in_numbers() -> None:
    assert too_many_rows(8, 4).startswith("W&B has 8 rows of it, and 4 were sent: delete it there")


@pytest.mark.parametrize("number", [0, 1, BATCH, BATCH + 1])
def test_a_query_asks_for_one_batch(number: int) -> None:
    ids = [str(index) for index in range(number)]
    parts = in_batches(ids)
    assert [id_ for part in parts for id_ in part] == ids
    assert all(0 < len(part) <= BATCH for part in parts)
