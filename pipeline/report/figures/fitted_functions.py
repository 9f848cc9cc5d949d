"""The figure of fitted functions over their target."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.problems.problem import FunctionProblem
from pipeline.records.schema import LINE
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels, with_legend_entry
from pipeline.report.tables.cells import PROBLEM, cell_of
from pipeline.report.tables.run_tables import DIGITS, RunTables

MOST_FITS = 4


def fitted_functions(tables: RunTables, space: str = LINE) -> pl.DataFrame:
    """What the best trial of each model has learned at a few widths, where that is drawn in some space.

    Columns: ``trial``, ``panel_problem``, ``name``, ``width``, ``x``, ``y``, ``value``.

    Returns:
        One row for each point; none where nothing is drawn.
    """
    samples = tables.fitted_samples.filter(pl.col("space") == space)
    if samples.is_empty():
        return pl.DataFrame()
    widths = evenly_spaced(tables.plan.experiment.widths, MOST_FITS)
    has_fit = tables.named.filter(pl.col("trial").is_in(samples["trial"].unique().implode()))
    chosen = (
        has_fit.filter(pl.col("width").is_in(widths), pl.col("score").is_finite())
        .sort("score", maintain_order=True)
        .group_by(cell_of(has_fit), maintain_order=True)
        .first()
    )
    axes = chosen.select("trial", *PROBLEM, "panel_problem", "name", "width")
    axes = axes.sort("panel_problem", "name", "width")
    samples = axes.join(samples, on="trial", maintain_order="left").filter(pl.col("value").is_finite())
    return samples.with_columns(pl.col("x", "y", "value").round_sig_figs(DIGITS))


def target_values(tables: RunTables, panel: pl.DataFrame) -> pl.DataFrame:
    """The target at the points of the samples of one panel; no rows for a table, which has none."""
    problem = tables.plan.trials[panel["trial"][0]].shape.problem
    if not isinstance(problem, FunctionProblem):
        return pl.DataFrame(schema={"x": pl.Float64, "value": pl.Float64})
    x = panel["x"].unique().sort()
    values = pl.Series(problem.target(x.to_numpy()[:, None]), dtype=pl.Float64)
    return pl.DataFrame({"x": x, "value": values.round_sig_figs(DIGITS)})


def fitted(tables: RunTables) -> Drawn | None:
    """The best fitted functions over the target, at a few widths."""
    table = fitted_functions(tables)
    if table.is_empty():
        return None
    widths = sorted(table["width"].unique())
    scale = alt.Scale(domain=widths, range=charts.ramp(len(widths)))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3)
    colour = alt.Color("width:O", title="width", scale=scale, legend=legend)

    def panel(rows: pl.DataFrame) -> Chart:
        target = target_values(tables, rows)
        values = (rows if target.is_empty() else target)["value"].to_list()
        low, high = min(values), max(values)
        margin = 0.3 * (high - low) or 1.0
        domain = alt.Scale(domain=[low - margin, high + margin], nice=False)
        places = rows["x"].to_list()
        across = alt.Scale(domain=[min(places), max(places)], nice=False)
        x = alt.X("x:Q", title="x", scale=across, axis=alt.Axis(grid=False))
        y = alt.Y("value:Q", title="f(x)", scale=domain)
        line = chart_of(rows.select("x", "value", "width")).mark_line(
            strokeWidth=1.6, clip=charts.leaves(rows["value"], domain)
        )
        line = line.encode(
            x=x, y=y, color=colour, tooltip=[alt.Tooltip(name) for name in ("width:O", "x:Q", "value:Q")]
        )
        if target.is_empty():
            return alt.layer(line)
        under = chart_of(target).mark_line(strokeWidth=5).encode(x=x, y=y)
        return alt.layer(with_legend_entry(under, alt.Stroke, "target", charts.UNDER), line)

    return panels(table.with_columns(tables.panel_model.alias("panel")), panel)
