"""W&B is asked soon at first, then less and less often, and what a long export will take is said before it begins."""

from __future__ import annotations

import itertools

import pytest

from pipeline.tracking import retries
from pipeline.tracking.retries import backoff, requests_in_words, timeout_seconds


def test_pauses_grow_to_the_longest_and_ten_minutes_are_bridged_by_few_questions() -> None:
    first = list(itertools.islice(backoff(), 60))
    assert first == sorted(first)
    assert (first[0], first[-1]) == (retries.FIRST_BACKOFF_SECONDS, retries.LONGEST_BACKOFF_SECONDS)
    assert sum(first) > 600


def test_a_limit_is_that_of_the_user_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_HTTP_TIMEOUT", raising=False)
    assert timeout_seconds() == 20
    monkeypatch.setenv("WANDB_HTTP_TIMEOUT", "7")
    assert timeout_seconds() == 7


def test_how_long_it_will_take_is_said_of_the_rate_of_an_account() -> None:
    assert requests_in_words(200).startswith(
        "200 runs and that of the sweep take about 448 requests: 8 min 58 s where W&B"
    )
    assert requests_in_words(1).startswith("1 run and that of the sweep")
