"""The panels of a section are named by what the runs have, and keep their ids."""

from __future__ import annotations

import polars as pl
import pytest
from wandb_workspaces.reports.v2 import interface as wr

from pipeline.tracking.dashboard.panels import criterion_of, in_summary, rate_of, with_ids
from pipeline.tracking.dashboard.recorded_metrics import MetricCoverage, RecordedMetrics


def test_an_id_depends_on_section_and_name_alone() -> None:
    def ids(section: str, *names: str) -> list[str]:
        return [panel._id for panel in with_ids(section, {name: wr.MarkdownPanel(markdown=name) for name in names})]

    assert ids("runs", "a", "b") == ids("runs", "a", "b")
    assert ids("runs", "b") == ids("runs", "a", "b")[1:]
    assert len({*ids("runs", "a"), *ids("theory", "a"), *ids("runs", "b")}) == 3


@pytest.mark.parametrize("column", ["times_limit", "learning_rate"])
def test_rates_are_multiples_of_the_limit_where_those_were_asked_for(column: str) -> None:
    assert rate_of(pl.DataFrame({"learning_rate": [0.1], column: [0.5]})) == column


@pytest.mark.parametrize(("name", "where"), [("loss", "loss.min"), ("condition_number", "condition_number")])
def test_what_falls_has_its_least_value_in_the_summary_and_the_rest_one_value(name: str, where: str) -> None:
    assert in_summary(name, "min") == where


def test_the_best_is_best_in_the_first_criterion_that_is_recorded() -> None:
    shown = MetricCoverage(2, True)
    results = pl.DataFrame({"loss": [0.1]})
    both = RecordedMetrics(results, {"loss": shown, "test_error": shown}, predicted=False)
    assert criterion_of(both) == "test_error"
    assert criterion_of(RecordedMetrics(results, {"loss": shown}, predicted=False)) == "loss"
    assert criterion_of(RecordedMetrics(results, {}, predicted=False)) == ""
