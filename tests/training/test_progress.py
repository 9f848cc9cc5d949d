"""Progress counts trials, says what is left, and is readable in a log."""

import io
import re

import pytest

from pipeline.plan import make_plan
from pipeline.training import progress as module
from pipeline.training.progress import Progress, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_time_left_follows_from_the_work_done(experiment, clock):
    plan = make_plan("p", experiment(widths=(6, 6 * 2)))
    progress = Progress(io.StringIO())
    progress.start(plan, plan.packs)
    first, *rest = plan.packs
    clock[0] += 8
    progress.advanced(first.trial_steps)
    progress.finished(first, diverged=3)
    work = [module.operations_of_pack(pack) for pack in plan.packs]
    left = 8 * sum(work[1:]) / work[0]
    assert progress.text() == (
        f"12/48 trials, {first.trial_steps / 8:.3g} trial-steps/s, {duration(left)} left, 3 diverged, 0 failed"
    )
    for pack in rest:
        progress.advanced(pack.trial_steps)
        progress.finished(pack, failed=len(pack.trials))
    assert re.fullmatch(r"48/48 trials, .* trial-steps/s, in 8 s, 3 diverged, 36 failed", progress.text())


def test_log_has_whole_lines_ten_seconds_apart(experiment, clock):
    plan = make_plan("p", experiment())
    stream = io.StringIO()
    progress = Progress(stream)
    progress.start(plan, plan.packs)
    for _ in range(40):
        clock[0] += 1
        progress.advanced(1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert all(re.fullmatch(r"0/24 trials, 1 trial-steps/s, .* left, 0 diverged, 0 failed", line) for line in lines)


def test_work_found_finished_does_not_flatter_the_rate(experiment, clock):
    plan = make_plan("p", experiment())
    stream = io.StringIO()
    progress = Progress(stream)
    progress.start(plan, plan.packs[1:], diverged=5)
    clock[0] += 2
    progress.advanced(20)
    assert stream.getvalue() == "12 of 24 trials were finished before\n"
    assert progress.text().startswith("12/24 trials, 10 trial-steps/s, ")
    assert progress.text().endswith(", 5 diverged, 0 failed")


@pytest.mark.parametrize("seconds, words", [(0.2, "0 s"), (59, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")])
def test_durations_are_said_as_people_do(seconds, words):
    assert duration(seconds) == words
