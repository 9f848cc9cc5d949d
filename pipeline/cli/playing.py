"""The verb that writes the playground."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.run_folders import RUNS, run_folder
from pipeline.cli.prose import say

if TYPE_CHECKING:
    from pipeline.plans import Plan


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
    from pipeline.report.playground.trial_settings import MOST_TRIALS

    if options.run is None:
        page = write_playground(RUNS)
    else:
        plan = read_plan(run_folder(options.run))
        page = write_playground(options.run, plan, _shown(options.run, plan) if plan.num_trials > MOST_TRIALS else ())
    say(f"playground: {page}")
    if options.open:
        webbrowser.open(page.resolve().as_uri())
    return 0


def _shown(run: Path, plan: Plan) -> list[str]:
    """Ids of the trials that the report of a run shows."""
    from pipeline.api.run_contents import read_contents
    from pipeline.report.html.explored_cells import explored_cells
    from pipeline.report.theory.own_code import parts_left_out

    with parts_left_out():  # the report tells of them
        return explored_cells(read_contents(run, plan).tables).trials["trial"].to_list()
