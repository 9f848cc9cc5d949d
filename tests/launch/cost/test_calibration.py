"""What packs take is measured once, remembered, and judged from the nearest where it was not measured."""

import dataclasses
import json
import os

import pytest

from pipeline.config import read_experiment
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.cost.calibration import (
    MOST_PILOTS,
    STARTUP_SECONDS,
    PackTiming,
    costs,
    place_of,
    remember_job,
    remember_startup,
)
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine

HERE = Profile(description="here", scheduler="local", folder="runs", gpus=0, cpus=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pipeline" / "calibration"


def experiment(**fields):
    usual = {"question": "How long?", "models": (Shallow(),), "widths": (2, 3), "target": (Sine(),), "seeds": 2}
    usual |= {"learning_rates": (0.1,), "inputs": Inputs(train=(8,), test=8), "steps": 100}
    return Experiment(**usual | fields)


def workloads(asked):
    return list(make_plan("xor", asked).manifest.workloads.values())


def judged(asked, profile=HERE, expected=None):
    """The packs of an experiment, what they are expected to take, and what was said."""
    said, plan = [], make_plan("xor", asked)
    packs = list(plan.manifest.workloads.values())
    found = costs(packs, plan.manifest.recorded_steps, profile, "somewhere", said.append, lambda: plan, expected)
    return packs, found, said


def judged_at_once(asked, expected=None):
    """The same where nothing may be measured."""

    def plan():
        pytest.fail("the plan was asked for")

    return costs(workloads(asked), len(asked.recorded_steps()), HERE, "somewhere", pytest.fail, plan, expected)


def test_kinds_of_packs_are_measured_once_and_remembered(cache):
    packs, first, said = judged(experiment())
    assert said == ["measuring 2 kinds of packs here, once"]
    assert first.seconds.keys() == {pack.pack for pack in packs}
    assert all(0 < seconds < 60 for seconds in first.seconds.values())
    assert 0 < first.startup_s < 60
    assert first.basis == "measured by a pilot on this machine's processor"
    assert len(list(cache.glob("*-cpu1/*.json"))) == 3
    _, second, said = judged(experiment())
    assert said == []
    assert second == first
    _, longer, said = judged(experiment(steps=1000, learning_rates=(0.2,)))  # the same kinds
    assert said == []
    assert sum(longer.seconds.values()) > sum(first.seconds.values())


def test_what_jobs_have_measured_there_needs_no_pilot_and_counts_more():
    asked = experiment()
    packs = workloads(asked)
    for pack in packs:
        remember_job("somewhere", 0, pack, seconds=50.0)
    remember_startup("somewhere", 0, 12.0)
    found = judged_at_once(asked)
    assert list(found.seconds.values()) == pytest.approx([50.0] * len(packs))
    assert found.startup_s == 12.0
    assert found.basis == "measured by jobs on somewhere"


def test_what_jobs_have_measured_on_gpus_says_nothing_of_processors():
    assert place_of("somewhere", 1) != place_of("somewhere", 0)


def test_packs_that_were_sent_before_keep_what_was_expected_of_them():
    asked = experiment()
    packs = workloads(asked)
    expected = {pack.pack: 20.0 + number for number, pack in enumerate(packs)}
    assert judged_at_once(asked, expected).seconds == expected
    remember_job("somewhere", 0, packs[0], seconds=50.0)
    found = judged_at_once(asked, expected)
    assert list(found.seconds.values()) == pytest.approx([50.0, 21.0])  # what a job has measured counts more


def test_packs_that_are_new_beside_some_that_were_sent_are_measured(quick_pilots):
    asked = experiment()
    first, second = (pack.pack for pack in workloads(asked))
    _, found, said = judged(asked, expected={first: 20.0})
    assert said == ["measuring 1 kind of packs here, once"]
    assert found.seconds[first] == 20.0
    assert 0 < found.seconds[second] < 60


def test_pilot_has_no_more_processors_than_there_are_here(cache, quick_pilots):
    judged(experiment(), Profile(description="large", scheduler="local", folder="runs", gpus=0, cpus=100_000))
    (place,) = cache.iterdir()
    assert place.name.endswith(f"-cpu{len(os.sched_getaffinity(0))}")


def test_packs_of_own_definitions_are_measured(tmp_path, quick_pilots, own_target):
    """Their classes are pickled; a process of its own has loaded the file again, as test_loading.py shows."""
    asked = {"question": "How long?", "models": ["shallow"], "widths": [2], "seeds": 1, "steps": 100}
    asked |= {"learning_rates": [0.1], "inputs": {"train": 8, "test": 8}, **own_target(tmp_path)}
    (tmp_path / "mine.yaml").write_text(json.dumps(asked))
    packs, found, _ = judged(read_experiment(tmp_path / "mine.yaml"))
    assert found.seconds.keys() == {pack.pack for pack in packs}
    assert found.basis == "measured by a pilot on this machine's processor"


def test_packs_that_were_not_measured_are_judged_by_their_operations():
    widths = tuple(range(2, 2 + 2 * MOST_PILOTS))
    asked = experiment(widths=widths)
    packs = workloads(asked)
    for pack in packs[:MOST_PILOTS]:
        remember_job("somewhere", 0, pack, seconds=10.0)
    found = judged_at_once(asked)
    assert found.startup_s == STARTUP_SECONDS
    known, unknown = packs[MOST_PILOTS - 1], packs[-1]
    share = unknown.operations / known.operations
    assert found.seconds[unknown.pack] == pytest.approx(10.0 * share)


def test_kinds_differ_by_shape_and_number_of_trials_and_not_by_seeds_and_steps():
    def kind(**fields):
        return workloads(experiment(widths=(4,), **fields))[0].kind

    assert kind() == kind(seeds=(7, 8)) == kind(steps=7) == kind(learning_rates=(0.3,))
    others = [kind(seeds=3), kind(dtype="float64"), kind(models=(Linear(),)), kind(accelerator="cpu")]
    assert len({kind(), *others}) == 5


def test_kinds_differ_by_steps_where_these_do_not_set_the_time():
    """What a job took in closed form says nothing of each of its steps."""
    closed = experiment(widths=(4,), models=(Linear(),), engine="closed_form")
    longer = dataclasses.replace(closed, steps=10**6)
    assert workloads(closed)[0].kind != workloads(longer)[0].kind


def test_damaged_memory_is_measured_anew(cache, quick_pilots):
    judged(experiment())
    for path in cache.glob("*/*.json"):
        path.write_text("{")
    assert judged(experiment())[2] == ["measuring 2 kinds of packs here, once"]


def test_home_that_cannot_be_written_only_costs_time(cache, quick_pilots):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file in the way")
    _, found, _ = judged(experiment())
    assert all(seconds > 0 for seconds in found.seconds.values())


def test_time_of_a_training_is_that_of_its_parts():
    assert PackTiming(1.0, 0.01, 0.5, "pilot").seconds(200, 4) == pytest.approx(1 + 2 + 2)
