"""The figure of the final loss as a heat map over learning rate and width, with the predicted limit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import altair as alt
import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.optimizers.stability_limits import Limit
from pipeline.report.figures import charts
from pipeline.report.figures.charts import LARGEST, TINIEST, Chart, Drawn, chart_of, panels, with_legend_entry
from pipeline.report.tables.results import TIMES_FIRST_LIMIT
from pipeline.report.tables.run_tables import RunTables, drawable

AT_START = "of the Hessian at step 0"
"""What is known of the limit of networks."""
MOST_CELLS_A_SIDE = 40


def loss_map(tables: RunTables) -> pl.DataFrame:
    """Final loss for each learning rate and width, median over the trials that did not diverge.

    ``bottom`` and ``top`` are the edges of a cell on the axis of learning rates, ``diverged`` the
    fraction of trials that did, ``limit`` the predicted limit on the same axis, of
    networks the median of those at their initial weights, ``limit_words`` what is known below it.

    Returns:
        One row for each problem, model, learning rate and width.
    """
    trials = tables.named.filter(pl.col("rate_axis").is_not_null(), pl.col("status").is_in(["done", "diverged"]))
    rates = evenly_spaced(sorted(trials["rate_axis"].unique()), MOST_CELLS_A_SIDE)
    widths = evenly_spaced(sorted(trials["width"].unique()), MOST_CELLS_A_SIDE)
    if len(rates) < 2 or "loss" not in trials.columns:
        return pl.DataFrame()
    edges = cell_edges(rates)
    cells = pl.DataFrame({"rate_axis": rates, "bottom": edges[:-1], "top": edges[1:]})
    limits = pl.col("learning_rate") / pl.col(TIMES_FIRST_LIMIT)
    known = pl.when(limits.is_finite()).then(limits)
    limit = known.median().over("panel_problem", "name", "width")  # every network has its own
    trials = trials.with_columns(first_limit=pl.lit(1.0) if tables.relative_rates else limit)
    done = pl.col("status") == "done"
    return (
        trials.filter(pl.col("width").is_in(widths))
        .join(cells, on="rate_axis")
        .group_by("panel_problem", "name", "width", "rate_axis", "bottom", "top", maintain_order=True)
        .agg(
            pl.col("loss").filter(done).median(),
            (~done).mean().alias("diverged"),
            pl.len().alias("trials"),
            pl.col("first_limit").first().alias("limit"),
            pl.col("limit").first().alias("limit_words"),
        )
        .with_columns(drawable("loss"), drawable("limit"), drawable("bottom"), drawable("top"))
        .with_columns(pl.when(pl.col("limit").is_between(edges[0], edges[-1])).then("limit").alias("limit"))
        .filter(pl.col("loss").is_not_null() | (pl.col("diverged") > 0))
        .sort("panel_problem", "name", "width", "rate_axis")
    )


def cell_edges(rates: Sequence[float]) -> list[float]:
    """Edges halfway between neighbouring rates in the logarithm, and as far beyond both ends, within float64."""
    logs = [math.log(rate) for rate in rates]
    middle = [(low + high) / 2 for low, high in itertools.pairwise(logs)]
    edges = [2 * logs[0] - middle[0], *middle, 2 * logs[-1] - middle[-1]]
    return [math.exp(min(max(edge, math.log(TINIEST)), math.log(LARGEST))) for edge in edges]


def range_of_losses(tables: RunTables, cells: pl.DataFrame) -> tuple[float, float]:
    """Where the colours of a map end: at all but the lowest twentieth of its losses, and at the loss of the start."""
    recorded = tables.records.lazy().filter(pl.col("diagnostic") == "loss")
    known = recorded.filter(pl.col("value").is_finite(), pl.col("value") > 0)
    by_step = known.group_by("step").agg(pl.col("value").max()).collect(engine="streaming")
    first = by_step.sort("step")["value"].head(1).to_list()
    losses = sorted(cells["loss"].drop_nulls()) or [1.0]
    least, greatest = losses[len(losses) // 20], min([losses[-1], *first])
    return least, max(greatest, min(10 * least, LARGEST))


def loss_by_rate_and_width(tables: RunTables) -> Drawn | None:
    """Final loss over learning rate and width as a map for each model, with the predicted limit."""
    table = loss_map(tables)
    if table.is_empty():
        return None
    least, start = range_of_losses(tables, table)
    scale = alt.Scale(type="log", scheme="viridis", reverse=True, clamp=True, domain=[least, start])
    colour = alt.Color("loss:Q", title="final loss", scale=scale, legend=_gradient(least, start))
    widths = sorted(table["width"].unique())
    labels = [limit_label(words) for words in table.filter(pl.col("limit").is_not_null())["limit_words"].unique()]
    strokes = dict.fromkeys(sorted(labels), charts.OKABE_ITO[1])

    def panel(rows: pl.DataFrame) -> Chart:
        width = alt.X("width:O", title="width", scale=alt.Scale(domain=widths), axis=alt.Axis(labelAngle=0, grid=False))
        axis = charts.log_axis([*table["bottom"], *table["top"]], grid=False)
        domain = alt.Scale(type="log", nice=False, domain=[min(table["bottom"]), max(table["top"])])
        base = chart_of(rows).encode(x=width)
        tooltip = [
            alt.Tooltip("width:O"),
            alt.Tooltip("rate_axis:Q", title=tables.rate_title, format=".4g"),
            alt.Tooltip("loss:Q", title="final loss", format=".4g"),
            alt.Tooltip("diverged:Q", title="share diverged", format=".0%"),
            alt.Tooltip("trials:Q"),
        ]
        edges = {"y": alt.Y("bottom:Q", scale=domain, title=tables.rate_title, axis=axis), "y2": alt.Y2("top:Q")}
        empty = base.mark_rect(color=charts.EMPTY).encode(**edges, tooltip=tooltip)
        cell = base.transform_filter("isValid(datum.loss)").mark_rect().encode(**edges, color=colour, tooltip=tooltip)
        layers = [empty, cell] if rows["loss"].count() else [empty]
        if rows["diverged"].max():
            cross = base.transform_filter("datum.diverged > 0").mark_point(
                size=50, strokeWidth=1.8, stroke=charts.INK, filled=False
            )
            opacity = alt.Opacity("diverged:Q", scale=alt.Scale(domain=[0, 1], range=[0.35, 1]), legend=None)
            cross = cross.encode(y=alt.Y("rate_axis:Q", scale=domain), opacity=opacity)
            layers.append(with_legend_entry(cross, alt.Shape, "diverged", charts.CROSS))
        if rows["limit"].count():
            ends = {"x": alt.X("width:O", bandPosition=0), "x2": alt.X2("width", bandPosition=1)}
            line = chart_of(rows.select("width", "limit").unique(maintain_order=True).drop_nulls()).mark_rule(
                strokeWidth=3
            )
            line = line.encode(**ends, y=alt.Y("limit:Q", scale=domain))
            label = limit_label(rows.filter(pl.col("limit").is_not_null())["limit_words"][0])
            layers.append(with_legend_entry(line, alt.Stroke, label, strokes[label], among=strokes))
        return alt.layer(*layers)

    nothing = pl.when(pl.col("loss").is_null().all().over("panel_problem", "name"))
    name = pl.concat_str(tables.panel_model, nothing.then(pl.lit(", every trial diverged")).otherwise(pl.lit("")))
    return panels(table.with_columns(name.alias("panel")), panel)


def limit_label(words: str | None) -> str:
    """What is known of rates below a limit, for a legend; of networks, of which nothing is said, where it is from."""
    return "predicted limit" if words == Limit.EXACT.value else f"predicted limit: {words or AT_START}"


def _gradient(least: float, greatest: float) -> alt.Legend:
    ticks = [tick for tick in charts.log_ticks(least, greatest) if least <= tick <= greatest]
    labels = charts.tick_labels(ticks)
    return alt.Legend(gradientLength=260, values=ticks, labelExpr=labels, direction="horizontal")
