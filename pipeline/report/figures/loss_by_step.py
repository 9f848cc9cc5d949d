"""The figure of training curves, beside the curves that theory predicts.

Shape letters: R learning rates.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import altair as alt
import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.report.figures import charts
from pipeline.report.figures.charts import LARGEST, TINIEST, Chart, Drawn, chart_of, panels, with_legend_entry
from pipeline.report.figures.curves import rate_colour, step_axis, up_to_the_frame
from pipeline.report.tables.run_tables import DIGITS, MOST_CURVES, MOST_STEPS, RunTables, drawable, some_seeds
from pipeline.report.theory.predicted_losses import predicted_losses_of

PREDICTED = {"rate_axis": pl.Float64, "step": pl.Int64, "loss": pl.Float64}


def loss_curves(tables: RunTables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Loss during training, median over seeds, for each problem, model and learning rate at the widest width that ran.

    Returns:
        The curves, and for each curve with diverged trials the mark where it leaves. A trial
        that diverged counts as infinite from there on.
    """
    trials = tables.named.filter(pl.col("rate_axis").is_not_null())
    rates = evenly_spaced(sorted(trials["rate_axis"].unique()), MOST_CURVES)
    ran = trials.filter(pl.col("status").is_in(["done", "diverged"]), pl.col("rate_axis").is_in(rates))
    ran = ran.filter(pl.col("width") == pl.col("width").max().over("panel_problem", "name"))
    columns = ["panel_problem", "name", "width", "rate_axis"]
    axes = some_seeds(ran, columns).select("trial", *columns, "status", ended="step")
    losses = tables.records_of(axes, "loss").select("trial", "step", loss="value")
    steps = evenly_spaced(sorted(losses["step"].unique()), MOST_STEPS)
    losses = losses.filter(pl.col("step").is_in(steps))
    known = axes.join(losses, on="trial").with_columns(pl.col("loss").fill_nan(math.inf))
    gone = _after_divergence(axes, losses)
    medians = (
        pl.concat([known.filter((pl.col("status") == "done") | (pl.col("step") < pl.col("ended"))), gone])
        .group_by(*columns, "step", maintain_order=True)
        .agg(pl.col("loss").median())
        .sort(*columns, "step")
    )
    first = medians.filter(pl.col("loss").is_finite(), pl.col("step") == pl.col("step").min())
    panel = ["panel_problem", "name"]
    exponent = (pl.col("loss").max().clip(TINIEST).log10().ceil() + 2).clip(upper_bound=math.log10(LARGEST))
    ceilings = first.group_by(panel, maintain_order=True).agg(pl.lit(10.0).pow(exponent).alias("ceiling"))
    shown = medians.join(ceilings, on=panel, how="left").filter(pl.col("loss") <= pl.col("ceiling"))
    curves = shown.drop("ceiling").with_columns(drawable("loss")).drop_nulls("loss").sort(*columns, "step")
    leaves = (
        ran.filter(pl.col("status") == "diverged")
        .group_by(columns, maintain_order=True)
        .agg(pl.col("step").min(), trials=pl.len())
    )
    return curves, leaves.join(ceilings, on=panel).sort(columns)


def _after_divergence(axes: pl.DataFrame, losses: pl.DataFrame) -> pl.DataFrame:
    """Rows of infinite loss for diverged trials, at the recorded steps from their divergence on."""
    steps = losses.select(pl.col("step").unique())
    rows = axes.filter(pl.col("status") == "diverged").join(steps, how="cross")
    return rows.filter(pl.col("step") >= pl.col("ended")).with_columns(loss=pl.lit(math.inf))


def loss_by_step(tables: RunTables) -> Drawn | None:
    """Loss against step for each learning rate, one panel for each model."""
    if not any(optimizer.uses_learning_rate for optimizer in tables.plan.experiment.optimizers):
        return None
    curves, marks = loss_curves(tables)
    rate, colour = rate_colour(tables, [*curves["rate_axis"], *marks["rate_axis"]])
    curves, marks = curves.with_columns(rate), marks.with_columns(rate)
    step = step_axis(tables)

    def panel(rows: pl.DataFrame) -> Chart:
        left = marks.join(
            rows.select("panel_problem", "name").unique(maintain_order=True), on=["panel_problem", "name"], how="semi"
        )
        scale, axis = charts.log_scale([*rows["loss"], *left["ceiling"]])
        predicted = predicted_losses(tables, rows).with_columns(rate)
        theory = up_to_the_frame(predicted, "loss", "rate", *scale.domain)
        loss = functools.partial(alt.Y, title=tables.loss_title, scale=scale, axis=axis)
        cut = charts.leaves(theory["loss"], scale)
        return alt.layer(*_loss_layers(rows, theory, left, tables.rate_title, step, loss, colour, cut=cut))

    width = pl.format("{}, width {}", tables.panel_model, "width")
    return panels(curves.with_columns(width.alias("panel")), panel)


