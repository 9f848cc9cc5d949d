"""Whatever a run has, its answer is true of it: nothing yet, all diverged, one setting, one seed."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from ended_run import answered, ended

from pipeline.models.bases.random import RandomRelu
from pipeline.models.linear import Linear
from pipeline.report.answer.answer import answer_of
from pipeline.report.answer.divergence import divergence_sentence


def with_statuses(status):
    """The answer of a run whose trials have a status of their own."""
    tables, outcomes = ended(lambda _: 0.1, rates=(0.1, 0.2))
    return answer_of(replace(tables, results=tables.results.with_columns(status.alias("status"))), outcomes)


def test_a_run_of_which_nothing_is_recorded_has_no_answer_yet():
    assert with_statuses(pl.lit("pending")).text == "Nothing has been recorded yet: 10 trials to come."


def test_what_failed_is_not_to_come():
    some = pl.when(pl.col("seed") < 3).then(pl.lit("failed")).otherwise(pl.lit("pending"))
    assert with_statuses(some).text == "Nothing has been recorded yet: 4 trials to come, 6 trials failed."


def test_what_cannot_be_read_is_not_to_come_either():
    some = pl.when(pl.col("seed") < 3).then(pl.lit("unreadable")).otherwise(pl.lit("pending"))
    assert with_statuses(some).text == "There is no answer: 4 trials to come, 6 trials cannot be read."


def test_rates_that_have_not_ended_are_not_said_to_be_too_large():
    some = pl.when(pl.col("learning_rate") > 0.1).then(pl.lit("diverged")).otherwise(pl.lit("pending"))
    said = "Every trial that has ended diverged: a learning rate of 0.2 is too large. So far 5 of 10 trials have ended."
    assert with_statuses(some).text == said


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Linear(), "nothing in training is random"),
        (Linear(RandomRelu()), "one seed does not tell how much that varies"),
    ],
)
def test_a_lone_trial_is_said_to_vary_where_something_is_random(model, said):
    assert answered(lambda _: 0.5, models=(model,), seeds=1).text.endswith(f"; {said}.")


def test_a_run_all_of_whose_trials_failed_has_none():
    assert (
        with_statuses(pl.lit("failed")).text == "Every trial failed, so that there is no answer; the reasons are below."
    )


def test_a_run_that_is_under_way_says_how_far_it_is():
    some = pl.when(pl.col("seed") < 3).then(pl.lit("done")).otherwise(pl.lit("pending"))
    assert with_statuses(some).text.endswith("So far 6 of 10 trials have ended.")


@pytest.mark.parametrize(
    ("rates", "said"),
    [((0.5,), "a learning rate of 0.5 is too large."), ((2.0, 8.0), "all learning rates from 2 to 8 are too large.")],
)
def test_a_run_all_of_whose_trials_diverged_says_so(rates, said):
    told = answered(lambda _: math.inf, rates=rates)
    assert told.text == f"Every trial diverged: {said}"
    assert told.diverged.startswith(f"{5 * len(rates)} trials diverged: ")


def test_one_setting_is_told_with_its_spread_over_seeds_and_one_seed_has_none():
    assert answered(lambda trial: 1.0 + trial.seed).text == (
        "shallow(relu) ends at a median test error of 3 over 5 seeds, the middle half 2 to 4."
    )
    assert answered(lambda _: 0.5, seeds=1).text == (
        "shallow(relu) ends at a test error of 0.5; one seed does not tell how much that varies."
    )


@pytest.mark.parametrize(
    ("diverged", "said"),
    [
        ((4,), "ends at a median test error of 3 over 5 seeds, of which 1 diverged, the middle half 2 to 4."),
        ((3, 4), "ends at a median test error of 3 over 5 seeds, of which 2 diverged, the middle half 2 to infinity."),
        ((0, 1, 3), "diverges for 3 of 5 seeds, and ends at a test error of 3 to 5 for the others."),
        ((0, 1, 2, 3), "diverges for 4 of 5 seeds, and ends at a test error of 5 for the others."),
    ],
)
def test_a_seed_that_diverged_is_not_left_out_of_the_median(diverged, said):
    told = answered(lambda trial: math.inf if trial.seed in diverged else 1.0 + trial.seed)
    assert told.text == f"shallow(relu) {said}"


def test_what_diverged_is_told_apart_from_the_answer():
    tables, outcomes = ended(lambda trial: math.inf if trial.learning_rate > 0.1 else 0.1, rates=(0.1, 0.2))
    assert answer_of(tables, outcomes).diverged == divergence_sentence(tables.results)
