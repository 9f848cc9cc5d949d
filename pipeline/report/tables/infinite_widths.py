"""Test errors of networks beside those of their limit of infinite width."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.report.tables.cells import curve_of
from pipeline.report.tables.run_tables import RunTables

COLUMNS = {
    "width": pl.Int64,
    "rate_over_limit": pl.Float64,
    "test_error": pl.Float64,
    "infinite_width_error": pl.Float64,
    "ratio": pl.Float64,
    "limit": pl.String,
}


def infinite_widths(tables: RunTables) -> pl.DataFrame:
    """One row for every problem and network at the greatest width that ran; empty where no network has a limit.

    ``rate_over_limit`` is the best learning rate over the largest that is stable for the linearised network,
    ``test_error`` the median over seeds there, ``infinite_width_error`` that of the limit at the same rate over its
    own limit, after as many steps, ``ratio`` the first over the second. ``limit`` says where there is none, and why.

    Args:
        tables: The run.

    Returns:
        A table in the order of the plan.
    """
    axes = curve_of(tables.results)
    schema: dict[str, Any] = {**{name: tables.results.schema[name] for name in axes}, **COLUMNS}
    beside = tables.infinite
    if beside.is_empty() or not beside["infinite_error"].count():
        return pl.DataFrame(schema=schema)
    widest = beside.filter(pl.col("width") == pl.col("width").max().over(axes))
    why = pl.when(pl.col("why") == "").then(pl.lit("exists")).otherwise(pl.col("why"))
    return widest.select(
        *axes,
        "width",
        "rate_over_limit",
        "test_error",
        infinite_width_error="infinite_error",
        ratio=pl.col("test_error") / pl.col("infinite_error"),
        limit=why,
    )
