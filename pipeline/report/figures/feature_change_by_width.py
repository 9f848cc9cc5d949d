"""The figure of how far training moves the hidden units, against the width, beside theory of the first step."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.errors import number_of
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels, with_legend_entry
from pipeline.report.tables.coordinate_check import CHANGE, expected_exponent
from pipeline.report.tables.run_tables import RunTables, drawable

POWER = "theory: power of the width"


def change_table(tables: RunTables) -> pl.DataFrame:
    """Relative change of the hidden units after the first recorded step and the last, at the smallest learning rate.

    ``theory`` is the power of the width that theory says of the step 1, through the median at the greatest width; null
    at other steps, and where nothing is known.

    Returns:
        One row for each problem, step, model and width: median and middle half of the seeds.
    """
    model = ["panel_problem", "name"]
    recorded = tables.records.lazy().filter(pl.col("diagnostic") == CHANGE, pl.col("step") > 0)
    rate = pl.col("learning_rate")
    trials = tables.named.filter((rate == rate.min().over(model)).fill_null(value=True))
    trials = trials.select("trial", *model, "width")
    known = trials.join(recorded.select("trial", "step", "value").collect(), on="trial", maintain_order="left")
    step = pl.col("step")
    at_an_end = (step == step.min().over(model)) | (step == step.max().over(model))
    known = known.filter(at_an_end, pl.col("value").is_finite())
    value = pl.col("value")
    table = known.group_by("step", *model, "width", maintain_order=True).agg(
        value.quantile(0.25, "lower").alias("low"),
        value.median().alias("change"),
        value.quantile(0.75, "higher").alias("high"),
        value.len().alias("seeds"),
        pl.col("trial").first(),
    )
    powers = [expected_exponent(tables.plan.trials[trial].shape) for trial in table["trial"]]
    table = table.with_columns(power=pl.Series(powers, dtype=pl.Float64)).sort("panel_problem", "step", "name", "width")
    widest = pl.col("change").last().over("step", *model), pl.col("width").last().over("step", *model)
    theory = widest[0] * (pl.col("width") / widest[1]) ** pl.col("power")
    table = table.with_columns(pl.when(step == 1).then(theory).alias("theory"))
    return table.with_columns(drawable(name) for name in ("low", "change", "high", "theory")).drop("trial", "power")


def feature_change_by_width(tables: RunTables) -> Drawn | None:
    """Relative change of the hidden units against the width, after the first recorded step and the last."""
    table = change_table(tables)
    if table["width"].n_unique() < 2:
        return None
    unit = DIAGNOSTICS[CHANGE].unit

    def panel(rows: pl.DataFrame) -> Chart:
        drawn = pl.concat([rows[name] for name in ("low", "high", "theory")])
        scale, axis = charts.log_scale(drawn.drop_nulls().to_list())
        base = chart_of(rows.drop("panel_problem", "step")).encode(
            x=charts.width_axis(rows["width"]), color=charts.model_colour(tables.models)
        )
        change = alt.Y("change:Q", scale=scale, title=unit, axis=axis)
        tooltip = [
            alt.Tooltip("name:N", title="model"),
            alt.Tooltip("width:Q"),
            alt.Tooltip("change:Q", title=unit, format=".4g"),
            alt.Tooltip("seeds:Q"),
        ]
        point = base.mark_point(filled=True, size=45, opacity=1)
        band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale, title=unit, axis=axis), y2="high:Q")
        layers = [
            *([band] if charts.of_several_seeds(rows) else []),
            base.mark_line(strokeWidth=2).encode(y=change),
            point.encode(y=change, shape=charts.model_shape(tables.models), tooltip=tooltip),
        ]
        if rows["theory"].count():
            theory = base.mark_line(strokeWidth=1.6).encode(y=alt.Y("theory:Q", scale=scale))
            layers.append(with_legend_entry(theory, alt.StrokeDash, POWER, [5, 4]))
        return alt.layer(*layers)

    steps = {step: f"after {number_of(step, 'step')}" for step in table["step"].unique()}
    after = pl.col("step").replace_strict(steps, return_dtype=pl.String)
    several = table["panel_problem"].n_unique() > 1
    title = pl.concat_str(pl.col("panel_problem").cast(pl.String), after, separator=": ") if several else after
    return panels(table.with_columns(title.alias("panel")), panel)
