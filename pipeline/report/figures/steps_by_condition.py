"""The figure of what the condition number costs: steps to a tolerance against it, predicted and measured."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.tables.results import PREDICTED_STEPS
from pipeline.report.tables.run_tables import DIGITS, RunTables
from pipeline.report.tables.trial_summaries import MEASURED_STEPS

CONDITION = "gram_condition_number"
GREATEST_CONDITION = 1e24
"""Where the axis ends at most: float64 tells condition numbers of X below 1e12, whose square this is."""


def steps_table(tables: RunTables) -> pl.DataFrame:
    """For each problem, model and width the condition number and the steps, medians at the best learning rate.

    Columns: ``panel_problem``, ``name``, ``width``, ``condition``, ``predicted`` and ``measured``, null where the
    tolerance was not reached. Condition numbers that float64 cannot tell are left out.

    Returns:
        One row for each problem, model and width.
    """
    if not {CONDITION, PREDICTED_STEPS, MEASURED_STEPS} <= set(tables.best.columns):
        return pl.DataFrame()
    table = tables.best.group_by("panel_problem", "name", "width", maintain_order=True).agg(
        pl.col(CONDITION).median().alias("condition"),
        pl.col(PREDICTED_STEPS).median().alias("predicted"),
        pl.col(MEASURED_STEPS).median().alias("measured"),
    )
    shown = [
        pl.when(pl.col(name).is_finite() & (pl.col(name) > 0)).then(pl.col(name).round_sig_figs(DIGITS)).alias(name)
        for name in ("predicted", "measured")
    ]
    return (
        table.filter(pl.col("condition") < GREATEST_CONDITION)
        .with_columns(pl.col("condition").round_sig_figs(DIGITS), *shown)
        .filter(pl.col("predicted").is_not_null() | pl.col("measured").is_not_null())
        .sort("panel_problem", "name", "condition")
    )


def steps_by_condition(tables: RunTables) -> Drawn | None:
    """Predicted steps dashed, measured ones as points, against the condition number of X^T X."""
    table = steps_table(tables)

    def panel(rows: pl.DataFrame) -> Chart:
        counts = [*rows["predicted"].drop_nulls(), *rows["measured"].drop_nulls()]
        across, along = charts.log_scale(rows["condition"].to_list())
        up, beside = charts.log_scale(counts)
        base = chart_of(rows).encode(
            x=alt.X("condition:Q", scale=across, axis=along, title=DIAGNOSTICS[CONDITION].unit),
            color=charts.model_colour(tables.models),
        )
        tooltip = [
            alt.Tooltip("name:N", title="model"),
            alt.Tooltip("width:Q"),
            alt.Tooltip("condition:Q", title="condition number", format=".4g"),
            alt.Tooltip("predicted:Q", title="predicted steps", format=".4g"),
            alt.Tooltip("measured:Q", title="measured steps", format=".4g"),
        ]
        steps = alt.Y("predicted:Q", scale=up, axis=beside, title="steps to tolerance")
        dash = alt.StrokeDash(
            "key:N", scale=alt.Scale(domain=["predicted"], range=[[5, 4]]), legend=alt.Legend(title=None)
        )
        line = base.mark_line(strokeWidth=1.6).transform_calculate(key="'predicted'").encode(y=steps, strokeDash=dash)
        ring = base.mark_point(filled=False, size=70, opacity=1).encode(y=steps, tooltip=tooltip)
        point = base.mark_point(filled=True, size=45, opacity=1).encode(
            y=alt.Y("measured:Q", scale=up), shape=charts.model_shape(tables.models), tooltip=tooltip
        )
        return alt.layer(line, ring, point)

    return panels(table.rename({"panel_problem": "panel"}) if table.width else table, panel)
