"""The local report is made again when something has happened since, and only then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipeline.tracking.dashboard.local_report import local_report


@pytest.fixture
def run(drawn: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn, tmp_path / "run")


def test_a_report_that_is_up_to_date_stays(run: Path) -> None:
    (run / "report.html").write_text("as it was")
    assert local_report(run).read_text() == "as it was"


def test_a_report_is_made_again_after_a_trial_has_finished(run: Path) -> None:
    (run / "report.html").write_text("old")
    outcome = next((run / "outcomes").glob("*.parquet"))
    later = (run / "report.html").stat().st_mtime + 1
    os.utime(outcome, (later, later))
    assert local_report(run).read_text().startswith("<!doctype html>")


def test_a_report_without_its_figures_in_vega_lite_is_made_again(run: Path) -> None:
    (run / "figures" / "fitted.json").unlink()
    local_report(run)
    assert (run / "figures" / "fitted.json").exists()
