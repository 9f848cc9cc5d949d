"""Trials that diverged are counted above the predicted limit, below it, and where none is known."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.optimizers.stability_limits import Limit
from pipeline.report.answer.divergence import divergence_sentence

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


def test_without_a_recorded_limit_none_is_known():
    unrecorded = table(("diverged", None, NO_LIMIT)).drop("largest_stable_learning_rate")
    assert divergence_sentence(unrecorded) == f"1 trial diverged: 1 of 1 {UNKNOWN}"
