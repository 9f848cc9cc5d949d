"""The figure of the norms of gradient and weights: whether these come to rest where the gradient vanishes."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.figures.curves import rate_colour, step_axis
from pipeline.report.tables.run_tables import DIGITS, MOST_CURVES, MOST_STEPS, RunTables, some_seeds

NORMS = ("gradient_norm", "weight_norm")


def norms_table(tables: RunTables) -> pl.DataFrame:
    """Both norms during training, median over seeds, at the greatest width that ran, for each learning rate.

    Columns: ``panel_problem``, ``name``, ``width``, ``rate_axis``, ``step``, ``diagnostic``, ``value``; no
    rows unless both are recorded.

    Returns:
        One row for each curve, step and norm.
    """
    trials = tables.named.filter(pl.col("rate_axis").is_not_null(), pl.col("status") != "diverged")
    trials = trials.filter(pl.col("width") == pl.col("width").max().over("panel_problem", "name"))
    trials = trials.filter(pl.col("rate_axis").is_in(evenly_spaced(sorted(trials["rate_axis"].unique()), MOST_CURVES)))
    columns = ["panel_problem", "name", "width", "rate_axis"]
    trials = some_seeds(trials, columns) if tables.recorded(*NORMS) else trials.clear()
    seen = tables.records_of(trials, *NORMS).filter(pl.col("value").is_finite(), pl.col("value") > 0)
    if seen["diagnostic"].n_unique() < len(NORMS):
        seen = seen.clear()
    steps = evenly_spaced(sorted(seen["step"].unique()), MOST_STEPS)
    return (
        trials.select("trial", *columns)
        .join(seen.filter(pl.col("step").is_in(steps)), on="trial")
        .group_by(*columns, "step", "diagnostic", maintain_order=True)
        .agg(pl.col("value").median().round_sig_figs(DIGITS))
        .sort(*columns, "diagnostic", "step")
    )


def weights_by_step(tables: RunTables) -> Drawn | None:
    """Length of the gradient and of the weights against the step, for each learning rate."""
    table = norms_table(tables)
    names, colour = rate_colour(tables, table["rate_axis"])
    dashes = alt.Scale(domain=[name.replace("_", " ") for name in NORMS], range=[[5, 3], [1, 0]])
    dash = alt.StrokeDash("norm:N", title=None, scale=dashes)
    step = step_axis(tables)

    def panel(rows: pl.DataFrame) -> Chart:
        domain, axis = charts.log_scale(rows["value"].to_list())
        tooltip = [
            "norm:N",
            alt.Tooltip("rate:N", title=tables.rate_title),
            "step:Q",
            alt.Tooltip("value:Q", format=".4g"),
        ]
        line = chart_of(rows.select("step", "value", "rate", "norm")).mark_line(strokeWidth=2)
        value = alt.Y("value:Q", title="Euclidean length", scale=domain, axis=axis)
        return alt.layer(line.encode(x=step, y=value, color=colour, strokeDash=dash, tooltip=tooltip))

    norm = pl.col("diagnostic").str.replace_all("_", " ").alias("norm")
    width = pl.format("{}, width {}", tables.panel_model, "width")
    return panels(table.with_columns(width.alias("panel"), names, norm), panel)
