"""Standard output and standard error, whose failures name them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from pipeline.records.atomic_writes import naming

OUTPUT, ERRORS = "standard output", "standard error"


class NamedStream:
    """A stream that says its name in what goes wrong with it; the system says only what, as of any open file.

    Args:
        stream: Where the text goes; whatever else is asked is asked of it.
        name: What a person calls it.
    """

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        """Write a text."""
        with naming(self._name):
            return self._stream.write(text)

    def flush(self) -> None:
        """Have written what was kept back."""
        with naming(self._name):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def named_streams() -> Iterator[None]:
    """Tell failures of standard output and standard error from those of files, as long as the block lasts.

    What is written to one that was closed (``>&-``) goes nowhere, and one that does not wait for its reader does.
    """
    before = sys.stdout, sys.stderr
    with ExitStack() as until_the_end:
        streams = [until_the_end.enter_context(_open(stream)) for stream in before]
        sys.stdout, sys.stderr = NamedStream(streams[0], OUTPUT), NamedStream(streams[1], ERRORS)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


@contextmanager
def _open(stream: TextIO | None) -> Iterator[TextIO]:
    """A stream that can be written to, and waits until its reader has taken what is written."""
    if stream is None:  # Python's, where the file was closed before it began
        with Path(os.devnull).open("w") as nowhere:
            yield nowhere
        return
    try:
        waits = os.get_blocking(stream.fileno())
    except (OSError, ValueError):  # no file of the system, or one that was closed
        yield stream
        return
    if not waits:
        os.set_blocking(stream.fileno(), True)
    yield stream
    if not waits:
        os.set_blocking(stream.fileno(), False)
