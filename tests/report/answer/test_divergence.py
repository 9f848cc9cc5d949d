"""Trials that diverged are counted above the limit, of networks that at the start, below it, and without one."""

from __future__ import annotations

import math

import polars as pl
import pytest

from pipeline.optimizers.stability_limits import Limit
from pipeline.report.answer.divergence import NO_BOUND, divergence_sentence

EXACT, NO_LIMIT = "exact", ""


def table(*trials):
    """Trials as status, rate over the predicted limit, and what is known of it."""
    rows = [(status, ratio, None if ratio is None else 1.0, limit) for status, ratio, limit in trials]
    numbers = dict.fromkeys(("learning_rate", "largest_stable_learning_rate"), pl.Float64)
    schema = {"status": pl.String} | numbers | {"limit": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


GONE, STAYED = [("diverged", 2.0, EXACT)], [("done", 0.5, EXACT)]
ABOVE = "above the predicted limit"
BELOW = "below the predicted limit"
UNKNOWN = "for which no exact limit is known."
FIRST = "the limit at their first weights"
ASKED, NOT_ASKED = "as asked for", "which was not asked for"


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (GONE, f"1 trial diverged: the only one {ABOVE}, as asked for."),
        (GONE * 3 + STAYED * 2, f"3 trials diverged: all 3 {ABOVE}, as asked for; none of 2 {BELOW}."),
        ([*GONE, ("done", 2.0, EXACT)], f"1 trial diverged: 1 of 2 {ABOVE}."),
        ([("diverged", 0.5, EXACT), *STAYED], f"1 trial diverged: 1 of 2 {BELOW}, which theory does not expect."),
        ([("diverged", None, NO_LIMIT), ("done", None, NO_LIMIT)], f"1 trial diverged: 1 of 2 {UNKNOWN}"),
        ([("diverged", 2.0, Limit.LOCAL.value)], f"1 trial diverged: 1 of 1 {UNKNOWN}"),
        ([*GONE, ("pending", 2.0, EXACT)], f"1 trial diverged: the only one {ABOVE}, as asked for."),
        (STAYED, ""),
    ],
)
def test_what_diverged_did_what_was_asked_of_it_or_not(trials, said):
    assert divergence_sentence(table(*trials)) == said


def networks(*trials):
    """Trials of networks as status, and rate over the limit at the first weights."""
    rows = [(status, 1.0, ratio, "") for status, ratio in trials]
    schema = {"status": pl.String, "learning_rate": pl.Float64, "times_first_limit": pl.Float64, "limit": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


UP, DOWN = [("diverged", 2.0)], [("diverged", 0.5)]
BACK, CALM = [("done", 2.0)], [("done", 0.5)]


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (UP, f"1 of 1 above {FIRST}, {ASKED}."),
        (UP * 3, f"all 3 above {FIRST}, {ASKED}."),
        (UP * 3 + BACK + CALM * 2, f"3 of 4 above {FIRST}, {ASKED}, and none of 2 below it."),
        (UP + DOWN + CALM, f"1 of 1 above {FIRST}, {ASKED}, and 1 of 2 below it, {NOT_ASKED}."),
        (BACK + DOWN * 2, f"none of 1 above {FIRST}, and all 2 below it, {NOT_ASKED}."),
        (DOWN + CALM, f"1 of 2 below {FIRST}, {NOT_ASKED}."),
        ([("diverged", 1.0)], f"1 of 1 below {FIRST}, {NOT_ASKED}."),
    ],
)
def test_networks_are_counted_by_the_limit_at_their_first_weights_which_is_called_no_bound(trials, said):
    number = sum(status == "diverged" for status, _ in trials)
    start = f"{number} trial{'s' * (number > 1)} diverged: of networks, "
    assert divergence_sentence(networks(*trials)) == f"{start}{said} {NO_BOUND}"


@pytest.mark.parametrize("ratio", [None, math.nan, math.inf])
def test_networks_without_a_certain_sharpness_at_the_start_have_no_known_limit(ratio):
    both = pl.concat([networks(("diverged", ratio)), networks(*UP, ("pending", 2.0))])
    said = f"2 trials diverged: of networks, 1 of 1 above {FIRST}, {ASKED}; 1 of 1 {UNKNOWN} {NO_BOUND}"
    assert divergence_sentence(both) == said


def test_linear_models_and_networks_are_counted_apart():
    both = pl.concat([table(*GONE, *STAYED), networks(*UP, *BACK)], how="diagonal")
    linear = f"the only one {ABOVE}, as asked for; none of 1 {BELOW}"
    said = f"2 trials diverged: {linear}; of networks, 1 of 2 above {FIRST}, {ASKED}. {NO_BOUND}"
    assert divergence_sentence(both) == said


def test_a_limit_of_linear_models_that_is_no_bound_is_not_called_that_of_a_network():
    local = table(("diverged", 2.0, Limit.LOCAL.value)).with_columns(times_first_limit=pl.lit(2.0))
    assert divergence_sentence(local) == f"1 trial diverged: 1 of 1 {UNKNOWN}"


def test_without_a_recorded_limit_none_is_known():
    unrecorded = table(("diverged", None, NO_LIMIT)).drop("largest_stable_learning_rate")
    assert divergence_sentence(unrecorded) == f"1 trial diverged: 1 of 1 {UNKNOWN}"
