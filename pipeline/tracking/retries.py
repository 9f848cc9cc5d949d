"""How long W&B is waited for: its lists of runs are late, now and then by ten minutes, and a run that is not in one yet
is not missing.

Source: https://github.com/wandb/wandb/issues/7410 (about ten minutes); W&B's own client waits for nothing.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.durations import duration
from pipeline.report.tables.printing import number_of

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
"""How long the client may try, unless the user has said something else."""

LONGEST_LIST_DELAY_SECONDS = 900.0
"""How late a list of runs may be: what was sent since then is not sent again because a list does not have it."""
ONLINE_WAIT_SECONDS = 60.0
"""How long an export beside a training waits for it: the next one goes on waiting."""
ROW_COUNT_DELAY_SECONDS = 60.0
"""How long W&B may take to count rows that it has taken of a run which it lists otherwise as it is now."""
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.2, 15.0
BACKOFF_FACTOR = 1.5


REQUESTS_PER_RUN, REQUESTS_OF_SWEEP_RUN, RUNS_PER_QUERY = 2, 40, 50
REQUESTS_PER_MINUTE = 50
"""What a free account is said to be allowed, https://github.com/wandb/wandb/issues/5445; W&B does not tell."""


def requests_in_words(runs: int) -> str:
    """How long sending some runs takes at what an account is allowed."""
    requests = REQUESTS_PER_RUN * runs + 2 * math.ceil(runs / RUNS_PER_QUERY) + REQUESTS_OF_SWEEP_RUN
    return (
        f"{number_of(runs, 'run')} and that of the sweep take about {requests} requests: "
        f"{duration(60 * requests / REQUESTS_PER_MINUTE)} where W&B allows {REQUESTS_PER_MINUTE} a minute, as it does "
        "a free account, and less where it allows more"
    )


@dataclass(frozen=True)
class Clock:
    """What the time is, in seconds since 1970, and how to let some pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def backoff() -> Iterator[float]:
    """Seconds between one question and the next: soon at first, then less and less often."""
    for power in itertools.count():
        yield min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * BACKOFF_FACTOR ** min(power, 50))


def timeout_seconds() -> float:
    """How long W&B may take to answer, or to have what it has taken where its lists are not late."""
    return client_setting("WANDB_HTTP_TIMEOUT")


def client_setting(name: str) -> float:
    """A limit of W&B's client, which ours is too: the user's, else our own."""
    return float(os.environ.get(name, CLIENT_DEFAULTS[name]))
