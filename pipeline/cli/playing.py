"""The verb that writes the playground."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path

from pipeline.api.run_folders import RUNS, run_folder
from pipeline.cli.prose import say


@dataclass(frozen=True)
class PlaygroundOptions:
    """Options of playground.

    Args:
        run: Folder of the run whose trials can be opened; none: a playground of no run, in ``runs/``.
        open: Whether the page is opened in a browser.
    """

    run: Path | None
    open: bool = False


def playground(options: PlaygroundOptions) -> int:
    """Write a page in which a tiny model is trained step by step, beside its theory."""
    from pipeline.plans import read_plan
    from pipeline.report.playground.playground_page import write_playground

    plan = None if options.run is None else read_plan(run_folder(options.run))
    page = write_playground(options.run or RUNS, plan)
    say(f"playground: {page}")
    if options.open:
        webbrowser.open(page.resolve().as_uri())
    return 0
