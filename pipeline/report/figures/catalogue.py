"""The figures of a report: small Altair charts of aggregated numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import altair as alt
import polars as pl

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.numerics.spectra import LIMIT_OF_FLOAT64
from pipeline.optimizers.stability_limits import Limit
from pipeline.report.figures import charts
from pipeline.report.figures.binary_classification import answers, hidden_space
from pipeline.report.figures.charts import Chart, chart_of, panels
from pipeline.report.figures.curves import rate_colour, step_axis
from pipeline.report.figures.figure import Figure, FigureSpec
from pipeline.report.figures.stability_by_step import stability_by_step
from pipeline.report.figures.steps_by_condition import steps_by_condition
from pipeline.report.figures.weights_by_step import weights_by_step
from pipeline.report.tables import run_tables
from pipeline.report.tables.error_decomposition import error_parts_by_width
from pipeline.report.tables.results import criterion
from pipeline.report.tables.run_tables import Sources
from pipeline.report.theory.predicted_losses import predicted_losses
from pipeline.report.theory.yardsticks import DASHES, Yardstick, yardsticks_of

Key = TypeVar("Key", alt.StrokeDash, alt.Shape, alt.Stroke)


THEORIES = {
    "theory": ("theory: exact least squares", [5, 4]),
    "best": ("theory: best possible", [1.5, 3]),
}
"""Columns of ``run_tables.error_by_width`` that theory fills, their labels and dashes."""


def error_by_width(sources: Sources) -> Chart | None:
    """Test error against width for each model, with the band of the seeds, exact least squares and the best error."""
    title = sources.error_title

    def panel(rows: pl.DataFrame) -> Chart:
        known = drawn_beside(sources, rows)
        rows = rows.drop("trial")
        scale, axis = _error_scale(rows, [error for one in known for error in one.errors.values()])
        base = chart_of(rows).encode(x=charts.width_axis(rows["width"]), color=charts.model_colour(sources.models))
        median = alt.Y("median:Q", scale=scale, title=title, axis=axis)
        shape, tooltip = charts.model_shape(sources.models), _error_tooltip(title)
        band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale, title=title), y2="high:Q")
        line = base.mark_line(strokeWidth=2).encode(y=median)
        point = base.mark_point(filled=True, size=45, opacity=1).encode(y=median, shape=shape, tooltip=tooltip)
        layers = [band, line, point]
        for column, (label, dash) in THEORIES.items():
            if rows[column].count():
                theory = base.mark_line(strokeWidth=1.6, clip=True).encode(y=alt.Y(f"{column}:Q", scale=scale))
                layers.append(keyed(theory, alt.StrokeDash, label, dash, among=dashes))
        for one in known:
            errors = pl.DataFrame({"width": list(one.errors), "yardstick": list(one.errors.values())})
            line = chart_of(errors.with_columns(pl.col("yardstick").round_sig_figs(run_tables.DIGITS)))
            line = line.mark_line(strokeWidth=1.4, clip=True, color=charts.INK)
            line = line.encode(x=charts.width_axis(rows["width"]), y=alt.Y("yardstick:Q", scale=scale))
            layers.append(keyed(line, alt.StrokeDash, one.name, DASHES[one.name], among=dashes))
        return alt.layer(*layers)

    table = run_tables.error_by_width(sources)
    dashes = {label: dash for column, (label, dash) in THEORIES.items() if table[column].count()}
    panels_of = table.partition_by("panel_problem", maintain_order=True)
    dashes |= {one.name: DASHES[one.name] for rows in panels_of for one in drawn_beside(sources, rows)}
    return panels(table.rename({"panel_problem": "panel"}), panel)


def drawn_beside(sources: Sources, rows: pl.DataFrame) -> list[Yardstick]:
    """The yardsticks of the problem of some rows of ``run_tables.error_by_width``."""
    if criterion(sources.results) != "test_error":
        return []
    return yardsticks_of(sources.plan.trials[rows["trial"][0]].shape.problem, sorted(rows["width"].unique()))


def _error_scale(rows: pl.DataFrame, yardsticks: list[float]) -> tuple[alt.Scale, alt.Axis]:
    """Logarithmic, unless an error is exactly zero; theory may go ten times beyond what was measured."""
    measured = pl.concat([rows["low"], rows["median"], rows["high"]]).drop_nulls().to_list()
    theory = [*pl.concat([rows[column] for column in THEORIES]).drop_nulls(), *yardsticks]
    lowest, highest = min(measured, default=0.0) / 10, 10 * max(measured, default=math.inf)
    values = [*measured, *(min(max(value, lowest), highest) for value in theory)]
    if min(values) <= 0:
        return alt.Scale(type="linear", nice=True), alt.Axis(format="~g", tickCount=5)
    return charts.log_scale(values)


def _error_tooltip(unit: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("name:N", title="model"),
        alt.Tooltip("width:Q"),
        alt.Tooltip("median:Q", title=unit, format=".4g"),
        alt.Tooltip("low:Q", title="from", format=".4g"),
        alt.Tooltip("high:Q", title="to", format=".4g"),
        alt.Tooltip("rate:Q", title="learning rate", format=".4g"),
        alt.Tooltip("seeds:Q"),
    ]


def loss_by_step(sources: Sources) -> Chart | None:
    """Loss against step for each learning rate, one panel for each model."""
    if not sources.plan.experiment.optimizer.uses_learning_rate:
        return None
    curves, marks = run_tables.loss_by_step(sources)
    rate, colour = rate_colour(sources, [*curves["rate_axis"], *marks["rate_axis"]])
    curves, marks = curves.with_columns(rate), marks.with_columns(rate)
    step = step_axis(sources)

    def panel(rows: pl.DataFrame) -> Chart:
        left = marks.join(
            rows.select("panel_problem", "name").unique(maintain_order=True), on=["panel_problem", "name"], how="semi"
        )
        theory = predicted_losses(sources, rows).with_columns(rate)
        scale, axis = charts.log_scale([*rows["loss"], *left["ceiling"]])
        loss = functools.partial(alt.Y, title=sources.loss_title, scale=scale, axis=axis)
        return alt.layer(*_loss_layers(rows, theory, left, sources.rate_title, step, loss, colour))

    width = pl.format("{}, width {}", sources.panel_model, "width")
    return panels(curves.with_columns(width.alias("panel")), panel)


def _loss_layers(
    rows: pl.DataFrame,
    theory: pl.DataFrame,
    left: pl.DataFrame,
    rate_title: str,
    step: alt.X,
    loss: Callable[[str], alt.Y],
    colour: alt.Color,
) -> list[alt.Chart]:
    """Measured curves, pale where theory is drawn over them; theory, cut off at the frame; crosses of divergence."""
    rate = alt.Tooltip("rate:N", title=rate_title)
    tooltip = [rate, alt.Tooltip("step:Q"), alt.Tooltip("loss:Q", format=".4g")]
    line = chart_of(rows.select("step", "loss", "rate"))
    line = line.mark_line(strokeWidth=2) if theory.is_empty() else line.mark_line(strokeWidth=4, opacity=0.4)
    layers = [line.encode(x=step, y=loss("loss:Q"), color=colour, tooltip=tooltip)]
    if not theory.is_empty():
        points = theory.select("step", pl.col("loss").round_sig_figs(run_tables.DIGITS).alias("theory"), "rate")
        dashed = chart_of(points).mark_line(strokeWidth=1.3, clip=True)
        dashed = dashed.encode(x=step, y=loss("theory:Q"), color=colour)
        layers.append(keyed(dashed, alt.StrokeDash, "theory", [4, 3]))
    if not left.is_empty():
        cross = chart_of(left).mark_point(size=90, strokeWidth=2.2, filled=False, opacity=1)
        said = [rate, alt.Tooltip("step:Q", title="diverged at step"), alt.Tooltip("trials:Q")]
        cross = cross.encode(x=step, y=loss("ceiling:Q"), color=colour, tooltip=said)
        layers.append(keyed(cross, alt.Shape, "diverged", charts.CROSS))
    return layers


def loss_by_rate_and_width(sources: Sources) -> Chart | None:
    """Final loss over learning rate and width as a map for each model, with the predicted limit."""
    table = run_tables.loss_by_rate_and_width(sources)
    if table.is_empty():
        return None
    least, start = run_tables.range_of_losses(sources, table)
    scale = alt.Scale(type="log", scheme="viridis", reverse=True, clamp=True, domain=[least, start])
    colour = alt.Color("loss:Q", title="final loss", scale=scale, legend=_gradient(least, start))
    widths = sorted(table["width"].unique())

    def panel(rows: pl.DataFrame) -> Chart:
        width = alt.X("width:O", title="width", scale=alt.Scale(domain=widths), axis=alt.Axis(labelAngle=0, grid=False))
        axis = charts.log_axis([*table["bottom"], *table["top"]], grid=False)
        domain = alt.Scale(type="log", nice=False, domain=[min(table["bottom"]), max(table["top"])])
        base = chart_of(rows).encode(x=width)
        tooltip = [
            alt.Tooltip("width:O"),
            alt.Tooltip("rate_axis:Q", title=sources.rate_title, format=".4g"),
            alt.Tooltip("loss:Q", title="final loss", format=".4g"),
            alt.Tooltip("diverged:Q", title="share diverged", format=".0%"),
            alt.Tooltip("trials:Q"),
        ]
        edges = {"y": alt.Y("bottom:Q", scale=domain, title=sources.rate_title, axis=axis), "y2": alt.Y2("top:Q")}
        empty = base.mark_rect(color=charts.EMPTY).encode(**edges, tooltip=tooltip)
        cell = base.transform_filter("isValid(datum.loss)").mark_rect().encode(**edges, color=colour, tooltip=tooltip)
        layers = [empty, cell]
        if rows["diverged"].max():
            cross = base.transform_filter("datum.diverged > 0").mark_point(
                size=50, strokeWidth=1.8, stroke=charts.INK, filled=False
            )
            share = alt.Opacity("diverged:Q", scale=alt.Scale(domain=[0, 1], range=[0.35, 1]), legend=None)
            cross = cross.encode(y=alt.Y("rate_axis:Q", scale=domain), opacity=share)
            layers.append(keyed(cross, alt.Shape, "diverged", charts.CROSS))
        if rows["limit"].count():
            ends = {"x": alt.X("width:O", bandPosition=0), "x2": alt.X2("width", bandPosition=1)}
            line = chart_of(rows.select("width", "limit").unique(maintain_order=True).drop_nulls()).mark_rule(
                strokeWidth=3
            )
            line = line.encode(**ends, y=alt.Y("limit:Q", scale=domain))
            words = str(rows["limit_words"].drop_nulls().first())
            name = "predicted limit" if words == Limit.EXACT.value else f"predicted limit: {words}"
            layers.append(keyed(line, alt.Stroke, name, charts.OKABE_ITO[1]))
        return alt.layer(*layers)

    return panels(table.with_columns(sources.panel_model.alias("panel")), panel)


def _gradient(least: float, greatest: float) -> alt.Legend:
    ticks = [tick for tick in charts.log_ticks(least, greatest) if least <= tick <= greatest]
    labels = charts.tick_labels(ticks)
    return alt.Legend(gradientLength=260, values=ticks, labelExpr=labels, direction="horizontal")


def fitted(sources: Sources) -> Chart | None:
    """The best fitted functions over the target, at a few widths."""
    table = run_tables.fitted(sources)
    if table.is_empty():
        return None
    widths = sorted(table["width"].unique())
    scale = alt.Scale(domain=widths, range=charts.ramp(len(widths)))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3)
    colour = alt.Color("width:O", title="width", scale=scale, legend=legend)

    def panel(rows: pl.DataFrame) -> Chart:
        target = run_tables.target_values(sources, rows)
        values = (rows if target.is_empty() else target)["value"].to_list()
        low, high = min(values), max(values)
        margin = 0.3 * (high - low) or 1.0
        domain = alt.Scale(domain=[low - margin, high + margin], nice=False)
        x, y = alt.X("x:Q", title="x", axis=alt.Axis(grid=False)), alt.Y("value:Q", title="f(x)", scale=domain)
        line = chart_of(rows.select("x", "value", "width")).mark_line(strokeWidth=1.6, clip=True)
        line = line.encode(x=x, y=y, color=colour, tooltip=["width:O", "x:Q", "value:Q"])
        if target.is_empty():
            return alt.layer(line)
        under = chart_of(target).mark_line(strokeWidth=5, clip=True).encode(x=x, y=y)
        return alt.layer(keyed(under, alt.Stroke, "target", charts.UNDER), line)

    return panels(table.with_columns(sources.panel_model.alias("panel")), panel)


def condition_by_width(sources: Sources) -> Chart | None:
    """Condition number against width for each model, up to what float64 can tell."""
    table = run_tables.condition_by_width(sources)
    if table.is_empty():
        return None
    reaches = table["at_limit"].any()

    def panel(rows: pl.DataFrame) -> Chart:
        limits = [LIMIT_OF_FLOAT64] if reaches else []
        scale, axis = charts.log_scale([*rows["value"].drop_nulls(), *limits])
        value = alt.Y("value:Q", scale=scale, title=DIAGNOSTICS["condition_number"].unit, axis=axis)
        base = chart_of(rows).encode(
            x=charts.width_axis(rows["width"]), y=value, color=charts.model_colour(sources.models)
        )
        tooltip = [alt.Tooltip("name:N", title="model"), alt.Tooltip("width:Q"), alt.Tooltip("value:Q", format=".4g")]
        shape = charts.model_shape(sources.models)
        point = base.mark_point(filled=True, size=45, opacity=1).encode(shape=shape, tooltip=tooltip)
        layers = [base.mark_line(strokeWidth=2), point]
        if reaches:
            limit = chart_of(pl.DataFrame({"value": [LIMIT_OF_FLOAT64], "text": ["float64 limit"]}))
            rule = limit.mark_rule(color=charts.MUTED, strokeDash=[2, 3]).encode(y=value)
            words = limit.mark_text(align="left", dy=-7, dx=4, color=charts.MUTED, fontSize=11)
            layers += [rule, words.encode(x=alt.value(0), y=value, text="text:N")]
        return alt.layer(*layers)

    return panels(table.rename({"panel_problem": "panel"}), panel)


def keyed(
    chart: alt.Chart, channel: type[Key], label: str, value: Any, *, among: dict[str, Any] | None = None
) -> alt.Chart:
    """The chart with one more channel that is the same everywhere and has an entry in a legend of its own.

    Layers that share a channel share its scale, so each must name the labels and values of all, in ``among``.
    """
    entries = among or {label: value}
    scale, legend = alt.Scale(domain=list(entries), range=list(entries.values())), alt.Legend(title=None)
    return chart.transform_calculate(key=f"'{label}'").encode(channel("key:N", scale=scale, legend=legend))


FIGURES: tuple[Figure, ...] = (
    Figure(
        "error_by_width",
        "Error against width",
        "Each point is the median over seeds at the learning rate that is best for its model and width; "
        "the band holds the middle half of the seeds, all of them where there are fewer than five. Dashed: exact least "
        "squares on the same points. Dotted: the best that the functions of a basis, or any network of that width, can "
        "do with infinitely many points, where it is known exactly. Black (white on a dark page), where there are any: "
        "yardsticks, other approximations of as many terms, whose errors are known exactly.",
        error_by_width,
    ),
    Figure(
        "error_parts_by_width",
        "Where the error comes from",
        "Shares of the squared test error of the trial with the median error; above each bar the error itself. "
        "Approximation: no weights do better with these features, or, where the best model of the width is known, no "
        "features either. Sampling: least squares on finitely many points. Optimisation: what training did not reach. "
        "Rounding: the digits of the dtype. Quadrature: by how much the integral may be off. A part that lowers the "
        "error is left out here.",
        error_parts_by_width,
    ),
    Figure(
        "loss_by_step",
        "Loss on the way",
        "Median over seeds, at the greatest width that ran, for at most eight learning rates; a cross marks the step "
        "at which the first trial of a learning rate diverged. Dashed: theory, for descent on a quadratic loss.",
        loss_by_step,
    ),
    Figure(
        "stability_by_step",
        "Curvature against the learning rate on the way",
        "Median over seeds, at the greatest width that ran: the learning rate over the largest that would be stable "
        "with the present largest eigenvalue of the Hessian. Descent on a network drives it up to 1, where it stays "
        "while the loss goes on falling, no longer at every step.",
        stability_by_step,
    ),
    Figure(
        "weights_by_step",
        "Gradient and weights on the way",
        "Median over seeds, at the greatest width that ran. The gradient vanishes wherever descent converges in loss; "
        "the weights come to rest only if the loss has a minimum. On points that can be told apart, cross-entropy has "
        "none: the weights grow for ever, ever more slowly.",
        weights_by_step,
    ),
    Figure(
        "loss_by_rate_and_width",
        "Final loss over learning rate and width",
        "Bright is a low loss, the brightest also what is lower. A cross stands where trials diverged (faint where "
        "only some did), a grey cell where all did. The line is the largest stable learning rate that theory predicts, "
        "where it lies in the range.",
        loss_by_rate_and_width,
    ),
    Figure(
        "fitted",
        "What was learned",
        "The function of the best trial of each model at a few widths, over the target if that is "
        "a function; what leaves the frame is cut off.",
        fitted,
    ),
    Figure(
        "answers",
        "What was learned, over the plane",
        "Where the best trial of each model and width answers yes (blue) and no (orange), the deeper the further its "
        "output lies from the threshold between them. Dots are training points: dark ones are to be answered with yes, "
        "white ones with no.",
        answers,
    ),
    Figure(
        "hidden_space",
        "The space of the hidden units",
        "Where the two hidden units of the best trial put the training points, dark ones to be answered with yes, "
        "white ones with no. The output layer draws a straight line here: where it can part the two, the network has "
        "found features in which the question is linear.",
        hidden_space,
    ),
    Figure(
        "condition_by_width",
        "Condition number against width",
        "The square of this number sets the pace of descent; from 1e15 on float64 tells no more than that.",
        condition_by_width,
    ),
    Figure(
        "steps_by_condition",
        "What the condition number costs",
        "Steps after which all but a fraction of the excess loss is gone (a thousandth, unless the configuration says "
        "otherwise), at the best learning rate. Rings and dashes: predicted before training, from the singular values "
        "and the targets. Filled: the first recorded step at which it was; none where training ended before.",
        steps_by_condition,
    ),
)


def draw(sources: Sources) -> list[FigureSpec]:
    """Every figure that the run has something to show in."""
    specs = []
    for figure in FIGURES:
        chart = figure.draw(sources)
        if chart is not None:
            specs.append(FigureSpec(figure, chart.to_dict() | {"description": f"{figure.title}. {figure.caption}"}))
    return specs
