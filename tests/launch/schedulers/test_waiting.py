"""Who waits is told what for, even where the block keeps for itself what is printed in it."""

import contextlib
import io
import sys
import threading

from pipeline.launch.schedulers import waiting
from pipeline.launch.schedulers.waiting import announce_if_slow


def test_what_takes_long_is_told_and_what_does_not_is_not(monkeypatch):
    said, twice = [], threading.Event()

    def say(text):
        said.append(text)
        if len(said) == 2:
            twice.set()

    with announce_if_slow(say, "waiting"):
        pass
    assert said == []
    monkeypatch.setattr(waiting, "SECONDS_UNTIL_ANNOUNCED", 0.05)
    with announce_if_slow(say, "waiting"):
        assert twice.wait(60)
    assert said[:2] == ["waiting (0.05 s so far)", "waiting (0.1 s so far)"]


def test_it_is_told_where_it_would_have_been_before_the_block(monkeypatch, capsys):
    monkeypatch.setattr(waiting, "SECONDS_UNTIL_ANNOUNCED", 0.05)
    told = threading.Event()

    def say(text):
        print(text, file=sys.stderr)
        told.set()

    with announce_if_slow(say, "waiting"), contextlib.redirect_stderr(io.StringIO()):
        assert told.wait(60)
    assert capsys.readouterr().err.startswith("waiting (0.05 s so far)\n")
