"""What the figures show, as small tables: everything is aggregated here, before anything is drawn.

Whatever would make a page large is thinned evenly, and the captions say so.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl

from pipeline.models.best_errors import best_error
from pipeline.numerics.spectra import LIMIT_OF_FLOAT64
from pipeline.plan import Plan
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem
from pipeline.records.schema import LINE, Records
from pipeline.report.figures.charts import LARGEST, TINIEST
from pipeline.report.tables.results import CELL, PROBLEM, at_best_rate, criterion, scored

MOST_CURVES = 8
MOST_STEPS = 100
MOST_CELLS_A_SIDE = 40
MOST_FITS = 4
DIGITS = 6
LEAST_BEST_ERROR = 1e-7
"""Some best errors are roots of differences of mean squares near 1: below it they are rounding."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Sources:
    """All that a figure is made from."""

    plan: Plan
    results: pl.DataFrame
    records: Records
    fits: pl.DataFrame

    @functools.cached_property
    def named(self) -> pl.DataFrame:
        """The scored results with ``panel_problem`` and ``name`` for titles and legends, and ``rate_axis``."""
        return _named(self.plan, scored(self.results))

    @functools.cached_property
    def best(self) -> pl.DataFrame:
        """The same for the trials at the best learning rate of their cell."""
        return _named(self.plan, at_best_rate(self.results))

    @property
    def relative_rates(self) -> bool:
        """Whether learning rates are given as multiples of the limit."""
        return "times_limit" in self.results.columns

    @property
    def rate_title(self) -> str:
        """What ``rate_axis`` is."""
        return "learning rate / predicted limit" if self.relative_rates else "learning rate"

    @property
    def models(self) -> list[str]:
        """Labels of the models, in the order of the experiment."""
        return [model.label() for model in self.plan.experiment.models]

    @property
    def panel_model(self) -> pl.Expr:
        """The model, and the problem where there are several."""
        several = self.named["panel_problem"].n_unique() > 1
        name = pl.col("name").cast(pl.String)
        return pl.format("{}: {}", pl.col("panel_problem").cast(pl.String), name) if several else name

    @property
    def error_title(self) -> str:
        """What the criterion is, and its unit."""
        name = criterion(self.results)
        tasks = {problem.task for problem in self.plan.experiment.problems()}
        if name == "loss":
            return self.loss_title
        if tasks == {Task.REGRESSION}:
            return "test error (root mean square)"
        return "test error" if Task.REGRESSION in tasks else "test error (share of wrong answers)"

    @property
    def loss_title(self) -> str:
        """What the training loss is, where it is the same in the whole run."""
        losses = {pack.shape.loss.name().replace("_", " ") for pack in self.plan.packs}
        return f"training loss ({losses.pop()})" if len(losses) == 1 else "training loss"


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of a sequence, evenly spaced, both ends among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(position)] for position in np.linspace(0, len(items) - 1, most)]


def panel_problem(results: pl.DataFrame) -> pl.Expr:
    """The problem in words, with those of its numbers that differ within the run."""
    parts = [pl.col("problem")]
    for column, words in (("dimension", "{} inputs"), ("train", "{} points"), ("noise", "noise {}")):
        if results[column].n_unique() > 1:
            parts.append(pl.format(words, column))
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def _named(plan: Plan, trials: pl.DataFrame) -> pl.DataFrame:
    labels = [model.label() for model in plan.experiment.models]
    table = trials.with_columns(
        panel_problem(trials).alias("panel_problem"),
        pl.col("model").cast(pl.Enum(labels)).alias("name"),
        pl.col("times_limit" if "times_limit" in trials.columns else "rate").alias("rate_axis"),
    )
    problems = table["panel_problem"].unique(maintain_order=True)
    return table.with_columns(pl.col("panel_problem").cast(pl.Enum(problems)))  # so that sorting keeps their order


def _drawable(column: str) -> pl.Expr:
    """Positive finite numbers to six digits, null for all else: what a logarithmic axis can show."""
    value = pl.col(column)
    return pl.when(value.is_finite() & (value > 0)).then(value.round_sig_figs(DIGITS)).alias(column)


