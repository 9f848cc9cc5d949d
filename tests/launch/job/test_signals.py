"""A worker stops before its job ends, by the clock or because it is told to."""

import os
import signal
import time

import pytest

from pipeline.launch.job.signals import END_OF_JOB, STARTED, JobSignals, began_at, stop_at
from pipeline.launch.notes.submission import Submission
from pipeline.training.deadline import Deadline

SENT = Submission(
    "xor-0a1b2c-1", "soc", (), "slurm", None, (("p1",),), (1.0,), {}, 30, 16.0, 60.0, 1, False, 0, None, "code", 0.0,
    "12",
)  # fmt: skip


@pytest.fixture
def signals():
    """JobSignals an hour before the deadline; signals are put back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)}
    yield JobSignals(Deadline(time.monotonic() + 3600))
    for number, handler in before.items():
        signal.signal(number, handler)


def test_worker_stops_its_margin_before_the_end_that_the_scheduler_has_named(monkeypatch):
    monkeypatch.setenv(STARTED, "1000")
    monkeypatch.setenv(END_OF_JOB, "2000")
    assert stop_at(SENT) == 2000 - 60


def test_worker_stops_by_its_own_clock_where_no_end_is_named(monkeypatch):
    monkeypatch.setenv(STARTED, "1000")
    monkeypatch.delenv(END_OF_JOB, raising=False)
    assert began_at() == 1000
    assert stop_at(SENT) == 1000 + 30 * 60 - 60
    monkeypatch.delenv(STARTED)
    assert began_at() == pytest.approx(time.time(), abs=200)


def test_being_told_to_end_brings_the_deadline_forward(signals):
    signals.listen()
    assert not signals.deadline.passed()
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.deadline.passed()
    assert signals.sigterm_received


@pytest.mark.parametrize("name", ["USR1", "USR2"])
def test_warning_brings_the_deadline_forward_and_what_submitit_would_do_is_kept_for_later(signals, name, monkeypatch):
    monkeypatch.setenv("SUBMITIT_PREEMPT_SIGNAL", name)
    number, done = getattr(signal, f"SIG{name}"), []
    signal.signal(number, lambda *_: done.append("queued again"))
    signals.listen()
    os.kill(os.getpid(), number)
    assert signals.deadline.passed()
    assert not signals.sigterm_received
    assert done == []
    signals.queue_again()
    assert done == ["queued again"]


def test_deadline_is_never_put_off(signals):
    signals.listen()
    signals.deadline.bring_forward(time.monotonic() - 5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.deadline.passed()


def test_nothing_is_queued_again_where_submitit_listens_to_nothing(signals):
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    signals.listen()
    signals.queue_again()
