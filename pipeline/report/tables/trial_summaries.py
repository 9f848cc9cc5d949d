"""What the records say of each trial: the last value of each diagnostic, the step at which it settled, and more.

The records are gone through once, a few packs at a time. What those of a large pack say is kept in the folder of the
run, a row for each trial in place of some hundred records, and read from then on. It is named by the parts it was made
from, so that a pack that was trained again is gone through again; the records stay the truth.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.diagnostics.convergence import GradientNorm
from pipeline.diagnostics.prediction import ExcessLoss
from pipeline.diagnostics.sharpness import Sharpness
from pipeline.experiment.trial import Shape
from pipeline.numerics.threads import CORES, on_cores
from pipeline.optimizers.stability_limits import Limit
from pipeline.plans import Plan
from pipeline.records.store import LEAST_BYTES_ALONE, PackedRecords
from pipeline.report.theory.falling_losses import greatest_rise
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.own_code import anything_left_out
from pipeline.report.theory.proved_descent import COLUMNS as OF_PROOF
from pipeline.report.theory.proved_descent import can_be_proved, proved_descent
from pipeline.report.theory.theory_folder import kept

METHOD = "trial_summaries_1"
"""Raise the number when other numbers come out."""
MEASURED_STEPS = "measured_steps"
SETTLED_WITHIN = 0.01
"""Fraction of its last value that a criterion stays within once a trial has settled."""
MOST_AT_ONCE = 4
"""Sources that are summarised at a time: the records of a large pack take about 0.1 GiB."""
OF_LOSS = ("first_loss", "least_loss", "several_losses")
BESIDE = (*OF_PROOF, "last_step", *OF_LOSS, "first_sharpness", "gradient_before", "greatest_rise", MEASURED_STEPS)
"""Columns of a summary that are no diagnostics, with one more for each criterion."""


@dataclass(frozen=True)
class RecordSource:
    """Records that hold all of some trials.

    Args:
        records: Rows of ``RECORDS``.
        packs: Ids of the packs they are of; none if they may be of any.
        stamp: What tells the files that they are in from others, where what they say is worth keeping.
    """

    records: pl.LazyFrame
    packs: tuple[str, ...] = ()
    stamp: Sequence[tuple[str, int, int]] = ()


def source_of(packed: PackedRecords) -> RecordSource:
    """The records of a few packs, with a stamp if they are of one large pack."""
    stamp = packed.stamp()
    alone = len(packed.packs) == 1 and sum(num_bytes for _, num_bytes, _ in stamp) >= LEAST_BYTES_ALONE
    return RecordSource(packed.scan(), packed.packs, stamp if alone else ())


@dataclass(frozen=True)
class SummaryRules:
    """How records are summarised.

    Args:
        plan: Of the run.
        tolerance: Fraction of the first excess loss that steps are counted to.
        criteria: Diagnostics of which it is told when they settled.
        run: Folder of the run, where summaries are kept; ``None`` to keep none.
    """

    plan: Plan
    tolerance: float
    criteria: Sequence[str]
    run: Path | None = None

    def summaries(
        self, ended: pl.DataFrame, by_pack: pl.DataFrame, sources: Iterable[RecordSource]
    ) -> tuple[list[str], pl.DataFrame]:
        """What records say of each trial of which there are any.

        Args:
            ended: One row for every trial of the plan, in its order: ``row``, its number, ``trial``, ``pack``, the
                number of its pack, ``status`` and ``learning_rate``.
            by_pack: One row for each pack: ``pack``, its number, ``limit`` and ``step_before``, the last recorded step
                but one.
            sources: The records; each is in memory by itself, and is read once.

        Returns:
            Names of the diagnostics, those of the experiment first and in its order; and by ``row`` the last value of
            each, with the columns of ``BESIDE``, and by ``settled_by`` the step at which each criterion settled.
        """
        names = [diagnostic.name() for diagnostic in self.plan.experiment.diagnostics]
        bounds = ended.group_by("pack").agg(pl.col("row").min(), pl.len())
        rows_of = {self.plan.packs[number].id: ended.slice(row, count) for number, row, count in bounds.iter_rows()}
        of_pack = by_pack.select("pack", "limit", "step_before")

        def summary(source: RecordSource) -> pl.DataFrame:
            of_packs = [rows_of[pack] for pack in source.packs if pack in rows_of]
            rows = pl.concat([ended.clear(), *of_packs]) if source.packs else ended
            return self._kept(rows, of_pack, source, names)

        known = on_cores(summary, list(sources), most_threads=min(CORES, MOST_AT_ONCE))
        table = pl.concat(known, how="diagonal")
        beside = {"row", *BESIDE, *map(settled_by, self.criteria), *names}
        return [*names, *sorted(set(table.columns) - beside)], table

    def _kept(
        self, rows: pl.DataFrame, by_pack: pl.DataFrame, source: RecordSource, names: Sequence[str]
    ) -> pl.DataFrame:
        """The summary of a source; kept if it is of a pack that has ended. The id of the pack tells its trials."""
        summary = functools.partial(self._summary, rows, by_pack, source.records, names)
        ended = rows["status"].is_in(["done", "diverged"])
        if not source.stamp or rows.is_empty() or not ended.all():
            return summary()
        ends = hashlib.sha256((rows["status"] == "done").to_numpy().tobytes())
        ends.update(rows["learning_rate"].to_numpy().tobytes())
        content = [list(source.stamp), ends.hexdigest(), self.plan.experiment.observed(), list(self.criteria)]
        first = pl.lit(rows["row"][0], pl.UInt32)
        shape = self.plan.packs[rows["pack"][0]].shape
        of_pack = kept(
            self.run,
            METHOD,
            content,
            lambda: summary().with_columns(pl.col("row") - first),
            lambda: can_be_summarised(shape),
        )
        return of_pack.with_columns(pl.col("row") + first)

    def _summary(
        self, trials: pl.DataFrame, by_pack: pl.DataFrame, records: pl.LazyFrame, names: Sequence[str]
    ) -> pl.DataFrame:
        """What the records of some trials say of them: columns beside ``row``."""
        rows = trials.join(by_pack, on="pack", how="left", maintain_order="left")
        recorded = _numbered(rows, records)
        others = sorted(set(recorded["diagnostic"].unique()) - set(names))
        numbers, table = recorded.lazy(), rows
        for of_rows in (
            _recorded(rows, numbers, [*names, *others]),
            _near_the_ends(rows, numbers),
            _rises(rows, numbers),
        ):
            table = table.join(of_rows, on="row", how="left")
        table = table.filter(pl.col("last_step").is_not_null())
        found = [proved_descent(self.plan, table, numbers), measured_steps(numbers, self.tolerance)]
        found += [settled_steps(numbers, table, name) for name in self.criteria]
        for of_rows in found:
            table = table.join(of_rows, on="row", how="left")
        return table.select(name for name in table.columns if name == "row" or name not in rows.columns)


def can_be_summarised(shape: Shape) -> bool:
    """Whether all that a summary rests on is there: a table may be moved and come back, code of one's own be mended."""
    return not anything_left_out() and (not can_be_proved(shape) or dataset_of(shape.problem) is not None)