def error_by_width(sources: Sources) -> pl.DataFrame:
    """Criterion at the best learning rate: median and middle half of the seeds; what theory says of it.

    Theory is the exact least-squares error on the training points, and the best error of all (``best``), where
    they are known. ``trial`` is one of each group.
    """
    theory = "least_squares_error"
    is_test_error = criterion(sources.results) == "test_error"
    known = theory in sources.best.columns and is_test_error
    table = sources.best.group_by("panel_problem", "name", "width", maintain_order=True).agg(
        pl.col("rate").first(),
        pl.col("score").count().alias("seeds"),
        pl.col("score").quantile(0.25, "lower").alias("low"),
        pl.col("score").median().alias("median"),
        pl.col("score").quantile(0.75, "higher").alias("high"),
        (pl.col(theory).median() if known else pl.lit(None, pl.Float64)).alias("theory"),
        pl.col("trial").first(),
    )
    best = [_best_error(sources.plan, trial) if is_test_error else None for trial in table["trial"]]
    table = table.with_columns(best=pl.Series(best, dtype=pl.Float64))
    table = table.filter(pl.col("median").is_finite() | pl.col("theory").is_finite())
    table = table.sort("panel_problem", "name", "width")
    return table.with_columns(pl.when(pl.col(c).is_finite()).then(c) for c in ("low", "median", "high", "theory"))


def _best_error(plan: Plan, trial: str) -> float | None:
    """The best error that a model of the width of a trial can have; ``None`` for none at all, as where it is not known.

    Rounding leaves 1e-8 of nothing.
    """
    shape = plan.trials[trial].shape
    error = best_error(shape.problem, shape.model, shape.width)
    return error if error and error > LEAST_BEST_ERROR else None


def condition_by_width(sources: Sources) -> pl.DataFrame:
    """Condition number, median over seeds at the best learning rate; cut at what float64 can tell."""
    if "condition_number" not in sources.best.columns:
        return pl.DataFrame()
    table = sources.best.group_by("panel_problem", "name", "width", maintain_order=True).agg(
        pl.col("condition_number").median().alias("value")
    )
    at_limit = pl.col("value") >= LIMIT_OF_FLOAT64
    return (
        table.filter(pl.col("value").is_not_null() & pl.col("value").is_not_nan())
        .with_columns(at_limit.alias("at_limit"), pl.min_horizontal("value", pl.lit(LIMIT_OF_FLOAT64)).alias("value"))
        .with_columns(_drawable("value"))
        .sort("panel_problem", "name", "width")
    )


