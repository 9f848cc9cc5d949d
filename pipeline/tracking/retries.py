"""Timeouts, retries and backoff of requests to W&B, and the delay of its lists of runs.

A run that W&B has taken may be missing from its lists for ten minutes; it is not lost.

Source: https://github.com/wandb/wandb/issues/7410 (about ten minutes); wandb 0.31.0 itself waits for no list.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.durations import duration
from pipeline.errors import number_of

CLIENT_DEFAULTS = {
    "WANDB_HTTP_TIMEOUT": "20",  # seconds for an answer
    "WANDB__GRAPHQL_RETRY_MAX": "4",
    "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS": "15",
    "WANDB__FILE_STREAM_RETRY_MAX": "4",  # the client's own limit is seven days
    "WANDB__FILE_STREAM_RETRY_WAIT_MAX_SECONDS": "15",
    "WANDB__FILE_STREAM_TIMEOUT_SECONDS": "30",
    "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "1",
    "WANDB__FILE_TRANSFER_RETRY_MAX": "4",
    "WANDB_ERROR_REPORTING": "false",
}
"""Timeouts and retries of W&B's client, where the user has set none."""

LONGEST_LIST_DELAY_SECONDS = 900.0
"""The longest delay of a list of runs: what was sent since then is not sent again because a list does not have it."""
ONLINE_WAIT_SECONDS = 60.0
"""How long an export beside a training waits for a list; the next export goes on waiting."""
ROW_COUNT_DELAY_SECONDS = 60.0
"""The longest delay of the row count of a run that is listed otherwise as it is now."""
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.2, 15.0
BACKOFF_FACTOR = 1.5


REQUESTS_PER_RUN, REQUESTS_OF_SWEEP_RUN, RUNS_PER_QUERY = 2, 40, 50
REQUESTS_PER_MINUTE = 50
"""What a free account is said to be allowed, https://github.com/wandb/wandb/issues/5445; W&B does not tell."""


def requests_in_words(runs: int) -> str:
    """How many requests an export takes, and how long they take at the rate limit of a free account.

    Args:
        runs: Number of runs of trials.

    Returns:
        A sentence.
    """
    requests = REQUESTS_PER_RUN * runs + 2 * math.ceil(runs / RUNS_PER_QUERY) + REQUESTS_OF_SWEEP_RUN
    return (
        f"{number_of(runs, 'run')} and that of the sweep take about {requests} requests: "
        f"{duration(60 * requests / REQUESTS_PER_MINUTE)} where W&B allows {REQUESTS_PER_MINUTE} a minute, as it does "
        "a free account, and less where it allows more"
    )


@dataclass(frozen=True)
class Clock:
    """The time, in seconds since 1970, and how to wait; a test has a clock of its own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def backoff() -> Iterator[float]:
    """Exponential backoff: seconds between one query and the next, without end.

    The n-th pause is ``min(15, 0.2 * 1.5**n)``; a delay of ten minutes is bridged by about fifty queries.

    Yields:
        One pause after the other.
    """
    for power in itertools.count():
        yield min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * BACKOFF_FACTOR ** min(power, 50))


def timeout_seconds() -> float:
    """Timeout of a request, and the delay of a list that is not late."""
    return client_setting("WANDB_HTTP_TIMEOUT")


def client_setting(name: str) -> float:
    """A timeout or limit of W&B's client, which counts for our own requests too: the user's, else the default here.

    Args:
        name: Of the environment variable.

    Returns:
        Its number.
    """
    return float(os.environ.get(name, CLIENT_DEFAULTS[name]))
