"""What curves over the steps share: a colour for each learning rate, and the axis of steps."""

from __future__ import annotations

from collections.abc import Iterable

import altair as alt
import polars as pl

from pipeline.report.figures import charts
from pipeline.report.tables.run_tables import RunTables


def rate_colour(tables: RunTables, rates: Iterable[float]) -> tuple[pl.Expr, alt.Color]:
    """The column ``rate``, which spells ``rate_axis``, and the colour of each of these learning rates."""
    ordered = sorted(set(rates))
    spelled = [f"{rate:.3g}" for rate in ordered]
    column = pl.col("rate_axis").replace_strict(ordered, spelled, return_dtype=pl.String).alias("rate")
    scale = alt.Scale(domain=spelled, range=charts.ramp(max(1, len(ordered))))
    legend = alt.Legend(columns=max(1, len(ordered)), symbolType="stroke", symbolStrokeWidth=3)
    return column, alt.Color("rate:N", title=tables.rate_title, scale=scale, legend=legend)


def step_axis(tables: RunTables) -> alt.X:
    """Steps from 0 on, logarithmic beyond 1."""
    axis = charts.step_axis(tables.plan.experiment.num_steps)
    return alt.X("step:Q", title="step", scale=alt.Scale(type="symlog", constant=1), axis=axis)
