"""The command line: parses, calls, prints.

Imports are inside the verbs, at their top, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys

from pipeline.cli.arguments import parser
from pipeline.cli.here import KINDS, train
from pipeline.errors import PipelineError

__all__ = ["KINDS", "main", "parser", "train"]


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 0: done, 1: some trials failed, 2: asked for something wrong, 3: no way to W&B for a job."""
    asked = parser().parse_args(arguments)
    try:
        code: int = asked.verb(asked)
        sys.stdout.flush()  # what cannot be written is told here, not when Python ends
    except PipelineError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        _forget_stdout()
        return 0
    except OSError as error:
        if error.filename is None:
            _forget_stdout()
        where = str(error.filename or "standard output")
        print(PipelineError((error.strerror or str(error)).lower(), where=where), file=sys.stderr)
        return 2
    return code


def _forget_stdout() -> None:
    """Let Python end without trying once more to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
