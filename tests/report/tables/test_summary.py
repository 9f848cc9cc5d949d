"""The summary is of the best learning rate of each cell."""

from __future__ import annotations

import math

import polars as pl
import pytest
from synthetic_run import results_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Momentum
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.answer.best import best_rates
from pipeline.report.tables.results import criterion
from pipeline.report.tables.summary import summary

ABSOLUTE = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.5, 1.0), seeds=1)


def of(table: pl.DataFrame, **wanted: object) -> pl.DataFrame:
    return table.filter(pl.col(column) == value for column, value in wanted.items())


def test_the_best_rate_has_the_least_median_and_a_diverged_trial_counts_as_infinite(run):
    best = best_rates(run.results)
    assert best.filter(pl.col("model") != "shallow(relu)")["rate"].to_list() == [0.5] * 4
    assert of(best, model="shallow(relu)").is_empty()  # of its two scores one is NaN, so that the median is infinite


@pytest.mark.parametrize("errors, best", [({0.5: 0.2, 1.0: 0.1}, 1.0), ({0.5: 0.1, 1.0: 0.2}, 0.5), ({}, 0.5)])
def test_the_best_rate_is_the_one_of_the_least_error_and_the_lower_of_two_equal_ones(errors, best):
    table = results_of(ABSOLUTE, lambda trial: [(10, "test_error", errors.get(trial.learning_rate, 0.3))])
    assert summary(table)["best_learning_rate"].to_list() == [best]


@pytest.mark.parametrize(
    "fields, rate, limit",
    [
        ({}, 2.0, "exact"),
        ({"target": (Xor(),)}, 2.0, "the loss falls below it"),
        ({"target": (Xor(),), "optimizer": Momentum()}, None, "2.0: below it a minimum attracts, from nearby"),
        ({"batch_size": 8}, None, "2.0: mean square of batches drawn afresh"),
        ({"batch_size": 8, "optimizer": Momentum()}, None, ""),
    ],
)
def test_a_rate_is_called_stable_only_where_every_lower_one_is(fields, rate, limit):
    arguments = {"target": (AbsoluteValue(),), "learning_rates": (0.5,), "seeds": 1, **fields}
    known = 2.0 if limit else math.nan
    numbers = [(0, "largest_stable_learning_rate", known)]
    table = results_of(Experiment("?", (Linear(),), (1,), **arguments), lambda trial: numbers)
    row = summary(table).row(0, named=True)
    assert (row["stable_learning_rate"], row["limit"]) == (rate, limit)


def test_the_summary_is_what_one_computes_by_hand(run):
    table = summary(run.results)
    assert table.height == 6
    row = of(table, model="linear(legendre)", width=2).row(0, named=True)
    assert (row["trials"], row["done"], row["diverged"], row["failed"], row["pending"]) == (4, 2, 2, 0, 0)
    assert row["best_learning_rate"] == 0.5
    assert row["median_test_error"] == pytest.approx((0.1 + 0.11) / 2)
    assert row["min_test_error"] == pytest.approx(0.1)
    assert row["stable_learning_rate"] == 2.0
    assert row["verdict"] == "agrees (4 of 4 trials)"


def test_a_condition_number_says_how_far_to_trust_it(run):
    shown = {(row["model"], row["width"]): row["condition_number"] for row in summary(run.results).to_dicts()}
    assert shown["linear(legendre)", 2] == "10"
    assert shown["linear(monomial)", 4] == ">= 1e15 (float64 limit)"
    assert shown["linear(legendre)", 4] == "inf (dependent features)"
    assert shown["shallow(relu)", 2] == ""


def test_the_loss_is_the_criterion_where_there_is_no_test_error(run):
    assert criterion(run.results) == "test_error"
    assert criterion(run.results.drop("test_error")) == "loss"
    table = summary(run.results.drop("test_error"))
    assert of(table, model="linear(legendre)", width=2)["median_loss"].item() == pytest.approx((0.1**2 + 0.11**2) / 4)


def test_a_trial_that_diverged_from_a_low_error_is_not_the_best(run):
    diverged = pl.col("status") == "diverged"
    lucky = run.results.with_columns(test_error=pl.when(diverged).then(pl.lit(1e-9)).otherwise("test_error"))
    assert best_rates(lucky).equals(best_rates(run.results))
    assert summary(lucky)["min_test_error"].equals(summary(run.results)["min_test_error"])
