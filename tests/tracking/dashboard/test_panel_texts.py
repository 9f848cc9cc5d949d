"""The panels of text say what the tables of results say."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from drawn_run import write_run

from pipeline.tracking.dashboard.panel_texts import MOST_FAILURES, failures_text, in_words, limits_text, verdicts_text
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.trial_runs import RecordedRun


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    return read_run(write_run(tmp_path_factory.mktemp("run")))


def test_a_name_is_said_in_words() -> None:
    assert in_words("largest_stable_learning_rate") == "largest stable learning rate"


def test_each_model_has_its_verdict(source: RecordedRun) -> None:
    lines = verdicts_text(source).splitlines()
    assert lines[2] == "| problem | model | trials | diverged | verdict |"
    assert len(lines) == 4 + 2


def test_limits_are_of_each_width_and_where_none_is_recorded_that_is_said(source: RecordedRun) -> None:
    assert "| absolute_value | linear(legendre) | 2 | exact | 2 | 2 |" in limits_text(source)
    none = replace(source, results=source.results.drop("largest_stable_learning_rate"))
    assert limits_text(none).endswith("None is recorded.")


def test_of_many_failures_the_first_are_named_and_the_rest_counted(source: RecordedRun) -> None:
    assert "more" not in failures_text(source).splitlines()[-1].partition("|")[0]
    many = replace(source, results=pl.concat([source.results] * 10))
    text = failures_text(many)
    assert text.endswith(f"and {40 - MOST_FAILURES} more")