def settled_by(criterion: str) -> str:
    """The column of the step at which a criterion settled."""
    return f"settled by {criterion}"


def measured_steps(numbers: pl.LazyFrame, tolerance: float) -> pl.DataFrame:
    """The first recorded step of each ``row`` at which its excess loss is at most a fraction of its first.

    No earlier than the step that theory predicts; with momentum, which lets the loss rise again, perhaps much later.

    Args:
        numbers: Records by ``row``, the number of the trial.
        tolerance: The fraction.

    Returns:
        One row for each ``row`` that reached it.
    """
    goals = _each(numbers, ExcessLoss.name(), (tolerance * pl.col("value").min_by("step")).alias("goal"))
    excess = numbers.filter(pl.col("diagnostic") == ExcessLoss.name())
    reached = excess.join(goals.lazy(), on="row").filter(pl.col("value") <= pl.col("goal"))
    step = pl.col("step").min().cast(pl.Float64).alias(MEASURED_STEPS)
    return reached.group_by("row").agg(step).collect(engine="streaming")


def settled_steps(numbers: pl.LazyFrame, table: pl.DataFrame, criterion: str) -> pl.DataFrame:
    """The first recorded step of each ``row`` from which on a criterion stays within 1 % of its last value.

    Args:
        numbers: Records by ``row``, the number of the trial.
        table: One row for each trial, with the last value of each diagnostic.
        criterion: Name of a diagnostic.

    Returns:
        One row for each ``row`` whose criterion was recorded and ended finite.
    """
    if criterion not in table.columns:
        return pl.DataFrame(schema={"row": pl.UInt32, settled_by(criterion): pl.Int64})
    of_criterion = numbers.filter(pl.col("diagnostic") == criterion)
    last = table.select("row", last=criterion).filter(pl.col("last").is_finite())
    known = of_criterion.join(last.lazy(), on="row")
    value, final, step = pl.col("value"), pl.col("last"), pl.col("step")
    away = known.filter(~((value - final).abs() <= SETTLED_WITHIN * final.abs()))
    left = away.group_by("row").agg(step.max().alias("away")).collect(engine="streaming")
    there = known.join(left.lazy(), on="row", how="left").filter(step > pl.col("away").fill_null(-1))
    return there.group_by("row").agg(step.min().alias(settled_by(criterion))).collect(engine="streaming")


