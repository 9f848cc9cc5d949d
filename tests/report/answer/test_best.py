"""Best is what a person means by best, and what seeds do not tell apart is a tie."""

from __future__ import annotations

import itertools
import math

import polars as pl
import pytest
import scipy.stats
from synthetic_run import results_of

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.answer.best import (
    CHANCE,
    FEW,
    ROUNDING,
    at_best_rate,
    best_models,
    best_rates,
    best_widths,
    tells_apart,
    with_standings,
)

RELU, TANH = Shallow(), Shallow(Tanh())


def table(errors, models=(RELU,), widths=(2,), rates=(0.1,), settles=lambda trial: 10, **fields):
    """Results of trials that end with ``errors(trial)``, and stay near it from ``settles(trial)`` on."""
    axes = {"target": (AbsoluteValue(),), "seeds": 5, "inputs": Inputs(seed="trial")} | fields
    asked = Experiment("?", models, widths, learning_rates=rates, **axes)

    def recorded(trial):
        last = errors(trial)
        return [(0, "test_error", last + 1), (settles(trial), "test_error", last), (2000, "test_error", last)]

    return results_of(asked, recorded)


def test_the_model_that_more_seeds_solve_is_better_whatever_its_place_and_its_median():
    """ReLU solves 12 of 20 seeds, tanh all: both have a median of 0."""

    def error(trial):
        return 0.5 if trial.shape.model == RELU and trial.seed >= 12 else 0.0

    found = table(error, (RELU, TANH), (2, 3), target=(Xor(),), inputs=Inputs(), seeds=20)
    best = best_models(found).row(0, named=True)
    assert (best["model"], best["width"], best["solved"], best["seeds"]) == ("shallow(tanh)", 2, 1.0, 20)
    assert best_models(found).select("model", "tied").rows() == [("shallow(tanh)", True), ("shallow(relu)", False)]


def test_repetitions_have_one_rate_though_each_has_a_limit_of_its_own():
    found = table(
        lambda trial: trial.learning_rate.times_limit, rates=TimesLimits((0.5, 1.0)), models=(Linear(),), seeds=1
    )
    found = pl.concat([found.with_columns(learning_rate=pl.col("times_limit") * limit) for limit in (1.0, 2.0, 4.0)])
    assert best_rates(found).select("rate", "score").row(0) == (1.0, 0.5)
    assert at_best_rate(found).height == 3


def test_points_drawn_several_times_are_compared_among_themselves():
    """The line is worse on each sample of points, though not than every network."""
    inputs = Inputs(seed=(0, 1, 2), train=(16,), test=8)

    def error(trial):
        return (1 + trial.shape.problem.seed) * (1 if trial.shape.model == RELU else 1.5)

    found = table(error, (RELU, Linear()), inputs=inputs, seeds=2)
    assert found.group_by("model", maintain_order=True).len().rows() == [("shallow(relu)", 6), ("linear(legendre)", 3)]
    assert best_models(found).select("model", "tied").rows() == [("shallow(relu)", True), ("linear(legendre)", False)]


def test_shares_decide_only_where_some_trial_solves_the_problem():
    assert best_models(table(lambda trial: 0.25 + trial.seed / 8, target=(Xor(),), inputs=Inputs()))[
        "solved"
    ].to_list() == [None]


@pytest.mark.parametrize(("difference", "rate"), [(1e-8, 0.4), (0.0009, 0.4), (0.0011, 0.1)])
def test_of_rates_whose_errors_are_equal_the_one_that_settles_first_is_best(difference, rate):
    found = table(
        lambda trial: 0.04 * (1 + difference * (trial.learning_rate > 0.1)),
        (Linear(),),
        rates=(0.1, 0.2, 0.4),
        settles=lambda trial: int(100 / trial.learning_rate),
        dtype="float64",
        seeds=1,
    )
    assert best_rates(found)["rate"].to_list() == [rate]


