"""The parts that a timing run measures add up, and it leaves nothing behind."""

import gc
import platform
import tempfile
from pathlib import Path

import pytest

from pipeline.experiment.parallelism import Parallel
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, LeastSquares
from pipeline.optimizers.solvers import VariableProjection
from pipeline.plans import make_plan
from pipeline.training.timing import SegmentTime, Timing, TimingRecorder, constant_costs, linear_costs, measure


def test_time_of_a_training_is_that_of_its_parts_without_the_start_of_the_process():
    timing = Timing(startup_s=5.0, setup_s=1.0, step_s=0.01, observe_s=0.5, device="x")
    assert timing.seconds(steps=200, recorded_steps=4) == pytest.approx(1 + 2 + 2)


def test_an_update_and_a_segment_are_separated_by_segments_of_different_lengths():
    slow_first = SegmentTime(1, 9.0)
    rest = [SegmentTime(number, 0.25 + 0.5 * number) for number in (1, 2, 4, 8)]
    assert linear_costs([slow_first, *rest]) == (0.5, 0.25)


@pytest.mark.parametrize("busy", range(9))
def test_one_moment_in_which_the_machine_did_something_else_changes_little(busy):
    """A segment costs 2 ms and an update 25 us; the machine was away for 200 ms."""
    every = [SegmentTime(1, 0.1)] + [SegmentTime(2**power, 0.002 + 25e-6 * 2**power) for power in range(9)]
    every[1 + busy] = SegmentTime(2**busy, every[1 + busy].seconds + 0.2)
    update_s, segment_s = linear_costs(every)
    assert update_s == pytest.approx(25e-6, rel=1e-9)
    assert segment_s == pytest.approx(0.002, rel=1e-9)


@pytest.mark.parametrize(
    "every, expected",
    [
        ([SegmentTime(1, 0.5)], (0.5, 0.0)),
        ([SegmentTime(1, 9.0), SegmentTime(1, 0.5)], (0.5, 0.0)),
        ([SegmentTime(1, 9.0), SegmentTime(1, 0.5), SegmentTime(2, 0.4)], (0.35, 0.0)),
    ],
    ids=["one segment", "one length", "the longer one was faster"],
)
def test_without_a_difference_all_is_the_update(every, expected):
    assert linear_costs(every) == pytest.approx(expected)


def test_an_engine_that_does_not_iterate_takes_as_long_for_any_number_of_steps(experiment):
    every = [SegmentTime(1, 9.0)] + [SegmentTime(2**power, 0.25 + 0.01 * (-1) ** power) for power in range(9)]
    assert constant_costs(every) == (0.0, 0.26)
    assert constant_costs(every[:1]) == (0.0, 9.0)
    closed = experiment(models=(Linear(Cosine()),), engine="closed_form", steps=10**6)
    (pack,) = make_plan("test", closed).packs
    timing = measure(pack, closed, "cpu", budget_s=0.01)
    assert timing.step_s == 0
    assert timing.observe_s > 0


def recorder_of(made, budget_s):
    return TimingRecorder(make_plan("test", made).packs[0], made, Path(), budget_s)


def test_segments_grow_until_the_time_is_spent(experiment):
    recorder = recorder_of(experiment(), budget_s=5.0)
    given = []
    for segment in recorder.segments(10**6):
        given.append(tuple(segment))
        recorder.segment_times.append(SegmentTime(segment.last - segment.first, (segment.last - segment.first) / 8))
    assert given == [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16)]


def test_segments_end_where_the_training_does(experiment):
    recorder = recorder_of(experiment(), budget_s=4.0)
    assert [segment.last for segment in recorder.segments(11)] == [1, 2, 4, 8, 11]


@pytest.mark.parametrize(
    "fields",
    [
        {"models": (Shallow(),), "optimizer": Adam(), "batch_size": 5},
        {"models": (Shallow(),), "parallel": Parallel(nodes=2)},
        {"models": (Shallow(),), "learning_rates": (1e9,)},
        {"models": (Linear(Cosine()),), "optimizer": LeastSquares(), "learning_rates": None},
        {"models": (Shallow(),), "optimizer": VariableProjection(), "learning_rates": None},
        {"models": (Linear(Cosine()),), "steps": 1},
    ],
    ids=["minibatches", "several processes", "all diverge", "exact solver", "solver", "one step"],
)
def test_any_pack_can_be_measured_and_leaves_no_file(experiment, fields, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    requested = experiment(**fields)
    (pack,) = make_plan("test", requested).packs
    timing = measure(pack, requested, "cpu", budget_s=0.01)
    assert timing.device == platform.machine()
    assert timing.startup_s == 0
    assert 0 < timing.step_s < 10
    assert 0 < timing.observe_s < 10
    assert 0 <= timing.setup_s < 60
    assert not list(tmp_path.iterdir())
    assert gc.isenabled()