def _numbered(rows: pl.DataFrame, records: pl.LazyFrame) -> pl.DataFrame:
    """Records of some rows, with the row of their trial in place of its id: grouping by numbers is much faster."""
    place = pl.col("trial").cast(pl.Enum(rows["trial"]), strict=False).to_physical().cast(pl.UInt32)
    known = records.select(place.alias("row"), "step", "diagnostic", "value").filter(pl.col("row").is_not_null())
    found = known.collect(engine="streaming")
    return found.with_columns(row=rows["row"].gather(found["row"]))


def _each(numbers: pl.LazyFrame, diagnostic: str, *of_row: pl.Expr) -> pl.DataFrame:
    """Aggregates of one diagnostic for each ``row``; those that a stream allows take no memory but their results."""
    of_diagnostic = numbers.filter(pl.col("diagnostic") == diagnostic)
    return of_diagnostic.group_by("row").agg(*of_row).collect(engine="streaming")


def _near_the_ends(planned: pl.DataFrame, numbers: pl.LazyFrame) -> pl.DataFrame:
    """Of each row the sharpness at step 0, and the gradient norm at the last recorded step but one."""

    def at(step: pl.Expr, diagnostic: str, column: str) -> pl.DataFrame:
        of_diagnostic = numbers.filter(pl.col("diagnostic") == diagnostic)
        wanted = planned.lazy().select("row", step.alias("step"))
        found = of_diagnostic.join(wanted, on=["row", "step"]).select("row", pl.col("value").alias(column))
        return found.collect(engine="streaming")

    first = at(pl.lit(0, pl.Int64), Sharpness.name(), "first_sharpness")
    before = at(pl.col("step_before"), GradientNorm.name(), "gradient_before")
    return first.join(before, on="row", how="full", coalesce=True)


def _rises(planned: pl.DataFrame, numbers: pl.LazyFrame) -> pl.DataFrame:
    """The greatest rise of the loss of each row whose loss may not rise below the limit."""
    falling = planned.filter(pl.col("limit") == Limit.FALLS.value).select("row")
    losses = numbers.filter(pl.col("diagnostic") == "loss").join(falling.lazy(), on="row", how="semi")
    rise = greatest_rise(pl.col("value"), pl.col("step")).alias("greatest_rise")
    return losses.group_by("row").agg(rise).collect()


def _recorded(planned: pl.DataFrame, numbers: pl.LazyFrame, names: list[str]) -> pl.DataFrame:
    """Of each trial the last value of every diagnostic, its first, least and last loss, and its last recorded step."""
    value, step = pl.col("value"), pl.col("step")
    table = planned.select("row")
    for name in names:
        last = [value.max_by("step").alias(name), step.max().alias(f"step of {name}")]
        if name == "loss":
            last.append(value.min_by("step").alias("first_loss"))
            last.append(value.fill_nan(None).min().alias("least_loss"))
            last.append((step.max() > step.min()).alias("several_losses"))
        table = table.join(_each(numbers, name, *last), on="row", how="left")
    steps = [f"step of {name}" for name in names]
    return table.with_columns(
        *(pl.lit(None, pl.Float64).alias(column) for column in OF_LOSS[:2] if column not in table.columns),
        *([] if "several_losses" in table.columns else [pl.lit(False).alias("several_losses")]),
        pl.max_horizontal(pl.lit(None, pl.Int64), *steps).alias("last_step"),
    ).drop(steps)