def test_how_soon_a_setting_settles_is_the_median_of_its_seeds():
    """At the lower rate four seeds settle at once, and one settles late."""
    found = table(
        lambda trial: 0.04,
        rates=(0.1, 0.2),
        settles=lambda trial: 20 if trial.learning_rate > 0.1 else 1000 if trial.seed == 0 else 10,
    )
    assert best_rates(found)["rate"].to_list() == [0.1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_errors_that_are_rounding_are_equal_and_the_narrower_of_two_widths_is_best(dtype):
    found = table(lambda trial: ROUNDING[dtype] / trial.shape.width**2, (Linear(),), (2, 4, 8), dtype=dtype)
    assert best_widths(found).filter("best")["width"].to_list() == [2]
    above = table(lambda trial: 100 * ROUNDING[dtype] / trial.shape.width**2, (Linear(),), (2, 4, 8), dtype=dtype)
    assert best_widths(above).filter("best")["width"].to_list() == [8]


def test_of_errors_that_differ_the_lowest_median_is_best_though_another_settles_sooner():
    found = table(lambda trial: 1 / trial.shape.width, widths=(2, 4), settles=lambda trial: trial.shape.width)
    assert best_widths(found).filter("best")["width"].to_list() == [4]


@pytest.mark.parametrize(("worse_on", "tied"), [((0, 1, 2, 3, 4), False), ((0, 1, 2, 3), True), ((0, 2, 4), True)])
def test_five_seeds_tell_two_models_apart_only_if_all_agree(worse_on, tied):
    """The median of one model lies within the band of the other, so that the seeds decide."""

    def error(trial):
        spread = 1 + trial.seed
        return spread if trial.shape.model == RELU else spread * (1.1 if trial.seed in worse_on else 0.9)

    found = dict(best_models(table(error, (RELU, TANH))).select("model", "tied").iter_rows())
    assert found["shallow(tanh)"] is tied


def test_a_median_above_the_band_of_the_best_is_no_tie_although_some_seeds_do_better():
    found = table(lambda trial: 1.0 if trial.shape.model == RELU else (9.0 if trial.seed < 4 else 0.5), (RELU, TANH))
    assert best_models(found)["tied"].to_list() == [True, False]


def test_the_sign_test_is_the_tail_of_a_binomial_law():
    for worse, better in itertools.product(range(12), repeat=2):
        if worse + better >= FEW:
            tail = scipy.stats.binomtest(worse, worse + better, alternative="greater").pvalue
            assert tells_apart(worse, better, worse + better) == (tail <= CHANCE), (worse, better)


@pytest.mark.parametrize("seeds", [1000, 50_000, 2_000_000])
def test_the_sign_test_of_many_seeds_goes_by_their_normal_law(seeds):
    least = seeds / 2 + 1.6449 * math.sqrt(seeds) / 2  # the quantile of 95 %
    assert tells_apart(math.ceil(least) + 2, seeds - math.ceil(least) - 2, seeds)
    assert not tells_apart(math.floor(least) - 2, seeds - math.floor(least) + 2, seeds)
    assert tells_apart(seeds, 0, seeds)


@pytest.mark.parametrize("seeds", range(1, FEW))
def test_fewer_than_five_seeds_must_all_agree(seeds):
    assert tells_apart(seeds, 0, seeds)
    assert not tells_apart(seeds - 1, 0, seeds)


def test_seeds_that_are_equal_do_not_count():
    assert not tells_apart(4, 0, 20)
    assert tells_apart(5, 0, 20)


def test_one_trial_is_held_against_every_seed_of_the_other():
    """A linear model ignores its seed, so that one trial of it is all there is."""
    several = table(lambda trial: 1 + trial.seed / 10, (RELU,))
    for alone, tied in ((0.9, False), (1.15, True)):
        one = table(lambda _, alone=alone: alone, (Linear(),), seeds=1)
        found = best_models(pl.concat([several, one], how="diagonal_relaxed"))
        assert found.filter(~pl.col("best"))["tied"].to_list() == [tied]


def test_a_setting_that_mostly_diverges_is_never_best_and_one_whose_seeds_all_diverge_has_no_rank():
    errors = table(lambda trial: 0.1 if trial.learning_rate > 0.1 else 0.2, rates=(0.1, 0.2))
    diverged = (pl.col("learning_rate") > 0.1) & (pl.col("seed") < 3)
    some = errors.with_columns(status=pl.when(diverged).then(pl.lit("diverged")).otherwise("status"))
    assert best_rates(some)["rate"].to_list() == [0.1]
    assert best_rates(errors.with_columns(status=pl.lit("diverged"))).is_empty()
    assert best_models(errors.with_columns(status=pl.lit("pending"))).is_empty()


def test_every_trial_is_told_how_its_setting_stands():
    """Of three widths the second ties with the first: of some seeds it is better, of others worse."""

    def error(trial):
        return {2: 1.0 + trial.seed % 2, 4: 1.1 + trial.seed % 3 / 2, 8: 9.0}[trial.shape.width]

    found = table(error, widths=(2, 4, 8))
    told = with_standings(found)
    assert dict(told.select("width", "standing").unique().iter_rows()) == {2: "best", 4: "ties", 8: ""}
    assert told.drop("standing").equals(found)
    assert set(with_standings(found.with_columns(status=pl.lit("pending")))["standing"]) == {""}
