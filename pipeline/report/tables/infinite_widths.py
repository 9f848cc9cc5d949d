"""Test errors of networks beside those of their limit of infinite width, at the end and on the way."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from pipeline.report.tables.cells import cell_of, curve_of
from pipeline.report.tables.run_tables import RunTables, some_seeds

COLUMNS = {
    "width": pl.Int64,
    "rate_over_limit": pl.Float64,
    "test_error": pl.Float64,
    "infinite_width_error": pl.Float64,
    "ratio": pl.Float64,
    "interpolant_error": pl.Float64,
    "limit": pl.String,
}
COLUMNS_ON_THE_WAY = {
    "width": pl.Int64,
    "step": pl.Int64,
    "test_error": pl.Float64,
    "infinite_width_error": pl.Float64,
    "ratio": pl.Float64,
}
EXISTS, SINGULAR = "exists", "exists; no interpolant, for its kernel is singular to rounding"


def infinite_widths(tables: RunTables) -> pl.DataFrame:
    """One row for every problem and network at the greatest width that ran; empty where no network has a limit.

    ``rate_over_limit`` is the best learning rate over the largest that is stable for the linearised network,
    ``test_error`` the median over seeds there, ``infinite_width_error`` that of the limit at the same rate over its
    own limit, after as many steps, ``ratio`` the first over the second, ``interpolant_error`` that of the limit after
    infinitely many steps. ``limit`` says where there is none, and why.

    Args:
        tables: The run.

    Returns:
        A table in the order of the plan.
    """
    axes, widest = curve_of(tables.results), _widest(tables)
    if widest.is_empty():
        return pl.DataFrame(schema=_schema(tables, COLUMNS))
    singular = pl.col("interpolant_error").is_null() & pl.col("infinite_error").is_not_null()
    exists = pl.when(singular).then(pl.lit(SINGULAR)).otherwise(pl.lit(EXISTS))
    return widest.select(
        *axes,
        "width",
        "rate_over_limit",
        "test_error",
        infinite_width_error="infinite_error",
        ratio=pl.col("test_error") / pl.col("infinite_error"),
        interpolant_error="interpolant_error",
        limit=pl.when(pl.col("why") == "").then(exists).otherwise(pl.col("why")),
    )


def infinite_widths_on_the_way(tables: RunTables) -> pl.DataFrame:
    """The same at a few recorded steps from the first to the last, for networks that have a limit.

    Args:
        tables: The run.

    Returns:
        One row for every problem, network and step at which test errors were recorded; a trial that diverged counts
        as infinite from there on.
    """
    schema, cell, widest = _schema(tables, COLUMNS_ON_THE_WAY), cell_of(tables.results), _widest(tables)
    if widest.is_empty():
        return pl.DataFrame(schema=schema)
    limit = widest.filter(pl.col("why") == "").select(*cell, "infinite_curve").explode("infinite_curve")
    limit = limit.unnest("infinite_curve").rename({"infinite_error": "infinite_width_error"}).drop_nulls("step")
    trials = some_seeds(tables.best.select(*cell, "trial"), cell)
    beside = limit.join(trials, on=cell, nulls_equal=True, maintain_order="left_right")
    errors = tables.records_of(beside, "test_error").select("trial", "step", test_error="value")
    beside = beside.join(errors, on=["trial", "step"], how="left", maintain_order="left")
    median = pl.col("test_error").fill_null(math.inf).fill_nan(math.inf).median()
    rows = beside.group_by(*cell, "step", "infinite_width_error", maintain_order=True).agg(median)
    ratio = pl.col("test_error") / pl.col("infinite_width_error")
    return rows.filter(pl.col("test_error").is_finite()).with_columns(ratio=ratio).select(*schema)


def _widest(tables: RunTables) -> pl.DataFrame:
    """Cells of the greatest width of each network; no rows where none has a limit."""
    beside = tables.infinite
    if beside.is_empty() or not beside["infinite_error"].count():
        return pl.DataFrame()
    return beside.filter(pl.col("width") == pl.col("width").max().over(curve_of(tables.results)))


def _schema(tables: RunTables, columns: dict[str, Any]) -> dict[str, Any]:
    return {**{name: tables.results.schema[name] for name in curve_of(tables.results)}, **columns}
