"""The tables of a run that figures are made from, with the titles of their axes.

Whatever would make a page large is thinned evenly, and the captions say so.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.plans import Plan
from pipeline.problems.losses import Task
from pipeline.records.schema import Records
from pipeline.report.answer.best import at_best_rate, scored
from pipeline.report.tables.cells import cell_of, curve_labels, curve_of, relative_rates, with_curve_labels
from pipeline.report.tables.damaged_files import NO_DAMAGE, Damage
from pipeline.report.tables.results import criterion
from pipeline.report.theory.best_network_brackets import Brackets, brackets_of_plan
from pipeline.report.theory.infinite_networks import infinite_errors
from pipeline.report.theory.linearised_networks import Linearised, linearised_of_plan

MOST_CURVES = 8
MOST_STEPS = 100
MOST_STEPS_IN_A_TABLE = 6
MOST_SEEDS = 1000
"""Seeds that the median of a curve is taken over; the records of all those of a million trials fill the memory."""
DIGITS = 6


@dataclass(frozen=True)
class RunTables:
    """The results, records and fitted-function samples of a run, and the titles of axes that depend on them."""

    plan: Plan
    results: pl.DataFrame
    records: Records
    fitted_samples: pl.DataFrame
    run: Path | None = None
    """Folder of the run, where what theory needs long for is kept; ``None`` to keep nothing."""
    damage: Damage = NO_DAMAGE
    """What of the run cannot be read."""

    def recorded(self, *diagnostics: str) -> bool:
        """Whether each of some diagnostics was recorded of any trial."""
        return all(name in self.results.columns and self.results[name].count() for name in diagnostics)

    def records_of(self, trials: pl.DataFrame, *diagnostics: str) -> pl.DataFrame:
        """What was recorded of some diagnostics of some trials; other records are passed over as they are read.

        Args:
            trials: With a column ``trial``.
            diagnostics: Names.

        Returns:
            Columns ``trial``, ``step``, ``diagnostic`` and ``value``.
        """
        rows = self.records.lazy().filter(pl.col("diagnostic").is_in(diagnostics)).drop("pack", strict=False)
        # A condition is looked at as the parts are decoded: a third of the time of a join.
        return rows.filter(pl.col("trial").is_in(trials["trial"].implode())).collect(engine="streaming")

    @functools.cached_property
    def linearised(self) -> Linearised:
        """Curves of the linearised networks of its trials."""
        return linearised_of_plan(self.plan, self.results, self.run)

    @functools.cached_property
    def infinite(self) -> pl.DataFrame:
        """Cells of networks at their best learning rate, with the test error of the limit of infinite width.

        Returns:
            Columns of the cell, ``trial``, one of it, ``rate_over_limit`` and ``test_error``, medians over seeds,
            ``steps``, the last one, of the greatest width a few of the recorded ones, and what ``infinite_errors``
            says of each; no rows where no test error was recorded.
        """
        if criterion(self.results) != "test_error":
            return pl.DataFrame()
        rates = self.linearised.curves.group_by("trial").agg(pl.col("rate_over_limit").first())
        known = self.best.join(rates, on="trial", how="left", maintain_order="left")
        cells = known.group_by(cell_of(self.results), maintain_order=True).agg(
            pl.col("trial").first(), pl.col("rate_over_limit").median(), pl.col("score").median().alias("test_error")
        )
        widest = cells.select(pl.col("width") == pl.col("width").max().over(curve_of(cells))).to_series()
        pairs = zip(cells["trial"], widest, strict=True)
        steps = [self._steps_in_a_table(trial)[0 if is_widest else -1 :] for trial, is_widest in pairs]
        return infinite_errors(self.plan, cells.with_columns(steps=pl.Series(steps, dtype=pl.List(pl.Int64))), self.run)

    def _steps_in_a_table(self, trial: str) -> list[int]:
        recorded = self.plan.experiment.recorded_steps(self.plan.trials[trial].shape.steps)
        return evenly_spaced(recorded, MOST_STEPS_IN_A_TABLE)

    @functools.cached_property
    def brackets(self) -> Brackets:
        """Brackets of the best networks of its problems."""
        return brackets_of_plan(self.plan, self.run)

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
        return relative_rates(self.results)

    @property
    def rate_title(self) -> str:
        """What ``rate_axis`` is."""
        return "learning rate / predicted limit" if self.relative_rates else "learning rate"

    @property
    def models(self) -> list[str]:
        """Labels of the models, each with how it was trained where that differs, in the order of the experiment."""
        return curve_labels(self.plan)

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


def some_seeds(trials: pl.DataFrame, curve: Sequence[str]) -> pl.DataFrame:
    """At most N trials of each curve, evenly spaced in their order.

    Args:
        trials: All of them.
        curve: Columns that name the curve of a trial.

    Returns:
        All rows where no curve has more than N.
    """
    number, stride = pl.int_range(pl.len()).over(curve), (pl.len().over(curve) / MOST_SEEDS).ceil().cast(pl.Int64)
    return trials.filter(number % stride == 0)


def panel_problem(results: pl.DataFrame) -> pl.Expr:
    """The problem in words, with those of its numbers that differ within the run."""
    parts = [pl.col("problem")]
    for column, words in (("dimension", "{} inputs"), ("train", "{} points"), ("noise", "noise {}")):
        if results[column].n_unique() > 1:
            one = pl.col(column) == 1
            parts.append(
                pl.when(one).then(pl.format(words.removesuffix("s"), column)).otherwise(pl.format(words, column))
            )
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def _named(plan: Plan, trials: pl.DataFrame) -> pl.DataFrame:
    table = with_curve_labels(plan, trials).with_columns(
        panel_problem(trials).alias("panel_problem"),
        pl.col("times_limit" if relative_rates(trials) else "rate").alias("rate_axis"),
    )
    problems = table["panel_problem"].unique(maintain_order=True)
    return table.with_columns(pl.col("panel_problem").cast(pl.Enum(problems)))  # so that sorting keeps their order


def drawable(column: str) -> pl.Expr:
    """Positive finite numbers to six digits, null for all else: what a logarithmic axis can show."""
    value = pl.col(column)
    return pl.when(value.is_finite() & (value > 0)).then(value.round_sig_figs(DIGITS)).alias(column)
