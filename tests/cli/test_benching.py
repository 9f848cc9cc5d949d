"""Whole sweeps are measured instead where they are asked for."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from pipeline.bench import browser_turns, page_openings, sweep
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


def test_descent_in_a_page_and_pages_are_measured_alone_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        browser_turns, "measure_in_browser", lambda turns: pl.DataFrame({"modules": ["$modules" in turns]})
    )
    monkeypatch.setattr(page_openings, "measure_pages", lambda say: pl.DataFrame({"page, MB": [4.5]}))
    assert bench(BenchOptions(json=True, quick=False, sweep=False, browser=True)) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == [{"modules": True}, {"page, MB": 4.5}]
    assert said.err == "descent in a page, in turns with TensorFlow.js\n"
