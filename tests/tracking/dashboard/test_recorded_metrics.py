"""What is recorded of some trials is counted from their finite records."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_run import write_run

from pipeline.tracking.dashboard.recorded_metrics import MetricCoverage, recorded_metrics
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.trial_runs import RecordedRun


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    folder: Path = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    return read_run(folder)


def trials(source: RecordedRun, model: str) -> list[str]:
    return [row["trial"] for row in source.rows.values() if model in row["model"]]


def test_diagnostics_are_counted_by_steps_with_a_number(source: RecordedRun) -> None:
    """The run has not a number, infinity and minus infinity among its losses, which no panel shows."""
    found = recorded_metrics(source, trials(source, "shallow")).diagnostics
    assert found == {
        "loss": MetricCoverage(17, True),
        "test_error": MetricCoverage(8, True),
        "condition_number": MetricCoverage(1, True),
    }


@pytest.mark.parametrize(("model", "wanted"), [("linear", True), ("shallow", False)])
def test_the_loss_of_a_linear_model_is_predicted(source: RecordedRun, model: str, wanted: bool) -> None:
    assert recorded_metrics(source, trials(source, model)).predicted == wanted


def test_of_no_trial_nothing_is_recorded(source: RecordedRun) -> None:
    there = recorded_metrics(source, [])
    assert (there.diagnostics, there.predicted, there.has("learning_rate")) == ({}, False, False)
