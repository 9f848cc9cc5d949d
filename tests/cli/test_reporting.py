"""A run is shown by its folder, and one that is none is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli.reporting import RecordsOptions, ReportOptions, ResultsOptions, records, report, results
from pipeline.errors import PipelineError


def test_a_folder_without_a_plan_cannot_be_shown(tmp_path: Path) -> None:
    where = re.escape(str(tmp_path / "plan.json"))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        results(ResultsOptions(tmp_path))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        report(ReportOptions(tmp_path))
    with pytest.raises(PipelineError, match=f"^{where}: "):
        records(RecordsOptions((str(tmp_path),)))
    assert list(tmp_path.iterdir()) == []
