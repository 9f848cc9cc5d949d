"""Waiting for a scheduler is announced: nobody looks at a silent terminal for long."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

Say = Callable[[str], None]
"""Prints a line of prose, for example what is waited for."""

SECONDS_UNTIL_ANNOUNCED = 5.0
"""What takes longer is announced, and again each time it has taken twice as long."""


@contextlib.contextmanager
def announce_if_slow(say: Say, what: str) -> Iterator[None]:
    """Say what is waited for if the block takes long.

    Args:
        say: Prints a line of prose; called from another thread.
        what: Is waited for.
    """
    over, stream = threading.Event(), sys.stderr

    def announce() -> None:
        waited = 0.0
        while not over.wait(waited or SECONDS_UNTIL_ANNOUNCED):
            waited = 2 * waited or SECONDS_UNTIL_ANNOUNCED
            with contextlib.redirect_stderr(stream):  # the block may keep what is printed in it for itself
                say(f"{what} ({waited:g} s so far)")

    announcer = threading.Thread(target=announce, daemon=True)
    announcer.start()
    try:
        yield
    finally:
        over.set()
        announcer.join()
