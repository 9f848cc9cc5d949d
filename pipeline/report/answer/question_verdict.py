"""The verdict on the question of a run: of all claims of theory on its page the one that is about what was asked."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipeline.numerics.convergence_rates import Verdict
from pipeline.report.answer.compared_axis import Comparison
from pipeline.report.answer.observed_values import AT_THE_EDGE, EDGE, edge_of_stability
from pipeline.report.answer.rate_effects import told_phases
from pipeline.report.tables.approximation_rates import rates
from pipeline.report.tables.coordinate_check import CHANGE, coordinate_check
from pipeline.report.tables.critical_rates import NEAR, wide_rates
from pipeline.report.tables.excess_losses import predicted_and_measured
from pipeline.report.tables.network_ratios import network_ratios
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.tables.surrogate_losses import slopes, steps_to_accuracy
from pipeline.report.tables.yardstick_ratios import yardstick_ratios
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, decided, verdict_counts

OF_DESCENT = ("condition_number", "gram_condition_number", "predicted_steps", "excess_loss")
"""Diagnostics whose question is answered by curves of descent."""
SLOWER = "slower than the bound"
"""Said of errors that fall more slowly than a bound of theory: it may hold for wider models only."""
AGAINST_BOUNDS = {
    Verdict.CONSISTENT.value: AGREES,
    Verdict.STEEPER.value: AGREES,
    Verdict.SHALLOWER.value: SLOWER,
}
"""What a measured rate says of a bound."""
DESCENT = "descent"
"""What the verdict on each trial is about."""


def question_verdict(tables: RunTables, outcomes: pl.DataFrame, comparison: Comparison) -> tuple[str, str]:
    """What a verdict is about, and the verdict in words.

    Args:
        tables: Of the run.
        outcomes: How its trials ended.
        comparison: What answers the question.

    Returns:
        Of the claims that are about the comparison the first that is decided, else the verdict on all trials.
    """
    for about, verdicts, of in _claims(tables, outcomes, comparison):
        if verdicts.is_in([AGREES, CONTRADICTS]).any():
            verdict = pl.col("verdict")
            told = pl.DataFrame({"verdict": verdicts}).filter(decided(verdict) | verdict.is_in([SLOWER, NEAR]))
            return about, told.select(verdict_counts(verdict, of)).item()
    return DESCENT, tables.results.select(verdict_counts(pl.col("verdict"))).item()


def _claims(tables: RunTables, outcomes: pl.DataFrame, comparison: Comparison) -> Iterator[tuple[str, pl.Series, str]]:
    """What a claim is about, its verdicts, and what each of them is on."""
    plan, results, records = tables.plan, tables.results, tables.records
    if comparison.by == EDGE:
        above = edge_of_stability(tables)["index"] > 1 + AT_THE_EDGE
        yield "edge of stability", _words(above, CONTRADICTS, AGREES), "trial"
    if comparison.by == CHANGE:
        yield "features that wide networks learn", _column(coordinate_check(plan, results, records)), "model"
    if comparison.by in OF_DESCENT:
        yield "descent as predicted", _column(predicted_and_measured(plan, results, records, outcomes)), "curve"
    if comparison.axis == "learning_rate":
        yield "critical learning rates", _column(wide_rates(told_phases(tables))), "critical rate"
    if comparison.axis == "loss":
        wrong = steps_to_accuracy(plan, results, records)
        yield "slopes of the losses", pl.concat([_column(slopes(plan)), _column(wrong)]), "slope"
    if comparison.axis in ("model", "width") and comparison.by == "test_error":
        below = _column(network_ratios(plan, results, tables.brackets), first_word=True)
        known = _column(yardstick_ratios(plan, results, tables.brackets), first_word=True)
        yield "the best networks", pl.concat([below, known]), "curve"
        bounds = _column(rates(plan, results), "against the bound")
        yield "rates of approximation", bounds.replace(AGAINST_BOUNDS), "curve"


def _column(table: pl.DataFrame, name: str = "verdict", *, first_word: bool = False) -> pl.Series:
    column = table[name].cast(pl.String) if name in table.columns else pl.Series(name, [], pl.String)
    return (column.str.split(" ").list.first() if first_word else column).alias("verdict")


def _words(column: pl.Series, true: str, false: str) -> pl.Series:
    return pl.Series("verdict", [true if value else false for value in column], pl.String)
