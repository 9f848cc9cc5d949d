"""Sentences on a diagnostic that no best is defined by: a condition number, a norm, a stability index."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from pipeline.report.answer.compared_axis import Comparison, compared_trials, ranked_levels
from pipeline.report.answer.phrases import from_to, listed, short, times
from pipeline.report.tables.coordinate_check import CHANGE, coordinate_check
from pipeline.report.tables.run_tables import RunTables

EDGE = "stability_index"
AT_THE_EDGE = 0.03
"""Distance of the mean index of the second half of the steps from 1 at which descent has settled at the edge."""
AT_REST = 0.01
"""Relative change over the second half of the steps below which a number has come to rest."""
MOST_LISTED = 4
"""Values of an axis that are all listed; of more the least and the greatest."""


def value_sentences(tables: RunTables, comparison: Comparison) -> list[str]:
    """What a diagnostic is at the end for each value of the axis.

    Args:
        tables: Of the run.
        comparison: By a diagnostic that is not the criterion.

    Returns:
        Sentences; none where it was not recorded.
    """
    own = {EDGE: edge_sentences, CHANGE: coordinate_sentences}
    if comparison.by in own and (sentences := own[comparison.by](tables)):
        return sentences
    rows = _values(tables, comparison)
    groups: list[str] = list(dict.fromkeys(row["group"] for row in rows))
    told: list[str] = []
    for group in groups:
        of_group = [row for row in rows if row["group"] == group]
        words = f"On {group} the " if len(groups) > 1 else "The "
        words += comparison.by.replace("_", " ") + _where(tables, comparison)
        told.append(f"{words} {_of_levels(of_group)}.")
    return told


def _where(tables: RunTables, comparison: Comparison) -> str:
    widths: list[int] = tables.named["width"].unique().to_list()
    return f" at width {max(widths)}" if comparison.at_largest_width and len(widths) > 1 else ""


def _of_levels(rows: list[dict[str, Any]]) -> str:
    """Values in rising order, and whether they still change."""
    if len(rows) > MOST_LISTED:
        least, greatest = rows[0], rows[-1]
        lowest = [str(row["level"]) for row in rows if math.isclose(row["value"], least["value"], rel_tol=5e-3)]
        factor = times(greatest["value"], least["value"])
        more = f", {factor} as large" if factor else ""
        return f"is lowest for {listed(lowest)} ({short(least['value'])}) and highest for {_with_value(greatest)}{more}"
    return "is " + listed([f"{short(row['value'])} for {row['level']}{_moving(row)}" for row in rows])


def _with_value(row: dict[str, Any]) -> str:
    return f"{row['level']} ({short(row['value'])})"


def _moving(row: dict[str, Any]) -> str:
    change = row["change"]
    if change is None or not math.isfinite(change):
        return ""
    if abs(change) < AT_REST:
        return " (it has come to rest)"
    return f" (it still {'grows' if change > 0 else 'falls'}: by {abs(change):.0%} over the second half of the steps)"


def _values(tables: RunTables, comparison: Comparison) -> list[dict[str, Any]]:
    """The median of the diagnostic at the end, and its change since the middle of the steps, for each value."""
    trials = compared_trials(tables, comparison)
    if comparison.by not in trials.columns:
        return []
    best = ranked_levels(trials)
    keys = [name for name in ("group", "level", "name", "width", "rate_axis") if name in best.columns]
    chosen = trials.join(best.select(keys), on=keys, how="semi", nulls_equal=True)
    chosen = chosen.join(_changes(tables, comparison.by), on="trial", how="left")
    values = chosen.group_by("group", "level", maintain_order=True).agg(
        pl.col(comparison.by).median().alias("value"), pl.col("change").median()
    )
    return values.filter(pl.col("value").is_not_null()).sort("value", maintain_order=True).to_dicts()


def _changes(tables: RunTables, diagnostic: str) -> pl.DataFrame:
    """The relative change of each ``trial`` between the first record of the second half of the steps and the last."""
    late = _late(tables, diagnostic)
    first, last = pl.col("value").min_by("step"), pl.col("value").max_by("step")
    several = pl.col("step").max() > pl.col("step").min()
    change = pl.when(several).then(last / first - 1).alias("change")
    return late.group_by("trial").agg(change).collect()


def _late(tables: RunTables, diagnostic: str) -> pl.LazyFrame:
    """What was recorded of a diagnostic in the second half of the steps that each trial was given."""
    own = pl.col("steps") if "steps" in tables.named.columns else pl.lit(tables.plan.experiment.num_steps)
    halves = tables.named.lazy().select("trial", half=own / 2)
    records = tables.records.lazy().filter(pl.col("diagnostic") == diagnostic)
    late = records.join(halves, on="trial", maintain_order="left")
    return late.filter(pl.col("step") >= pl.col("half")).drop("half")


def edge_of_stability(tables: RunTables) -> pl.DataFrame:
    """The mean stability index of each trial over the second half of its steps: 1 is the edge of stability.

    Args:
        tables: Of the run.

    Returns:
        ``rate_axis``, ``index``, ``settled_there``: whether it is within 3 % of 1; no rows where it was not recorded.
    """
    means = _late(tables, EDGE).group_by("trial").agg(pl.col("value").mean().alias("index")).collect()
    trials = tables.named.filter(pl.col("status") == "done").select("trial", "rate_axis")
    table = trials.join(means, on="trial", maintain_order="left").filter(pl.col("index").is_finite())
    return table.with_columns(settled_there=(pl.col("index") - 1).abs() <= AT_THE_EDGE)


def edge_sentences(tables: RunTables) -> list[str]:
    """At which learning rates the curvature settles where that rate is just stable; nothing where that is not known."""
    table = edge_of_stability(tables)
    by_rate = table.group_by("rate_axis").agg(pl.col("settled_there").all(), "index").sort("rate_axis").to_dicts()
    there, apart = ([row for row in by_rate if row["settled_there"] == word] for word in (True, False))
    told = []
    if there:
        told.append(
            f"At {_rates(tables, there)} the sharpness settles where the rate is just stable: rate over the largest "
            f"stable one is {from_to([value for row in there for value in row['index']])} in the mean over the second "
            "half of the steps."
        )
    if apart:
        told.append(f"At {_rates(tables, apart)} it is {from_to([value for row in apart for value in row['index']])}.")
    return told


def _rates(tables: RunTables, rows: list[dict[str, Any]]) -> str:
    rates = listed([short(row["rate_axis"]) for row in rows])
    if tables.relative_rates:
        return f"{rates} times the limit"
    return f"the learning rate{'s' * (len(rows) > 1)} {rates}"


def coordinate_sentences(tables: RunTables) -> list[str]:
    """By which power of the width the first step moves the hidden units of each model of which that is known."""
    rows = coordinate_check(tables.plan, tables.results, tables.records).drop_nulls("exponent").to_dicts()
    first = [row for row in rows if row["step"] == rows[0]["step"]]
    if not first:
        return []
    kept = [row for row in first if row["to"] < 0]
    learned = [row for row in first if row["to"] >= 0]
    step = "first step" if first[0]["step"] == 1 else f"training up to step {first[0]['step']}"
    told = []
    if learned:
        names, go = listed([_with_power(row) for row in learned]), "goes" if len(learned) == 1 else "go"
        told.append(f"{names} {go} on learning features at any width: the {step} moves the hidden units as far.")
    if kept:
        names, keep = listed([_with_power(row) for row in kept]), "keeps" if len(kept) == 1 else "keep"
        told.append(f"{names} {keep} the features of the start as the width grows: the {step} moves them ever less.")
    return told


def _with_power(row: dict[str, Any]) -> str:
    return f"{row['model']} (a change as width^{row['exponent']:.2g})"