def _loss_layers(
    rows: pl.DataFrame,
    theory: pl.DataFrame,
    left: pl.DataFrame,
    rate_title: str,
    step: alt.X,
    loss: Callable[[str], alt.Y],
    colour: alt.Color,
    *,
    cut: bool,
) -> list[alt.Chart]:
    """Measured curves, pale where theory is drawn over them; theory, perhaps cut off at the frame; crosses."""
    rate = alt.Tooltip("rate:N", title=rate_title)
    tooltip = [rate, alt.Tooltip("step:Q"), alt.Tooltip("loss:Q", format=".4g")]
    line = chart_of(rows.select("step", "loss", "rate"))
    line = line.mark_line(strokeWidth=2) if theory.is_empty() else line.mark_line(strokeWidth=4, opacity=0.4)
    layers = [line.encode(x=step, y=loss("loss:Q"), color=colour, tooltip=tooltip)]
    if not theory.is_empty():
        points = theory.select("step", pl.col("loss").round_sig_figs(DIGITS).alias("theory"), "rate")
        dashed = chart_of(points).mark_line(strokeWidth=1.3, clip=cut)
        dashed = dashed.encode(x=step, y=loss("theory:Q"), color=colour)
        layers.append(with_legend_entry(dashed, alt.StrokeDash, "theory", [4, 3]))
    if not left.is_empty():
        cross = chart_of(left).mark_point(size=90, strokeWidth=2.2, filled=False, opacity=1)
        marked = [rate, alt.Tooltip("step:Q", title="diverged at step"), alt.Tooltip("trials:Q")]
        cross = cross.encode(x=step, y=loss("ceiling:Q"), color=colour, tooltip=marked)
        layers.append(with_legend_entry(cross, alt.Shape, "diverged", charts.CROSS))
    return layers


def predicted_losses(tables: RunTables, curves: pl.DataFrame) -> pl.DataFrame:
    """The loss that descent on the quadratic has at every learning rate and step of one panel's curves.

    Of networks it is the median over seeds of the linearised networks. No rows where theory says nothing exact, or
    where the data cannot be read any more.

    Args:
        tables: The run.
        curves: Rows of one problem, model and width, with ``rate_axis`` and ``step``.

    Returns:
        One row for each curve and step.
    """
    nothing = pl.DataFrame(schema=PREDICTED)
    columns = ["panel_problem", "name", "width", "rate_axis"]
    ran = tables.named.join(curves.select(columns).unique(maintain_order=True), on=columns, how="semi")
    ran = ran.filter(pl.col("learning_rate").is_not_null())
    if ran.is_empty():
        return nothing
    shape = tables.plan.trials[ran["trial"][0]].shape
    if not shape.model.linear:
        return _linearised_losses(tables, ran, curves["step"].unique())
    rates = ran.group_by("rate_axis", maintain_order=True).agg(pl.col("learning_rate").first()).sort("rate_axis")
    steps = curves["step"].unique().sort()
    losses_RH = predicted_losses_of(shape, rates["learning_rate"].to_list(), steps.to_list())
    if losses_RH is None:
        return nothing
    table = rates.select("rate_axis").join(pl.DataFrame({"step": steps}), how="cross", maintain_order="left_right")
    table = table.with_columns(loss=pl.Series(losses_RH.flatten().tolist(), dtype=pl.Float64))
    return table.filter(pl.col("loss").is_finite() & (pl.col("loss") > 0))


def _linearised_losses(tables: RunTables, ran: pl.DataFrame, steps: pl.Series) -> pl.DataFrame:
    """The median loss of the linearised networks of some trials at each learning rate and step."""
    curves = tables.linearised.curves.filter(pl.col("step").is_in(steps.implode()))
    known = ran.select("trial", "rate_axis").join(curves, on="trial", maintain_order="left")
    medians = known.group_by("rate_axis", "step").agg(pl.col("linearised_loss").median().alias("loss"))
    drawn = medians.filter(pl.col("loss").is_finite() & (pl.col("loss") > 0))
    return drawn.sort("rate_axis", "step").select(*PREDICTED)
