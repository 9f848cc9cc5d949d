"""A deadline passes once, and only ever comes nearer."""

import math
import time

from pipeline.training.deadline import Deadline


def test_there_is_no_deadline_unless_one_is_set():
    assert Deadline().at == math.inf
    assert not Deadline().passed()


def test_deadline_passes_at_its_moment():
    assert Deadline(time.monotonic()).passed()
    assert not Deadline(time.monotonic() + 60).passed()


def test_deadline_is_brought_forward_and_never_back():
    deadline = Deadline(time.monotonic() + 60)
    deadline.bring_forward(time.monotonic() + 120)
    assert deadline.at < time.monotonic() + 61
    deadline.bring_forward(time.monotonic())
    assert deadline.passed()
    deadline.bring_forward(math.inf)
    assert deadline.passed()
