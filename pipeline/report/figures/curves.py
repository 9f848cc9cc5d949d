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


def up_to_the_frame(curves: pl.DataFrame, value: str, curve: str, low: float, high: float) -> pl.DataFrame:
    """The points of curves within a frame, and those next to one: what is seen of a line that is cut off there.

    A renderer draws every dash of a line, also of one that goes on for 300 decades beyond its frame.

    Args:
        curves: Points in the order of each curve.
        value: Column of the height of a point.
        curve: Column that names its curve.
        low: Lower edge of the frame.
        high: Upper edge.

    Returns:
        Some of the rows.
    """
    inside = pl.col(value).is_between(low, high)
    before, after = (inside.shift(places, fill_value=False).over(curve) for places in (1, -1))
    return curves.filter(inside | before | after)


def step_axis(tables: RunTables) -> alt.X:
    """Steps from 0 on, logarithmic beyond 1."""
    last = tables.plan.experiment.num_steps
    scale = alt.Scale(type="symlog", constant=1, domain=[0, max(last, 1)], nice=False)
    return alt.X("step:Q", title="step", scale=scale, axis=charts.step_axis(last))
