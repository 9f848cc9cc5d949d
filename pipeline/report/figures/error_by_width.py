"""The figure of the error against the width, beside exact least squares and the best possible error."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl

from pipeline.models.best_errors import best_error
from pipeline.plans import Plan
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, Drawn, chart_of, panels, with_legend_entry
from pipeline.report.tables.results import criterion
from pipeline.report.tables.run_tables import DIGITS, RunTables
from pipeline.report.theory.best_network_brackets import NONE_KNOWN
from pipeline.report.theory.yardsticks import DASHES, Yardstick, yardsticks_of

LEAST_BEST_ERROR = 1e-7
"""Some best errors are roots of differences of mean squares near 1: below it they are rounding."""
THEORIES = {
    "theory": ("theory: exact least squares", [5, 4]),
    "best": ("theory: best possible", [1.5, 3]),
    "infinite": ("theory: infinite width", [8, 2, 2, 2]),
}
"""Columns of ``error_table`` that theory fills, their labels and dashes."""
MOST_DOTS = 50
"""Seeds of a model that are drawn one by one."""


def error_table(tables: RunTables) -> pl.DataFrame:
    """Criterion at the best learning rate: median and middle half of the seeds; what theory says of it.

    Theory is the exact least-squares error on the training points, the best error of all (``best``), and of networks
    that of the limit of infinite width (``infinite``), where they are known. ``trial`` is one of each group.

    Returns:
        One row for each problem, model and width that ran.
    """
    theory = "least_squares_error"
    is_test_error = criterion(tables.results) == "test_error"
    known = theory in tables.best.columns and is_test_error
    table = tables.best.group_by("panel_problem", "name", "width", maintain_order=True).agg(
        pl.col("rate").first(),
        pl.col("score").count().alias("seeds"),
        pl.col("score").quantile(0.25, "lower").alias("low"),
        pl.col("score").median().alias("median"),
        pl.col("score").quantile(0.75, "higher").alias("high"),
        (pl.col(theory).median() if known else pl.lit(None, pl.Float64)).alias("theory"),
        pl.col("trial").first(),
    )
    best = [_best_error(tables.plan, trial) if is_test_error else None for trial in table["trial"]]
    limits = tables.infinite
    limit = {} if limits.is_empty() else dict(limits.select("trial", "infinite_error").iter_rows())
    infinite = [limit.get(trial) for trial in table["trial"]]
    table = table.with_columns(best=pl.Series(best, dtype=pl.Float64), infinite=pl.Series(infinite, dtype=pl.Float64))
    table = table.filter(pl.col("median").is_finite() | pl.col("theory").is_finite())
    table = table.sort("panel_problem", "name", "width")
    return table.with_columns(
        pl.when(pl.col(c).is_finite()).then(c) for c in ("low", "median", "high", "theory", "infinite")
    )


def _best_error(plan: Plan, trial: str) -> float | None:
    """The best error that a model of the width of a trial can have; ``None`` for none at all, as where it is not known.

    Rounding leaves 1e-8 of nothing.

    Returns:
        In units of the target.
    """
    shape = plan.trials[trial].shape
    error = best_error(shape.problem, shape.model, shape.width)
    return error if error and error > LEAST_BEST_ERROR else None


def error_by_width(tables: RunTables) -> Drawn | None:
    """Test error against width for each model, with the band of the seeds, exact least squares and the best error."""
    title, table = tables.error_title, error_table(tables)
    one_width = table["width"].n_unique() == 1
    of_rates = errors_by_rate(tables) if one_width and table["name"].n_unique() == 1 else pl.DataFrame()
    over_rates = not of_rates.is_empty() and of_rates["rate_axis"].n_unique() > 1

    def panel(rows: pl.DataFrame) -> Chart:
        known = yardsticks_beside(tables, rows)
        problem, rows = rows["panel_problem"][0], rows.drop("trial", "panel_problem")
        if over_rates:
            return alt.layer(*_over_rates(tables, of_rates.filter(of_problem(problem)), rows, known, dashes))
        of_seeds = seeds_at_best_rate(tables).filter(of_problem(problem)) if one_width else pl.DataFrame({"score": []})
        scale, axis = _error_scale(
            rows, [*of_seeds["score"], *(error for one in known for error in one.errors.values())]
        )
        if one_width:
            across = functools.partial(alt.X, scale=scale, title=title, axis=axis)
            seeds = of_seeds.select("name", "score").filter((pl.col("score") > 0) | (scale.type == "linear"))
            return alt.layer(*_at_one_width(tables, rows, seeds, known, across, dashes))
        base = chart_of(rows).encode(x=charts.width_axis(rows["width"]), color=charts.model_colour(tables.models))
        median = alt.Y("median:Q", scale=scale, title=title, axis=axis)
        shape, tooltip = charts.model_shape(tables.models), _error_tooltip(title)
        band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale, title=title), y2="high:Q")
        line = base.mark_line(strokeWidth=2).encode(y=median)
        point = base.mark_point(filled=True, size=45, opacity=1).encode(y=median, shape=shape, tooltip=tooltip)
        layers = [band, line, point] if charts.of_several_seeds(rows) else [line, point]
        for column, (label, dash) in THEORIES.items():
            if rows[column].count():
                theory = base.mark_line(strokeWidth=1.6, clip=charts.leaves(rows[column], scale))
                theory = theory.encode(y=alt.Y(f"{column}:Q", scale=scale))
                layers.append(with_legend_entry(theory, alt.StrokeDash, label, dash, among=dashes))
        for one in known:
            errors = pl.DataFrame({"width": list(one.errors), "yardstick": list(one.errors.values())})
            line = chart_of(errors.with_columns(pl.col("yardstick").round_sig_figs(DIGITS)))
            line = line.mark_line(strokeWidth=1.4, clip=charts.leaves(errors["yardstick"], scale), color=charts.INK)
            line = line.encode(x=charts.width_axis(rows["width"]), y=alt.Y("yardstick:Q", scale=scale))
            layers.append(with_legend_entry(line, alt.StrokeDash, one.name, DASHES[one.name], among=dashes))
        return alt.layer(*layers)

    dashes = {label: dash for column, (label, dash) in THEORIES.items() if table[column].count()}
    panels_of = table.partition_by("panel_problem", maintain_order=True)
    dashes |= {one.name: DASHES[one.name] for rows in panels_of for one in yardsticks_beside(tables, rows)}
    height = math.inf if over_rates else charts.height_of_rows(table)
    return panels(table.with_columns(panel=pl.col("panel_problem")), panel, height)


def of_problem(label: str) -> pl.Expr:
    """Whether a row is of the problem with a label."""
    return pl.col("panel_problem").cast(pl.String) == label


def errors_by_rate(tables: RunTables) -> pl.DataFrame:
    """Criterion at each learning rate: median and middle half of the seeds, of which a diverged one counts as infinite.

    Returns:
        One row for each problem, model, width and learning rate of which the median is finite.
    """
    trials = tables.named.filter(pl.col("score").is_not_null(), pl.col("rate_axis").is_not_null())
    score, high = pl.col("score"), pl.col("score").quantile(0.75, "higher")
    table = trials.group_by("panel_problem", "name", "width", "rate_axis", maintain_order=True).agg(
        pl.col("rate").first(),
        pl.len().alias("seeds"),
        score.quantile(0.25, "lower").alias("low"),
        score.median().alias("median"),
        pl.when(high.is_finite()).then(high).alias("high"),
    )
    return table.filter(pl.col("median").is_finite()).sort("panel_problem", "name", "width", "rate_axis")


def seeds_at_best_rate(tables: RunTables) -> pl.DataFrame:
    """Finite scores at the best learning rate, at most ``MOST_DOTS`` of each model, evenly spaced in their order."""
    cell = ["panel_problem", "name", "width"]
    stride = (pl.len().over(cell) / MOST_DOTS).ceil().cast(pl.Int64)
    finite = tables.best.filter(pl.col("score").is_finite())
    return finite.filter(pl.int_range(pl.len()).over(cell) % stride == 0).select(*cell, "score")


def _over_rates(
    tables: RunTables, rates: pl.DataFrame, rows: pl.DataFrame, known: list[Yardstick], dashes: dict[str, Any]
) -> list[alt.Chart]:
    """The errors of one model at one width by learning rate: nothing else is compared there."""
    yardsticks = [error for one in known for error in one.errors.values()]
    scale, axis = _error_scale(pl.concat([rows, rates.drop("panel_problem")], how="diagonal_relaxed"), yardsticks)
    errors = functools.partial(alt.Y, scale=scale, title=tables.error_title, axis=axis)
    across, ticks = charts.log_scale(rates["rate_axis"].to_list())
    rate = alt.X("rate_axis:Q", title=tables.rate_title, scale=across, axis=ticks)
    colour = charts.model_colour(tables.models)
    base = chart_of(rates.drop("panel_problem")).encode(x=rate, color=colour)
    band = base.mark_area(opacity=0.16).encode(y=errors("low:Q"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=errors("median:Q"))
    shape, tooltip = charts.model_shape(tables.models), _error_tooltip(tables.error_title)
    point = base.mark_point(filled=True, size=45, opacity=1).encode(y=errors("median:Q"), shape=shape, tooltip=tooltip)
    layers = [band, line, point] if charts.of_several_seeds(rates) else [line, point]
    for column, (label, dash) in THEORIES.items():
        if rows[column].count():
            theory = chart_of(rows).mark_rule(strokeWidth=1.6, clip=True).encode(y=errors(f"{column}:Q"), color=colour)
            layers.append(with_legend_entry(theory, alt.StrokeDash, label, dash, among=dashes))
    for one in known:
        rule = chart_of(pl.DataFrame({"yardstick": list(one.errors.values())}))
        rule = rule.mark_rule(strokeWidth=1.4, clip=True, color=charts.INK).encode(y=errors("yardstick:Q"))
        layers.append(with_legend_entry(rule, alt.StrokeDash, one.name, DASHES[one.name], among=dashes))
    return layers


def _at_one_width(
    tables: RunTables,
    rows: pl.DataFrame,
    seeds: pl.DataFrame,
    known: list[Yardstick],
    errors: Callable[[str], alt.X],
    dashes: dict[str, Any],
) -> list[alt.Chart]:
    """The same of one width, a row for each model: there is nothing that a line could lead to."""
    names = [name for name in tables.models if name in set(rows["name"])]
    row, shape = charts.model_row(names), charts.model_shape(tables.models)
    base = chart_of(rows).encode(y=row, color=charts.model_colour(tables.models))
    bar = base.mark_rule(strokeWidth=7, opacity=0.25).encode(x=errors("low:Q"), x2="high:Q")
    tooltip = _error_tooltip(tables.error_title)
    point = base.mark_point(filled=True, size=60, opacity=1).encode(x=errors("median:Q"), shape=shape, tooltip=tooltip)
    dots = chart_of(seeds).mark_point(filled=True, size=12, opacity=0.6, clip=True)
    dots = dots.encode(x=errors("score:Q"), y=row, color=charts.model_colour(tables.models))
    spread = [bar, dots] if charts.of_several_seeds(rows) else []
    layers = [*spread, point, charts.names_in_rows(names, rows)]
    sides = {
        "y": charts.model_row(names, charts.TOP_OF_ROW),
        "y2": alt.Y2("name", bandPosition=charts.BOTTOM_OF_ROW),
    }
    for column, (label, dash) in THEORIES.items():
        if rows[column].count():
            theory = base.mark_rule(strokeWidth=2, clip=True).encode(**sides, x=errors(f"{column}:Q"))
            layers.append(with_legend_entry(theory, alt.StrokeDash, label, dash, among=dashes))
    for one in known:
        rule = chart_of(rows.select("name").join(pl.DataFrame({"yardstick": list(one.errors.values())}), how="cross"))
        rule = rule.mark_rule(strokeWidth=1.4, clip=True, color=charts.INK).encode(**sides, x=errors("yardstick:Q"))
        layers.append(with_legend_entry(rule, alt.StrokeDash, one.name, DASHES[one.name], among=dashes))
    return layers


def yardsticks_beside(tables: RunTables, rows: pl.DataFrame) -> list[Yardstick]:
    """The yardsticks of the problem of some rows of ``error_table``."""
    if criterion(tables.results) != "test_error":
        return []
    problem = tables.plan.trials[rows["trial"][0]].shape.problem
    networks = tables.brackets.get(problem.identity, NONE_KNOWN)
    return yardsticks_of(problem, sorted(rows["width"].unique()), networks)


def _error_scale(rows: pl.DataFrame, yardsticks: list[float]) -> tuple[alt.Scale, alt.Axis]:
    """Logarithmic, unless an error is exactly zero; theory may go ten times beyond what was measured."""
    measured = pl.concat([rows["low"], rows["median"], rows["high"]]).drop_nulls().to_list()
    theory = [*pl.concat([rows[column] for column in THEORIES]).drop_nulls(), *yardsticks]
    lowest, highest = min(measured, default=0.0) / 10, 10 * max(measured, default=math.inf)
    values = [*measured, *(min(max(value, lowest), highest) for value in theory)]
    if min(values) <= 0:
        domain = [min(0.0, *values), max(values) or 1.0]
        return alt.Scale(type="linear", domain=domain, nice=True), alt.Axis(format="~g", tickCount=5)
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
