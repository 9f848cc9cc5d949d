"""Standard output and standard error, whose failures name them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
    """Tell failures of standard output and standard error from those of files, as long as the block lasts."""
    before = sys.stdout, sys.stderr
    named = NamedStream(sys.stdout, OUTPUT), NamedStream(sys.stderr, ERRORS)
    sys.stdout, sys.stderr = named
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
