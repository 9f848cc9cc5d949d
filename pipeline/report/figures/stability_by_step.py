"""The figure of the stability index: whether descent keeps within what the present curvature allows."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.figures.curves import rate_colour, step_axis
from pipeline.report.tables.run_tables import DIGITS, MOST_CURVES, MOST_STEPS, RunTables, some_seeds

INDEX = "stability_index"
HIGHEST = 3.0
"""Where the axis ends at most; a run that diverges goes far beyond."""


def stability_table(tables: RunTables) -> pl.DataFrame:
    """Stability index during training, median over seeds, at the greatest width that ran, for each learning rate.

    Columns: ``panel_problem``, ``name``, ``width``, ``rate_axis``, ``step``, ``index``. Trials of which it is
    recorded once, because it is constant, are left out.

    Returns:
        One row for each curve and step; none where the index is not recorded.
    """
    has_index = pl.col(INDEX).is_not_null() if tables.recorded(INDEX) else pl.lit(value=False)
    trials = tables.named.filter(pl.col("rate_axis").is_not_null(), has_index)
    rates = evenly_spaced(sorted(trials["rate_axis"].unique()), MOST_CURVES)
    trials = trials.filter(pl.col("rate_axis").is_in(rates))
    trials = trials.filter(pl.col("width") == pl.col("width").max().over("panel_problem", "name"))
    columns = ["panel_problem", "name", "width", "rate_axis"]
    trials = some_seeds(trials, columns)
    seen = tables.records_of(trials, INDEX).rename({"value": "index"})
    steps = evenly_spaced(sorted(seen["step"].unique()), MOST_STEPS)
    return (
        trials.select("trial", *columns)
        .join(seen.filter(pl.col("step").is_in(steps), pl.col("index").is_finite()), on="trial")
        .group_by(*columns, "step", maintain_order=True)
        .agg(pl.col("index").median().round_sig_figs(DIGITS))
        .filter(pl.len().over(columns) > 1)
        .sort(*columns, "step")
    )


def stability_by_step(tables: RunTables) -> Drawn | None:
    """Stability index against the step for each learning rate, with the edge at 1."""
    table = stability_table(tables)
    names, colour = rate_colour(tables, table["rate_axis"])
    step = step_axis(tables)

    def panel(rows: pl.DataFrame) -> Chart:
        top = min(max(1.2, *(1.1 * value for value in rows["index"])), HIGHEST)
        domain = alt.Scale(domain=[min(0.0, *rows["index"]), top], nice=False)
        index = alt.Y("index:Q", title="learning rate / largest stable one", scale=domain)
        tooltip = [
            alt.Tooltip("rate:N", title=tables.rate_title),
            alt.Tooltip("step:Q"),
            alt.Tooltip("index:Q", format=".4g"),
        ]
        line = chart_of(rows.select("step", "index", "rate"))
        line = line.mark_line(strokeWidth=2, clip=charts.leaves(rows["index"], domain))
        edge = chart_of(pl.DataFrame({"index": [1.0], "text": ["edge of stability"]}))
        rule = edge.mark_rule(color=charts.INK, strokeDash=[4, 3]).encode(y=index)
        words = edge.mark_text(align="left", dy=-7, dx=4, color=charts.MUTED, fontSize=11)
        words = words.encode(x=alt.value(0), y=index, text="text:N")
        return alt.layer(line.encode(x=step, y=index, color=colour, tooltip=tooltip), rule, words)

    width = pl.format("{}, width {}", tables.panel_model, "width")
    return panels(table.with_columns(width.alias("panel"), names), panel)
