"""The verb cancel."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.api.run_folders import run_and_names
from pipeline.cli.prose import print_json, say


@dataclass(frozen=True)
class CancelOptions:
    """Options of cancel.

    Args:
        what: Jobs, array tasks or arrays, none for all; and the folder of a run.
        json: Whether the output is for a program.
    """

    what: tuple[str, ...]
    json: bool


def cancel(options: CancelOptions) -> int:
    """End the jobs of a run, or some of them; what they have recorded stays."""
    from pipeline.launch.submit.cancel import cancel as cancel_jobs

    folder, what = run_and_names(options.what)
    ended = cancel_jobs(folder, what, say)
    if options.json:
        print_json(ended)
    else:
        number = "1 job was" if len(ended) == 1 else f"{len(ended)} jobs were"
        say(f"{number} told to end" if ended else "no job of this run was there any more")
    return 0
