"""Progress counts trials, says what is left, and is readable in a log."""

import io
import re

import pytest

from pipeline.durations import duration
from pipeline.plan import make_plan
from pipeline.training import progress as module
from pipeline.training.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_time_left_follows_from_the_work_done(experiment, clock):
    plan = make_plan("p", experiment(widths=(6, 6 * 2)))
    progress = Progress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, *rest = plan.packs
    clock[0] += 8
    progress.begun(first)
    progress.advanced(first.trial_steps)
    progress.finished(first, diverged=3)
    work = [module.operations_of_pack(pack) for pack in plan.packs]
    left = 8 * sum(work[1:]) / work[0]
    assert progress.text() == (
        f"12/48 trials, {first.trial_steps / 8:.3g} trial-steps/s, {duration(left)} left, 3 diverged, 0 failed"
    )
    for pack in rest:
        progress.begun(pack)
        progress.advanced(pack.trial_steps)
        progress.finished(pack, failed=len(pack.trials))
    assert re.fullmatch(r"48/48 trials, .* trial-steps/s, in 8 s, 3 diverged, 36 failed", progress.text())


def test_log_has_whole_lines_ten_seconds_apart(experiment, clock):
    plan = make_plan("p", experiment())
    stream = io.StringIO()
    progress = Progress(stream)
    progress.start(plan.packs, plan.packs)
    progress.begun(plan.packs[0])
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
    progress.start(plan.packs, plan.packs[1:], diverged=5)
    clock[0] += 2
    progress.advanced(20)
    assert stream.getvalue() == "12 of 24 trials were finished before\n"
    assert progress.text().startswith("12/24 trials, 10 trial-steps/s, ")
    assert progress.text().endswith(", 5 diverged, 0 failed")


def test_pack_that_another_trained_shortens_the_rest_and_not_the_rate(experiment, clock):
    plan = make_plan("p", experiment(widths=(6, 6 * 2)))
    progress = Progress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, others, second, third = plan.packs
    progress.begun(first)
    clock[0] += 8
    progress.advanced(first.trial_steps)
    progress.finished(first)
    progress.found_finished(others)
    work = [module.operations_of_pack(pack) for pack in (first, second, third)]
    left = 8 * sum(work[1:]) / work[0]
    assert progress.text().startswith(f"24/48 trials, {first.trial_steps / 8:.3g} trial-steps/s, {duration(left)} left")


def test_updates_of_a_failed_pack_are_not_those_of_the_next(experiment, clock):
    plan = make_plan("p", experiment())
    progress = Progress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, second = plan.packs
    clock[0] += 8
    progress.begun(first)
    progress.advanced(first.trial_steps)
    progress.finished(first, failed=12)
    progress.begun(second)
    left = 8 * module.operations_of_pack(second) / module.operations_of_pack(first)
    assert f", {duration(left)} left, " in progress.text()


@pytest.mark.parametrize("live", [True, False])
def test_warning_is_said_once_and_on_a_line_of_its_own(clock, live):
    stream = io.StringIO()
    progress = Progress(stream)
    progress.live = live
    for text in ("no locks", "no locks", "no space"):
        progress.warn(text)
    lines = [line.removeprefix("\r\x1b[2K") for line in stream.getvalue().split("\n")]
    assert lines == ["warning: no locks", "warning: no space", ""]


def test_what_is_done_aside_is_shown_and_does_not_slow_the_rate(experiment, clock):
    plan = make_plan("p", experiment())
    live = io.StringIO()
    live.isatty = lambda: True
    progress = Progress(live)
    progress.start(plan.packs, plan.packs)
    with progress.aside("compiling"):
        clock[0] += 100
    assert live.getvalue().endswith("compiling")
    progress.begun(plan.packs[0])
    clock[0] += 8
    progress.advanced(800)
    assert ", 100 trial-steps/s, " in progress.text()


def test_what_is_said_stands_on_a_line_of_its_own(experiment):
    plan = make_plan("p", experiment())
    for live, expected in ((True, "\r\x1b[2Kengine: fused\n"), (False, "engine: fused\n")):
        stream = io.StringIO()
        stream.isatty = lambda live=live: live
        progress = Progress(stream)
        progress.start(plan.packs, plan.packs)
        progress.say("engine: fused")
        assert stream.getvalue() == expected
