"""What cannot be sent again is refused before a scheduler is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.experiments import plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.submitting import RetryOptions, retry
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.plans import write_plan

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"


def test_a_run_of_which_nothing_was_sent_is_not_sent_again(tmp_path: Path) -> None:
    overrides = Overrides(("seeds=2", "steps=10"))
    write_plan(plan_of(read_document(XOR), overrides, on_cluster=False), tmp_path)
    options = RetryOptions((f"{tmp_path}",), Overrides(), quarantined=False, json=False, chain=0)
    with pytest.raises(PipelineError, match=r"nothing was sent of this run yet\n  hint: submit sends it"):
        retry(options)
