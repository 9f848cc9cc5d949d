"""Sentences on what the width does to the error of each model."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.report.answer.best import LEAST_DIFFERENCE, ranked
from pipeline.report.answer.compared_axis import Comparison, compared_trials
from pipeline.report.answer.phrases import listed, short
from pipeline.report.tables.run_tables import RunTables

MOST_CURVES_TOLD = 6
"""Curves that have a sentence of their own."""


def width_sentences(tables: RunTables, comparison: Comparison) -> list[str]:
    """How the error of each model on each problem goes with the width, at the best learning rate of each width.

    Args:
        tables: Of the run.
        comparison: Of widths, by the criterion.

    Returns:
        One sentence for each curve; a last one counts those that are left out.
    """
    trials = compared_trials(tables, comparison)
    widths = ranked(trials, ["group", "name"], ["width", "rate_axis"])
    curves = widths.partition_by("group", "name", maintain_order=False, as_dict=True)
    order = trials.select("group", pl.col("name").cast(pl.String)).unique(maintain_order=True).rows()
    named = {(group, str(name)): curve for (group, name), curve in curves.items()}
    groups: dict[str, list[str]] = {}
    for group, name in order[:MOST_CURVES_TOLD]:
        if (group, name) in named:
            groups.setdefault(group, []).append(_clause(name, named[group, name].to_dicts()))
    several = len({group for group, _ in order}) > 1
    metric = (
        f"median {comparison.by.replace('_', ' ')}" if widths["seeds"].max() != 1 else comparison.by.replace("_", " ")
    )
    told = [_sentence(metric, group if several else "", clauses) for group, clauses in groups.items()]
    more = len(order) - MOST_CURVES_TOLD
    return told + ([f"The table below has {more} more."] if more > 0 else [])


def _sentence(metric: str, group: str, clauses: list[str]) -> str:
    return f"{f'On {group}, the' if group else 'The'} {metric} {'; '.join(clauses)}."


def _clause(name: str, rows: list[dict[str, Any]]) -> str:
    """What the width does to one curve."""
    best, by_width = rows[0], sorted(rows, key=lambda row: row["width"])
    first, last = by_width[0], by_width[-1]
    ties = [str(row["width"]) for row in by_width if row["tied"] and row is not best]
    also = f" (seeds do not tell width {listed(ties)} from it)" if ties and best["seeds"] > 1 else ""
    if len(rows) == 1:
        return f"of {name} is {short(best['median'])} at width {best['width']}, the only one with a result"
    start, end = (f"{short(row['median'])} at width {row['width']}" for row in (first, last))
    as_low = best["median"] * (1 + LEAST_DIFFERENCE)
    if max(row["median"] for row in rows) <= as_low:
        widths = f"from {first['width']} to {last['width']}"
        return f"of {name} is the same at every width {widths}, {short(best['median'])}"
    if best is last and first["median"] > as_low:
        return f"of {name} falls from {start} to {end}{also}"
    if first["median"] <= as_low:
        also = also if best is first else ""
        return f"of {name} is lowest at the smallest width, {start}{also}, and {end}"
    return f"of {name} falls from {start} to {short(best['median'])} at width {best['width']}{also}, and is {end}"
