"""The command line: parses, calls, prints.

Imports are inside the verbs, at their top, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from pipeline.cli.arguments import parse, parser
from pipeline.cli.listing import LISTABLE_KINDS
from pipeline.cli.running import train
from pipeline.cli.streams import ERRORS, OUTPUT, named_streams
from pipeline.errors import ArgumentError, PipelineError, reason_of
from pipeline.extensions.places import raised_in_extension

__all__ = ["LISTABLE_KINDS", "main", "parser", "train"]


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: The words of the command line; none: those of this process.

    Returns:
        The exit code. 0: done, 1: some trials failed or cannot be read, 2: the request was wrong, 3: W&B cannot be
        reached from a job, 130: interrupted.

    Raises:
        SystemExit: After ``--help``, on words that cannot be parsed, and where SIGTERM ends training.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with named_streams():
            code = _run(words)
    except PipelineError as error:
        _complain(str(error.of_option() if isinstance(error, ArgumentError) else error))
        return 2
    except KeyboardInterrupt:
        _complain("\ninterrupted; the same command goes on from the last checkpoint")
        return 130
    except OSError as error:
        if error.filename == OUTPUT:
            _forget_stdout()
        if isinstance(error, BrokenPipeError) and error.filename in (OUTPUT, ERRORS):
            return 0  # the reader of our output, such as head, has seen enough
        where = str(error.filename or f"python -m pipeline {words[0]}")
        _complain(str(PipelineError(reason_of(error).lower(), where=where)))
        return 2
    except (Exception, SystemExit) as error:
        own = raised_in_extension(error)
        if own is None:
            raise
        _complain(str(own))
        return 2
    return code


def _run(words: Sequence[str]) -> int:
    """Run a verb until all that it has to say is written: what cannot be fails here, not when Python ends."""
    _refuse_other_bytes(words)
    try:
        code = parse(words)()
    except SystemExit:  # of --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def _complain(text: str) -> None:
    """Say what is wrong; where standard error was closed, ``print`` would take standard output in its place."""
    if sys.stderr is not None:
        with suppress(OSError):  # where it cannot be written, nobody can be informed
            print(text, file=sys.stderr, flush=True)


def _refuse_other_bytes(words: Sequence[str]) -> None:
    """Refuse names that are no UTF-8, which polars 2.1.0 and JSON cannot open or write down.

    Raises:
        PipelineError: If one is among the words.
    """
    for word in words:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            hint = "rename it with letters that are UTF-8, or type it again in a terminal that is set to UTF-8"
            raise PipelineError(f"{word!r} is not UTF-8", where="python -m pipeline", hint=hint)


def _forget_stdout() -> None:
    """Let Python end without trying once more to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
