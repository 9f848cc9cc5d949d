"""Reading what is being written."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.errors import PipelineError

Read = TypeVar("Read")

ATTEMPTS = 3
"""How often a run is read that changes while it is read."""
PAUSE_SECONDS = 0.5


def read_consistently(read: Callable[[], Read]) -> Read:
    """What is read of a run; one that is being written may change while it is read, and is read again.

    Raises:
        PipelineError: If it cannot be read the last time either.
    """
    for attempt in itertools.count(1):
        try:
            return read()
        except PipelineError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError
