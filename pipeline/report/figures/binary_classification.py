"""Figures of binary classification in the plane: decision regions, and the representation by two hidden units."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import polars as pl

from pipeline.records.schema import HIDDEN, PLANE
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels
from pipeline.report.figures.fitted_functions import fitted_functions
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.initial_modes import dataset_of

YES, NO = "#E69F00", "#0072B2"
"""As the explorer and the playground have them: great values are orange."""
MOST_POINTS = 300
"""Training points drawn over a map."""


def decision_regions(tables: RunTables) -> Drawn | None:
    """The decision regions of each model, coloured by its output over the plane, with the training points.

    Args:
        tables: Of the run.

    Returns:
        ``None`` where no function was sampled over the plane.
    """
    table = fitted_functions(tables, PLANE)
    if table.is_empty():
        return None
    scale = alt.Scale(domain=[-1, 0, 1], range=[NO, "#FFFFFF", YES], clamp=True, interpolate="rgb")
    colour = alt.Color("side:Q", scale=scale, legend=None)

    def panel(rows: pl.DataFrame) -> Chart:
        x, y = _cells(rows, "x"), _cells(rows, "y")
        deep = rows["value"].abs().quantile(0.9) or 1.0
        cells = rows.select(*x.edges, *y.edges, (pl.col("value") / deep).round(2).alias("side"))
        across, up = (alt.Scale(domain=side.domain, nice=False) for side in (x, y))
        horizontal = alt.X("x0:Q", title="x₁", scale=across, axis=alt.Axis(grid=False))
        vertical = alt.Y("y0:Q", title="x₂", scale=up, axis=alt.Axis(grid=False))
        rect = chart_of(cells).mark_rect(clip=True)
        rect = rect.encode(x=horizontal, x2="x1", y=vertical, y2="y1", color=colour)
        points = _training_points(tables, rows["trial"][0])
        return alt.layer(rect, *([] if points.is_empty() else [_dots(points, x="x:Q", y="y:Q")]))

    return panels(table.with_columns(_title(tables)), panel)


def hidden_representation(tables: RunTables) -> Drawn | None:
    """The training points in the coordinates of two hidden units."""
    table = fitted_functions(tables, HIDDEN)
    if table.is_empty():
        return None

    def panel(rows: pl.DataFrame) -> Chart:
        points = rows.select("x", "y", label=pl.col("value"))
        return alt.layer(
            _dots(points, x=alt.X("x:Q", title="first hidden unit"), y=alt.Y("y:Q", title="second hidden unit"))
        )

    return panels(table.with_columns(_title(tables)), panel)


def _title(tables: RunTables) -> pl.Expr:
    return pl.format("{}, width {}", tables.panel_model, "width").alias("panel")


def _dots(points: pl.DataFrame, x: alt.X | str, y: alt.Y | str) -> alt.Chart:
    """Points, dark for yes and white for no, with a rim that shows on any ground."""
    fill = alt.Fill("answer:N", scale=alt.Scale(domain=["yes", "no"], range=[charts.INK, "#FFFFFF"]), legend=None)
    spelled = points.with_columns(
        pl.when(pl.col("label") > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("answer")
    )
    marks = chart_of(spelled).mark_point(size=28, opacity=1, strokeWidth=0.8, stroke=charts.INK, filled=True)
    return marks.encode(x=x, y=y, fill=fill, tooltip=["answer:N", "x:Q", "y:Q"])


@dataclass(frozen=True)
class _Cells:
    """The cells of a map along one axis: from where to where the map goes, and both edges of each."""

    domain: list[float]
    edges: list[pl.Expr]


def _cells(rows: pl.DataFrame, column: str) -> _Cells:
    places = rows[column].unique().sort()
    step = (places[-1] - places[0]) / (len(places) - 1)
    edges = [(pl.col(column) + half * step).round(4).alias(f"{column}{end}") for end, half in ((0, -0.5), (1, 0.5))]
    return _Cells([places[0] - step / 2, places[-1] + step / 2], edges)


def _training_points(tables: RunTables, trial: str) -> pl.DataFrame:
    """Training points of a trial and their labels; none where the data cannot be read any more."""
    dataset = dataset_of(tables.plan.trials[trial].shape.problem)
    if dataset is None or dataset.train_inputs_PD.shape[1] != 2:
        return pl.DataFrame()
    inputs_PD, targets_P = dataset.train_inputs_PD[:MOST_POINTS].numpy(), dataset.train_targets_PK[:MOST_POINTS, 0]
    return pl.DataFrame({"x": inputs_PD[:, 0], "y": inputs_PD[:, 1], "label": targets_P.numpy()})
