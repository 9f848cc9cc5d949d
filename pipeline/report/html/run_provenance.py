"""Where the numbers of a run come from: the code, the packages, the machines, and the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from pipeline.errors import number_of
from pipeline.plans import Plan
from pipeline.report.tables.cells import training_in_words
from pipeline.report.tables.printing import cell_text

TAKEN = pl.col("run").fill_null("") != ""
"""Of outcomes: that another run has trained the trial."""


def facts(plan: Plan, planned: dict[str, Any], outcomes: pl.DataFrame) -> Iterable[tuple[str, str]]:
    """What is known, under the names of what it is; packages are those that the plan was made with.

    Args:
        plan: Its experiment and packs.
        planned: Where and with what it was planned, as ``read_provenance`` gives it.
        outcomes: Where and with what it was trained.

    Yields:
        A name and its value, in the order in which a page shows them.
    """
    packages: dict[str, str | None] = {"Python": planned.get("python"), **planned.get("packages", {})}
    yield "plan", plan.folder_name
    yield "planned", " on ".join(planned[name] for name in ("date", "host") if name in planned) or "unknown"
    yield "commit", _all(outcomes, "code") or planned.get("code") or "unknown: the code is no checkout"
    yield "packages", ", ".join(f"{name} {version}" for name, version in packages.items() if version) or "unknown"
    yield "packs", f"{outcomes['pack'].n_unique()} of {len(plan.packs)} ended"
    for column in ("version", "host", "engine", "device"):
        yield column, _all(outcomes, column) or "none yet"
    taken = outcomes.filter(TAKEN).group_by("run").len().sort("run")
    if taken.height:
        parts = [f"{number_of(number, 'trial')} from {run}" for run, number in taken.iter_rows()]
        yield "taken from other runs", ", ".join(parts)
    yield "training time", _training_time(outcomes)
    yield "optimizer", training_in_words(plan, "optimizer")
    yield "steps", training_in_words(plan, "steps")
    yield "dtype", training_in_words(plan, "dtype")
    yield "seeds", plan.experiment.seeds_in_words().removeprefix("seeds: ")


def _training_time(outcomes: pl.DataFrame) -> str:
    """What was trained here took so long, and what was taken from other runs, there."""
    here, there = (float(outcomes.filter(which)["seconds"].sum()) for which in (~TAKEN, TAKEN))
    elsewhere = f"; {cell_text(there)} s in the other runs" if there else ""
    return f"{cell_text(here)} s, added over packs{elsewhere}"


def _all(outcomes: pl.DataFrame, column: str) -> str:
    return ", ".join(sorted(value for value in outcomes[column].drop_nulls().unique() if value))
