"""A preset is made once: one that is there is taken as it is, and a refusal is told from a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb_graphql import Operations
from wandb_server import WandbServer
from wandb_state import ENTITY, Fault, RefusedError

from pipeline.tracking import wandb_errors
from pipeline.tracking.dashboard.chart_presets import create_presets, preset_id
from pipeline.tracking.dashboard.custom_charts import CustomChart, custom_charts


@pytest.fixture(scope="module")
def charts(drawn: Path) -> list[CustomChart]:
    return custom_charts(drawn)


def test_each_is_made_with_its_specification_and_asked_for_no_more(
    server: WandbServer, charts: list[CustomChart]
) -> None:
    ids = create_presets(wandb.Api(), ENTITY, charts, {})
    assert ids == {chart.preset: f"{ENTITY}/{chart.preset}" for chart in charts}
    assert [json.loads(server.charts[ids[chart.preset]]["spec"]) for chart in charts] == [
        chart.spec for chart in charts
    ]
    server.requests.clear()
    assert create_presets(wandb.Api(), ENTITY, charts, ids) == ids
    assert "CreateCustomChart" not in server.requests


@pytest.mark.parametrize("words", ["custom chart x already exists", "Duplicate entry 'x' for key 'name'"])
def test_one_that_is_there_is_taken(
    server: WandbServer, charts: list[CustomChart], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusedError(200, words)

    monkeypatch.setattr(Operations, "do_CreateCustomChart", refuse)
    first = charts[:1]
    assert create_presets(wandb.Api(), ENTITY, first, {}) == {first[0].preset: preset_id(ENTITY, first[0])}


def test_a_conflict_says_that_it_is_there(server: WandbServer, charts: list[CustomChart]) -> None:
    server.faults = [Fault("CreateCustomChart", 409)]
    assert create_presets(wandb.Api(), ENTITY, charts[:1], {}) == {charts[0].preset: preset_id(ENTITY, charts[0])}


def test_a_server_that_says_no_in_an_answer_refuses(
    server: WandbServer, charts: list[CustomChart], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusedError(200, "custom charts are not for you")

    monkeypatch.setattr(Operations, "do_CreateCustomChart", refuse)
    with pytest.raises(wandb_errors.RefusedError, match=r"lab: W&B does not take a custom chart: .* are not for you"):
        create_presets(wandb.Api(), ENTITY, charts, {})


def test_a_server_that_fails_is_trouble(server: WandbServer, charts: list[CustomChart]) -> None:
    server.faults = [Fault("CreateCustomChart", 500)]
    with pytest.raises(wandb_errors.TroubleError, match=r"W&B does not answer as it should: .* told to say 500"):
        create_presets(wandb.Api(), ENTITY, charts, {})
