"""Of a run that has begun only its tracking is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.options import Overrides
from pipeline.cli.tracking import DashboardOptions, dashboard
from pipeline.errors import PipelineError


def test_what_is_not_about_tracking_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"^--set steps=3: 'steps' is not about tracking\n  hint: a run that has"):
        dashboard(DashboardOptions(tmp_path, Overrides(("steps=3",))))