def loss_by_step(sources: Sources) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Loss on the way, median over seeds, for each problem, model and learning rate at the widest width that ran.

    Returns:
        The curves, and for each curve with diverged trials the mark where it leaves. A trial
        that diverged counts as infinite from there on.
    """
    trials = sources.named.filter(pl.col("rate_axis").is_not_null())
    rates = evenly(sorted(trials["rate_axis"].unique()), MOST_CURVES)
    ran = trials.filter(pl.col("status").is_in(["done", "diverged"]), pl.col("rate_axis").is_in(rates))
    ran = ran.filter(pl.col("width") == pl.col("width").max().over("panel_problem", "name"))
    columns = ["panel_problem", "name", "width", "rate_axis"]
    recorded = sources.records.lazy().filter(pl.col("diagnostic") == "loss")
    losses = recorded.select("trial", "step", loss="value").collect()
    steps = evenly(sorted(losses["step"].unique()), MOST_STEPS)
    losses = losses.filter(pl.col("step").is_in(steps))
    axes = ran.select("trial", *columns, "status", ended="step")
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
    curves = shown.drop("ceiling").with_columns(_drawable("loss")).drop_nulls("loss").sort(*columns, "step")
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


def loss_by_rate_and_width(sources: Sources) -> pl.DataFrame:
    """Final loss for each learning rate and width, median over the trials that did not diverge.

    ``bottom`` and ``top`` are the edges of a cell on the axis of learning rates, ``diverged`` the
    share of trials that did, ``limit`` the predicted limit on the same axis, ``limit_words`` what is known below it.
    """
    trials = sources.named.filter(pl.col("rate_axis").is_not_null(), pl.col("status").is_in(["done", "diverged"]))
    rates = evenly(sorted(trials["rate_axis"].unique()), MOST_CELLS_A_SIDE)
    widths = evenly(sorted(trials["width"].unique()), MOST_CELLS_A_SIDE)
    if len(rates) < 2 or "loss" not in trials.columns:
        return pl.DataFrame()
    edges = cell_edges(rates)
    cells = pl.DataFrame({"rate_axis": rates, "bottom": edges[:-1], "top": edges[1:]})
    limit = pl.lit(None, pl.Float64)
    if "largest_stable_learning_rate" in trials.columns:
        recorded = pl.col("largest_stable_learning_rate").fill_nan(None)
        limit = (recorded / recorded if sources.relative_rates else recorded).drop_nulls().first()
    done = pl.col("status") == "done"
    return (
        trials.filter(pl.col("width").is_in(widths))
        .join(cells, on="rate_axis")
        .group_by("panel_problem", "name", "width", "rate_axis", "bottom", "top", maintain_order=True)
        .agg(
            pl.col("loss").filter(done).median(),
            (~done).mean().alias("diverged"),
            pl.len().alias("trials"),
            limit.alias("limit"),
            pl.col("limit").first().alias("limit_words"),
        )
        .with_columns(_drawable("loss"), _drawable("limit"), _drawable("bottom"), _drawable("top"))
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


def range_of_losses(sources: Sources, cells: pl.DataFrame) -> tuple[float, float]:
    """Where the colours of a map end: at all but the lowest twentieth of its losses, and at the loss of the start."""
    recorded = sources.records.lazy().filter(pl.col("diagnostic") == "loss")
    known = recorded.filter(pl.col("value").is_finite(), pl.col("value") > 0)
    by_step = known.group_by("step").agg(pl.col("value").max()).collect(engine="streaming")
    first = by_step.sort("step")["value"].head(1).to_list()
    losses = sorted(cells["loss"].drop_nulls()) or [1.0]
    least, greatest = losses[len(losses) // 20], min([losses[-1], *first])
    return least, max(greatest, min(10 * least, LARGEST))


def fitted(sources: Sources, space: str = LINE) -> pl.DataFrame:
    """What the best trial of each model has learned at a few widths, where that is drawn in some space.

    Columns: ``trial``, ``panel_problem``, ``name``, ``width``, ``x``, ``y``, ``value``.
    """
    fits = sources.fits.filter(pl.col("space") == space)
    if fits.is_empty():
        return pl.DataFrame()
    widths = evenly(sources.plan.experiment.widths, MOST_FITS)
    has_fit = sources.named.filter(pl.col("trial").is_in(fits["trial"].unique().implode()))
    chosen = (
        has_fit.filter(pl.col("width").is_in(widths), pl.col("score").is_finite())
        .sort("score", maintain_order=True)
        .group_by(CELL, maintain_order=True)
        .first()
    )
    axes = chosen.select("trial", *PROBLEM, "panel_problem", "name", "width")
    axes = axes.sort("panel_problem", "name", "width")
    fits = axes.join(fits, on="trial", maintain_order="left").filter(pl.col("value").is_finite())
    return fits.with_columns(pl.col("x", "y", "value").round_sig_figs(DIGITS))


def target_values(sources: Sources, panel: pl.DataFrame) -> pl.DataFrame:
    """The target at the points of the fits of one panel; no rows for a table, which has none."""
    problem = sources.plan.trials[panel["trial"][0]].shape.problem
    if not isinstance(problem, FunctionProblem):
        return pl.DataFrame(schema={"x": pl.Float64, "value": pl.Float64})
    x = panel["x"].unique().sort()
    values = pl.Series(problem.target(x.to_numpy()[:, None]), dtype=pl.Float64)
    return pl.DataFrame({"x": x, "value": values.round_sig_figs(DIGITS)})
