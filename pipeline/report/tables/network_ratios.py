"""Test errors of networks beside that of the best network of their width, of one input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pipeline.models.best_networks import ErrorBracket, is_piecewise_linear
from pipeline.plans import Plan
from pipeline.report.answer.best import at_best_rate
from pipeline.report.tables.cells import curve_of
from pipeline.report.tables.results import criterion
from pipeline.report.theory.best_network_brackets import Brackets, brackets_of_plan
from pipeline.report.theory.best_network_verdicts import best_network_verdict, rounding
from pipeline.report.theory.verdicts import AGREES, verdict_counts

RATIO = "times_best_network"
"""Column of the results: the test error over the least of any network of the width."""
LEAST, ROUNDING = "least_network_error", "network_rounding"
COLUMNS = {
    "width": pl.Int64,
    "no_network_below": pl.Float64,
    "best_network_found": pl.Float64,
    "median_ratio": pl.Float64,
    "least_ratio": pl.Float64,
    "verdict": pl.String,
}


def with_network_ratios(plan: Plan, results: pl.DataFrame, run: Path | None = None) -> pl.DataFrame:
    """The results with ``times_best_network``, where a best network is known, and with verdicts that say what it says.

    It is at least 1, but for rounding. Null where it is not known, or 0: a straight line needs no network.

    Args:
        plan: Of the run.
        results: One row for every trial.
        run: Folder of the run, where the best networks are kept.

    Returns:
        The same rows; the same table where no best network is known.
    """
    if criterion(results) != "test_error" or not any(is_piecewise_linear(pack.shape.model) for pack in plan.packs):
        return results
    bounds = _bounds(plan, brackets_of_plan(plan, run))
    if not bounds[LEAST].count():
        return results
    said = best_network_verdict()
    ratio = pl.when(pl.col(LEAST) > pl.col(ROUNDING)).then(pl.col("test_error") / pl.col(LEAST))
    place = results.columns.index("test_error") + 1
    of_trials = results.select("trial").join(bounds, on="trial", how="left", maintain_order="left")
    return (
        results.with_columns(of_trials[LEAST], of_trials[ROUNDING])  # a join of all columns would copy them
        .with_columns(
            ratio.alias(RATIO),
            pl.coalesce(said.verdict, "verdict").alias("verdict"),
            pl.coalesce(said.grounds, "grounds").alias("grounds"),
        )
        .select(*results.columns[:place], RATIO, *results.columns[place:])
    )


def _bounds(plan: Plan, brackets: Brackets) -> pl.DataFrame:
    """The least error of any network for each trial, and what rounding may take off it."""
    parts = [pl.DataFrame(schema={"trial": pl.String, LEAST: pl.Float64, ROUNDING: pl.Float64})]
    for pack in plan.packs:
        known = brackets.get(pack.shape.problem.identity)
        bracket = known.by_width.get(pack.shape.width) if known and is_piecewise_linear(pack.shape.model) else None
        if known and bracket:
            bounds = {LEAST: bracket.lower, ROUNDING: rounding(pack.shape.dtype, known.scale)}
            trials = pl.Series("trial", [trial.id for trial in pack.trials], pl.String).to_frame()
            parts.append(trials.with_columns(pl.lit(value, pl.Float64).alias(name) for name, value in bounds.items()))
    return pl.concat(parts)


def network_ratios(plan: Plan, results: pl.DataFrame, brackets: Brackets) -> pl.DataFrame:
    """One row for every problem, model and width of which the best network is known; empty where there is none.

    ``no_network_below`` and ``best_network_found`` are the ends of the bracket, ``median_ratio`` how many times the
    lower one the test error is, as the median over seeds at the best learning rate, ``least_ratio`` the least of all
    trials. The verdict is on all trials that have ended: none may lie below.

    Args:
        plan: Of the run.
        results: What ``with_network_ratios`` makes.
        brackets: Of the problems of the plan.

    Returns:
        A table with a verdict in each row.
    """
    axes = curve_of(results)
    schema: dict[str, Any] = {**{name: results.schema[name] for name in axes}, **COLUMNS}
    if RATIO not in results.columns:
        return pl.DataFrame(schema=schema)
    best = at_best_rate(results).group_by(*axes, "width").agg(pl.col(RATIO).median().alias("median_ratio"))
    known = results.join(_bounds(plan, brackets), on="trial", maintain_order="left")
    done = known.filter((pl.col("status") == "done") & pl.col("test_error").is_finite())
    above = best_network_verdict().verdict.fill_null(AGREES)
    grouped = done.with_columns(above.alias("verdict")).group_by(*axes, "width", maintain_order=True)
    rows = grouped.agg(
        pl.col("trial").first(),
        pl.col(RATIO).min().alias("least_ratio"),
        verdict_counts(pl.col("verdict")).alias("verdict"),
    )
    found = [_bracket(plan, brackets, trial) for trial in rows["trial"]]
    ends = {"no_network_below": [one.lower for one in found], "best_network_found": [one.upper for one in found]}
    rows = rows.with_columns(pl.Series(name, values, pl.Float64) for name, values in ends.items())
    return rows.join(best, on=[*axes, "width"], how="left", nulls_equal=True, maintain_order="left").select(*schema)


def _bracket(plan: Plan, brackets: Brackets, trial: str) -> ErrorBracket:
    shape = plan.trials[trial].shape
    return brackets[shape.problem.identity].by_width[shape.width]
