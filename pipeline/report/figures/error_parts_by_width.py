"""The figure of the parts of the squared test error as stacked bars against the width."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.tables.error_fractions import PARTS, error_parts
from pipeline.report.tables.run_tables import DIGITS, RunTables

COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#BBBBBB")
MOST_LABELS = 8
"""Bars of a panel over which there is room for a number."""


def error_parts_by_width(tables: RunTables) -> Drawn | None:
    """Fractions of the squared error as stacked bars against the width; above each the error itself."""
    table = error_parts(tables)
    table = table.filter(pl.col("why") == "") if table.width else table
    if table.is_empty():
        return None
    widths = sorted(table["width"].unique())
    scale = alt.Scale(domain=list(PARTS), range=list(COLOURS))

    def panel(rows: pl.DataFrame) -> Chart:
        fractions = rows.unpivot(PARTS, index=["width", "error"], variable_name="part", value_name="share")
        above = pl.col("share").clip(lower_bound=0)
        fractions = fractions.with_columns(
            (above / above.sum().over("width")).round_sig_figs(DIGITS).alias("height"),
            pl.col("part").replace_strict(PARTS, range(len(PARTS)), return_dtype=pl.Int64).alias("order"),
        ).drop_nulls("share")
        width = alt.X("width:O", title="width", scale=alt.Scale(domain=widths), axis=alt.Axis(labelAngle=0, grid=False))
        axis = alt.Axis(format="%", tickCount=5)
        height = alt.Y("height:Q", title="share of the squared test error", axis=axis, scale=alt.Scale(domain=[0, 1]))
        tooltip = [
            "width:O",
            "part:N",
            alt.Tooltip("share:Q", format=".3%"),
            alt.Tooltip("error:Q", title="test error", format=".4g"),
        ]
        colour = alt.Color(
            "part:N", title=None, scale=scale, legend=alt.Legend(columns=len(PARTS), symbolType="square")
        )
        bars = chart_of(fractions).mark_bar().encode(x=width, y=height, color=colour, order="order:Q", tooltip=tooltip)
        if len(widths) > MOST_LABELS:
            return alt.layer(bars)
        errors = rows.select("width", pl.Series("text", [charts.number_label(_rounded(e)) for e in rows["error"]]))
        words = chart_of(errors).mark_text(dy=-6, fontSize=9, color=charts.MUTED)
        return alt.layer(bars, words.encode(x=width, y=alt.datum(1, type="quantitative"), text="text:N"))

    return panels(table.with_columns(tables.panel_model.alias("panel")), panel)


def _rounded(value: float) -> float:
    return float(f"{value:.1e}")
