"""Whole sweeps are measured instead where they are asked for."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from pipeline.bench import sweep
from pipeline.cli.benching import BenchOptions, bench


def test_rows_of_the_sweeps_are_for_a_program_and_prose_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(say: Any) -> pl.DataFrame:
        say("measuring")
        return pl.DataFrame({"sweep": ["small"], "seconds": [1.5]})

    monkeypatch.setattr(sweep, "measure_sweep", measured)
    monkeypatch.setattr(sweep, "values_per_second", lambda: 1234.0)
    assert bench(BenchOptions(json=True, quick=True, sweep=True)) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == [{"sweep": "small", "seconds": 1.5}]
    assert said.err == "records: 1,234 values written a second\nmeasuring\n"
