"""What is recorded of some trials is counted from their finite records."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_run import write_run

from pipeline.tracking.dashboard.recorded_metrics import Shown, recorded
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.trial_runs import Exportable


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    folder: Path = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    return read_run(folder)


def trials(source: Exportable, model: str) -> list[str]:
    return [row["trial"] for row in source.rows.values() if model in row["model"]]


def test_diagnostics_are_counted_by_steps_with_a_number(source: Exportable) -> None:
    """The run has not a number, infinity and minus infinity among its losses, which no panel shows."""
    found = recorded(source, trials(source, "shallow")).diagnostics
    assert found == {"loss": Shown(17, True), "test_error": Shown(8, True), "condition_number": Shown(1, True)}


@pytest.mark.parametrize(("model", "wanted"), [("linear", True), ("shallow", False)])
def test_the_loss_of_a_linear_model_is_predicted(source: Exportable, model: str, wanted: bool) -> None:
    assert recorded(source, trials(source, model)).predicted == wanted


def test_of_no_trial_nothing_is_recorded(source: Exportable) -> None:
    there = recorded(source, [])
    assert (there.diagnostics, there.predicted, there.has("learning_rate")) == ({}, False, False)
