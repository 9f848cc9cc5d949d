"""The page of the playground: one file that needs no network, alone or beside the report of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pipeline.definitions import Definition
from pipeline.models.activations import ACTIVATIONS
from pipeline.models.bases import BASES
from pipeline.models.initialisations import INITIALISATIONS
from pipeline.optimizers import OPTIMIZERS
from pipeline.plans import Plan
from pipeline.problems.losses import LOSSES
from pipeline.problems.measures import MEASURES
from pipeline.problems.targets import TARGETS
from pipeline.records.atomic_writes import replacing
from pipeline.report.html.rendering import render_page
from pipeline.report.playground.trial_settings import RunTrials, run_trials

FILE_NAME = "playground.html"
TITLE = "Playground"
LEAD = "Train a tiny model here, step by step, and see what theory says of it beside what it does."
KINDS: Mapping[str, Mapping[str, type[Definition]]] = {
    "target": TARGETS,
    "measure": MEASURES,
    "basis": BASES,
    "activation": ACTIVATIONS,
    "initialisation": INITIALISATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
}
"""What is chosen by name in the page, as ``scripts/descent/definitions.js`` calls it."""


def write_playground(folder: Path, plan: Plan | None = None, shown: Collection[str] = ()) -> Path:
    """Write ``playground.html`` into a folder.

    Args:
        folder: Made where it is not there; of a run, that of the run.
        plan: Of the run whose trials can be opened; ``None`` for none.
        shown: Ids of the trials that its report shows, which are kept where there is no room for all.

    Returns:
        The page.
    """
    path = folder / FILE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(playground_page(plan, shown, has_report=(folder / "report.html").exists()), "utf-8")
    return path


def playground_page(plan: Plan | None = None, shown: Collection[str] = (), *, has_report: bool = False) -> str:
    """The whole page as text.

    Args:
        plan: Of the run whose trials can be opened; ``None`` for none.
        shown: Ids of the trials that its report shows.
        has_report: Whether the report of the run lies beside it, to be linked.

    Returns:
        HTML.
    """
    trials = RunTrials() if plan is None else run_trials(plan, shown)
    return render_page(
        "playground.html",
        TITLE if plan is None else f"{TITLE} of {plan.name}",
        charts=False,
        entries=("playground/playground.js",),
        worker="descent/worker.js",
        styles=("playground.css",),
        lead=LEAD,
        report=trials.run if has_report else "",
        summaries=summaries(),
        trials=trials.as_json(),
    )


def summaries() -> dict[str, dict[str, str]]:
    """One sentence on each definition, by its kind and name."""
    return {kind: {name: one.summary() for name, one in table.items()} for kind, table in KINDS.items()}
