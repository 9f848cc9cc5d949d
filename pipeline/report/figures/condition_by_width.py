"""The figure of the condition number against the width."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.numerics.spectra import LIMIT_OF_FLOAT64
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.tables.run_tables import RunTables, drawable


def condition_table(tables: RunTables) -> pl.DataFrame:
    """Condition number, median over seeds at the best learning rate; cut at what float64 can tell."""
    if "condition_number" not in tables.best.columns:
        return pl.DataFrame()
    table = tables.best.group_by("panel_problem", "name", "width", maintain_order=True).agg(
        pl.col("condition_number").median().alias("value")
    )
    at_limit = pl.col("value") >= LIMIT_OF_FLOAT64
    return (
        table.filter(pl.col("value").is_not_null() & pl.col("value").is_not_nan())
        .with_columns(at_limit.alias("at_limit"), pl.min_horizontal("value", pl.lit(LIMIT_OF_FLOAT64)).alias("value"))
        .with_columns(drawable("value"))
        .sort("panel_problem", "name", "width")
    )


def condition_by_width(tables: RunTables) -> Drawn | None:
    """Condition number against width for each model, in rows where there is one width, up to what float64 can tell."""
    table = condition_table(tables)
    # One model at one width is a number, which the tables hold: a dot alone says no more.
    if table.is_empty() or table.height == table["panel_problem"].n_unique():
        return None
    reaches, one_width = table["at_limit"].any(), table["width"].n_unique() == 1

    def panel(rows: pl.DataFrame) -> Chart:
        limits = [LIMIT_OF_FLOAT64] if reaches else []
        scale, axis = charts.log_scale([*rows["value"].drop_nulls(), *limits])
        if one_width:
            across = alt.X("value:Q", scale=scale, title=DIAGNOSTICS["condition_number"].unit, axis=axis)
            return alt.layer(
                *_at_one_width(tables, rows, across), *(_limit(x=across, y=alt.value(0)) if reaches else ())
            )
        value = alt.Y("value:Q", scale=scale, title=DIAGNOSTICS["condition_number"].unit, axis=axis)
        base = chart_of(rows).encode(
            x=charts.width_axis(rows["width"]), y=value, color=charts.model_colour(tables.models)
        )
        tooltip = [alt.Tooltip("name:N", title="model"), alt.Tooltip("width:Q"), alt.Tooltip("value:Q", format=".4g")]
        shape = charts.model_shape(tables.models)
        point = base.mark_point(filled=True, size=45, opacity=1).encode(shape=shape, tooltip=tooltip)
        layers = [base.mark_line(strokeWidth=2), point]
        if reaches:
            layers += _limit(x=alt.value(0), y=value)
        return alt.layer(*layers)

    return panels(table.rename({"panel_problem": "panel"}), panel, charts.height_of_rows(table))


def _at_one_width(tables: RunTables, rows: pl.DataFrame, value: alt.X) -> list[alt.Chart]:
    """The same of one width, a row for each model."""
    names = [name for name in tables.models if name in set(rows["name"])]
    base = chart_of(rows).encode(x=value, y=charts.model_row(names), color=charts.model_colour(tables.models))
    tooltip = [alt.Tooltip("name:N", title="model"), alt.Tooltip("value:Q", format=".4g")]
    point = base.mark_point(filled=True, size=60, opacity=1)
    return [point.encode(shape=charts.model_shape(tables.models), tooltip=tooltip), charts.names_in_rows(names, rows)]


def _limit(**place: Any) -> list[alt.Chart]:
    """A line across the plot at what float64 can tell, and its name.

    Args:
        place: Where the name stands: one of ``x`` and ``y`` is the value, the other an end of the line.

    Returns:
        Two layers.
    """
    limit = chart_of(pl.DataFrame({"value": [LIMIT_OF_FLOAT64], "text": ["float64 limit"]}))
    (along,) = [channel for channel, what in place.items() if isinstance(what, alt.X | alt.Y)]
    words = limit.mark_text(align="left" if along == "y" else "right", dy=-7, color=charts.MUTED, fontSize=11)
    rule = limit.mark_rule(color=charts.MUTED, strokeDash=[2, 3]).encode(**{along: place[along]})
    return [rule, words.encode(**place, text="text:N")]
