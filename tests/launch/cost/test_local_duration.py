"""What a run will take here is a range: of few operations without a measurement, of many by some timing runs."""

from __future__ import annotations

import math
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.launch.cost import local_duration as room
from pipeline.launch.cost.calibration import PackTiming, place_of, recall, remember
from pipeline.launch.cost.local_duration import (
    COUNT_IS_OFF,
    JUDGED_IS_OFF,
    MEASURED_IS_OFF,
    MOST_KINDS,
    PACK_S,
    LocalDuration,
    counted_range,
    local_duration,
    worth_measuring,
)
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan
from pipeline.problems.targets import Sine

LONG = 10**8
TIMING = PackTiming(2.0, 1e-6, 0.5, "pilot")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def planned(**fields: Any) -> Plan:
    usual = {"question": "How long?", "models": (Shallow(),), "widths": (2, 4), "target": (Sine(),), "seeds": 2}
    usual |= {"inputs": Inputs(train=(8,), test=8), "learning_rates": (0.1,), "record_at": (0,), "accelerator": "cpu"}
    return make_plan("plan", Experiment(**usual | fields))


def known(plan: Plan, number: int = -1, timing: PackTiming = TIMING) -> None:
    """Let the first packs have been timed before, or all of them."""
    for load in list(plan.manifest.workloads.values())[: number if number >= 0 else None]:
        remember(place_of(platform.node(), 0), load.kind, timing)


def seconds(plan: Plan, timing: PackTiming = TIMING) -> float:
    return timing.seconds(plan.packs[0].shape.steps, plan.manifest.recorded_steps)


def test_what_is_soon_done_is_not_measured() -> None:
    plan = planned(steps=100)
    takes = local_duration(plan, plan.packs, pytest.fail)
    assert (takes.least_s, takes.most_s) == counted_range(list(plan.manifest.workloads.values()))
    assert 2 * PACK_S / 2 < takes.least_s < takes.most_s < 2 * 2 * PACK_S + 1
    assert str(takes) == "that takes less than a minute here, with 0.8 GiB of memory"


def test_what_may_take_long_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BUDGET_S", 0.01)
    monkeypatch.setattr(room, "MEASURING_S", math.inf)
    plan, said = planned(steps=LONG), list[str]()
    takes = local_duration(plan, plan.packs, said.append)
    assert len(said) == 1
    assert takes.measured == pytest.approx(1)
    assert takes.most_s == pytest.approx(takes.least_s * MEASURED_IS_OFF**2)
    assert local_duration(plan, plan.packs, pytest.fail) == takes
    assert all(recall(place_of(platform.node(), 0), load.kind) for load in plan.manifest.workloads.values())


def test_in_haste_it_is_the_count_of_operations() -> None:
    plan = planned(steps=LONG)
    takes = local_duration(plan, plan.packs, pytest.fail, quick=True)
    assert takes.measured == 0
    assert takes.most_s == pytest.approx(takes.least_s * COUNT_IS_OFF**2, rel=1e-2)
    assert str(takes).endswith("; by the count of operations, which may be off by 8 times")


def test_packs_that_were_timed_take_what_their_timing_says() -> None:
    plan = planned(steps=LONG)
    known(plan)
    takes = local_duration(plan, plan.packs, pytest.fail)
    assert takes.least_s == pytest.approx(2 * seconds(plan) / MEASURED_IS_OFF)
    assert takes.most_s == pytest.approx(2 * seconds(plan) * MEASURED_IS_OFF)
    half = local_duration(plan, plan.packs[:1], pytest.fail)
    assert half.most_s == pytest.approx(takes.most_s / 2)
    assert str(half) == "that takes 1 min 9 s to 2 min 34 s here, with 0.8 GiB of memory; 100 % of that is measured"


def test_a_pack_that_was_not_timed_is_judged_beside_the_others_of_its_model() -> None:
    plan = planned(steps=LONG)
    known(plan, 1)
    one, other = plan.manifest.workloads.values()
    takes = local_duration(plan, plan.packs, pytest.fail, quick=True)
    likely = seconds(plan) * room.counted_s(other) / room.counted_s(one)
    assert takes.most_s == pytest.approx(seconds(plan) * MEASURED_IS_OFF + likely * JUDGED_IS_OFF)
    assert takes.measured == pytest.approx(seconds(plan) / (seconds(plan) + likely))


def test_a_model_of_which_nothing_was_timed_is_as_uncertain_as_its_operations() -> None:
    plan = planned(steps=LONG, models=(Shallow(), Linear()), widths=(2,))
    known(plan, 1)
    one, other = plan.manifest.workloads.values()
    takes = local_duration(plan, plan.packs, pytest.fail, quick=True)
    vague = seconds(plan) * room.counted_s(other) / room.counted_s(one)
    assert takes.most_s == pytest.approx(seconds(plan) * MEASURED_IS_OFF + vague * COUNT_IS_OFF)
    assert takes.least_s == pytest.approx(seconds(plan) / MEASURED_IS_OFF + vague / COUNT_IS_OFF)


def test_each_model_is_measured_first_and_then_what_has_most_of_the_work() -> None:
    plan = planned(models=(Shallow(), Linear()), widths=tuple(range(2, 20)))
    loads = worth_measuring(list(plan.manifest.workloads.values()))
    assert len(loads) == MOST_KINDS
    assert [load.requirements.model for load in loads[:2]] == ["shallow(relu)", "linear(legendre)"]
    operations = [load.operations for load in loads]
    assert operations[0] == max(load.operations for load in plan.manifest.workloads.values())
    assert operations[2:] == sorted(operations[2:], reverse=True)
    assert len({load.kind for load in loads}) == MOST_KINDS


@pytest.mark.parametrize("limit", [room.MOST_MODELS, 1])
def test_without_time_left_no_pack_is_timed_but_of_another_model(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(room, "MEASURING_S", -1.0)
    monkeypatch.setattr(room, "MOST_MODELS", limit)
    timed = list[str]()

    def measure(pack: Any, *_: object, **__: object) -> PackTiming:
        timed.append(pack.shape.model.label())
        return TIMING

    monkeypatch.setattr("pipeline.training.timing.measure", measure)
    plan = planned(steps=LONG, models=(Shallow(), Linear()))
    local_duration(plan, plan.packs, print)
    assert timed == ["shallow(relu)", "linear(legendre)"][:limit]


def test_memory_is_that_of_the_largest_pack() -> None:
    plan = planned(steps=100)
    load = max(load.memory_bytes for load in plan.manifest.workloads.values())
    assert local_duration(plan, plan.packs, pytest.fail).memory_gib == pytest.approx(0.75 + load / 2**30)


def test_nothing_takes_no_time() -> None:
    plan = planned()
    takes = local_duration(plan, (), pytest.fail)
    assert takes == replace(takes, least_s=0, most_s=0, measured=0)
    assert isinstance(takes, LocalDuration)
