"""The figure of the phases of descent on networks over learning rate and width, in units of the first limit."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.figures.loss_by_rate_and_width import cell_edges
from pipeline.report.tables.cells import with_curve_labels
from pipeline.report.tables.critical_rates import CATAPULT, DIVERGES, FALLS, PHASES, STAYS_UP, phases
from pipeline.report.tables.run_tables import RunTables, panel_problem

COLOURS = {
    FALLS: charts.OKABE_ITO[5],
    CATAPULT: charts.OKABE_ITO[4],
    STAYS_UP: charts.OKABE_ITO[3],
    DIVERGES: charts.OKABE_ITO[1],
}
"""Of the phases."""


def phase_map(tables: RunTables) -> pl.DataFrame:
    """The most frequent phase of each network, width and multiple of the limit.

    Args:
        tables: Of the run.

    Returns:
        Columns ``panel_problem``, ``name``, ``width``, ``times_limit``, ``bottom`` and ``top``, the edges of the cell,
        ``phase``, the worse of two as frequent, ``share``, its fraction of the seeds, and ``trials``.
    """
    found = phases(tables.plan, tables.results, tables.records)
    if found.is_empty() or found["times_limit"].n_unique() < 2:
        return pl.DataFrame()
    multiples = sorted(found["times_limit"].unique())
    edges = cell_edges(multiples)
    cells = pl.DataFrame({"times_limit": multiples, "bottom": edges[:-1], "top": edges[1:]})
    named = with_curve_labels(tables.plan, found.with_columns(panel_problem(found).alias("panel_problem")))
    group = ["panel_problem", "name", "width", "times_limit"]
    counts = named.group_by([*group, pl.col("phase").cast(pl.Enum(PHASES))], maintain_order=True).agg(pl.len())
    total = pl.col("len").sum().over(group)
    ranked = counts.with_columns(share=pl.col("len") / total, trials=total).sort("len", "phase", descending=True)
    most = ranked.group_by(group, maintain_order=True).first().drop("len")
    return most.join(cells, on="times_limit").sort(group).with_columns(pl.col("phase").cast(pl.String))


def phases_by_rate_and_width(tables: RunTables) -> Drawn | None:
    """The most frequent phase over learning rate and width as a map for each network."""
    table = phase_map(tables)
    if table.is_empty():
        return None
    shown = [phase for phase in PHASES if (table["phase"] == phase).any()]
    scale = alt.Scale(domain=shown, range=[COLOURS[phase] for phase in shown])
    widths = sorted(table["width"].unique())
    several = table["panel_problem"].n_unique() > 1
    name = pl.col("name").cast(pl.String)

    def panel(rows: pl.DataFrame) -> Chart:
        axis = charts.log_axis([*table["bottom"], *table["top"]], grid=False)
        domain = alt.Scale(type="log", nice=False, domain=[min(table["bottom"]), max(table["top"])])
        tooltip = [
            alt.Tooltip("width:O"),
            alt.Tooltip("times_limit:Q", title="learning rate / limit at step 0", format=".4g"),
            alt.Tooltip("phase:N"),
            alt.Tooltip("share:Q", title="share of the seeds", format=".0%"),
            alt.Tooltip("trials:Q"),
        ]
        cell = chart_of(rows).encode(
            x=alt.X("width:O", title="width", scale=alt.Scale(domain=widths), axis=alt.Axis(labelAngle=0, grid=False)),
            y=alt.Y("bottom:Q", scale=domain, title="learning rate / limit at step 0", axis=axis),
            y2=alt.Y2("top:Q"),
            color=alt.Color("phase:N", title="the loss", scale=scale, sort=shown),
            opacity=alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.2, 1]), legend=None),
            tooltip=tooltip,
        )
        return alt.layer(cell.mark_rect())

    title = pl.format("{}: {}", "panel_problem", name) if several else name
    return panels(table.with_columns(title.alias("panel")), panel)
