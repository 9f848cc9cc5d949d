"""What is drawn of a dashboard are the numbers that its runs have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from wandb_state import ENTITY

from pipeline.report.preview import DRAWN, Numbers, drawing
from pipeline.tracking.dashboard.workspace import as_json, workspace
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.trial_runs import PREDICTED, Exportable
from pipeline.tracking.preview import numbers_of


@pytest.fixture(scope="module")
def source(drawn: Path) -> Exportable:
    return read_run(drawn)


@pytest.fixture(scope="module")
def numbers(source: Exportable) -> Numbers:
    return numbers_of(source, source.results["trial"].to_list())


def test_every_recorded_number_is_there_under_the_name_that_panels_use(source: Exportable, numbers: Numbers) -> None:
    assert numbers.runs.height == source.results.height == 16
    assert sorted(numbers.runs["config:width.value"]) == sorted(source.results["width"])
    last = numbers.runs.select("summary:loss.last", "summary:test_error.min", "summary:condition_number")
    assert sorted(last["summary:loss.last"]) == sorted(source.results["loss"])
    assert last["summary:condition_number"].null_count() == source.results["condition_number"].null_count() == 8
    assert set(numbers.history["name"]) >= {"loss", "test_error", PREDICTED}
    assert numbers.history.filter(pl.col("name") == "loss").height == 16 * 2
    assert numbers.sweep["diverged"] == 4


def sections_of(source: Exportable) -> list[dict[str, Any]]:
    view = as_json(workspace(source, Destination(ENTITY, "p")))
    found: list[dict[str, Any]] = view["spec"]["section"]["panelBankConfig"]["sections"]
    return found


def charts(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The panels that are drawn of each section, by the first word of its title."""
    return {section["title"].split(",")[0]: section.get("concat", []) for section in spec["vconcat"]}


def test_what_was_recorded_is_drawn_and_of_the_rest_it_is_said(source: Exportable, numbers: Numbers) -> None:
    sections = sections_of(source)
    there = charts(drawing(sections, numbers, "the first of each section", 3))
    recorded = {name for name in source.results.columns if source.results[name].count()}
    for section in sections:
        panels = [panel for panel in section["panels"] if has_numbers(panel, recorded)]
        titles = [panel["config"].get("chartTitle", panel["viewType"]) for panel in panels][:3]
        assert [panel["title"]["text"] for panel in there[section["name"]]][: len(titles)] == titles
        assert bool(there[section["name"]]) == bool(panels)
    assert len(there["convergence"]) == len(there["conditioning"]) == 3


def has_numbers(panel: dict[str, Any], recorded: set[str]) -> bool:
    if panel["viewType"] in ("Run History Line Plot", "Scatter Plot"):
        return asked(panel["config"]) <= recorded
    return panel["viewType"] in DRAWN


def asked(config: dict[str, Any]) -> set[str]:
    """The diagnostics that a panel is of."""
    axes = (config.get(axis, "") for axis in ("xAxis", "yAxis"))
    summaries = [axis.removeprefix("summary:") for axis in axes if axis.startswith("summary:")]
    names = [*config.get("metrics", [])[:1], *summaries]
    return {name.removesuffix(".min").removesuffix(".last") for name in names}


def test_a_run_of_which_no_trial_is_exported_shows_the_numbers_of_the_sweep(source: Exportable) -> None:
    there = charts(drawing(sections_of(source), numbers_of(source, []), "nothing", 1))
    assert there["convergence"] == there["sweep"] == []
    assert len(there["theory"]) == len(there["runs"]) == 1
