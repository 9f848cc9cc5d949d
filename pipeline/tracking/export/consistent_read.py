"""A consistent read of a run that is being written: read again until plan, records and outcomes agree."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.errors import PipelineError

Read = TypeVar("Read")

ATTEMPTS = 3
"""Reads of a run that changes while it is read."""
PAUSE_SECONDS = 0.5


def read_consistently(read: Callable[[], Read]) -> Read:
    """What a function reads of a run; where it fails it is called again.

    Args:
        read: Reads; raises ``PipelineError`` where files do not fit together.

    Returns:
        What the function returns.

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
