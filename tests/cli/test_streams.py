"""Who could not be written is said: standard output is blamed for itself alone."""

import errno
import io
import os
import sys
import threading

import pytest

from pipeline.cli import main
from pipeline.cli.streams import named_streams


@pytest.mark.parametrize(("name", "number"), [("standard output", 0), ("standard error", 1)])
def test_a_stream_that_is_full_is_named(name, number, monkeypatch):
    with io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True) as full:
        monkeypatch.setattr(sys, ["stdout", "stderr"][number], full)
        with pytest.raises(OSError, match="No space left") as told, named_streams():
            [sys.stdout, sys.stderr][number].write("text")
        assert (told.value.errno, told.value.filename) == (errno.ENOSPC, name)


def test_what_is_said_to_a_closed_stream_goes_nowhere(monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        assert main(["list", "clusters"]) == 0
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", None)
        assert main(["list", "nothing"]) == 2
        assert main(["listen"]) == 2
    assert capsys.readouterr() == ("", "")


def test_a_complaint_that_nobody_reads_ends_quietly(monkeypatch, capsys):
    ours, theirs = os.pipe()
    os.close(ours)
    with io.TextIOWrapper(io.FileIO(theirs, "w"), write_through=True) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        assert main(["listen"]) == 2
    assert capsys.readouterr().out == ""


def test_a_pipe_that_is_full_is_waited_for_though_it_would_not_wait(monkeypatch):
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    read = []

    def read_all():
        with os.fdopen(ours, "rb") as pipe:
            read.extend(iter(lambda: pipe.read(1 << 16), b""))

    reader = threading.Thread(target=read_all)
    with os.fdopen(theirs, "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        threading.Timer(0.1, reader.start).start()
        with named_streams():
            print("x" * (1 << 20))
            sys.stdout.flush()
        assert not os.get_blocking(theirs)
    reader.join()
    assert len(b"".join(read)) == (1 << 20) + 1


def test_help_that_cannot_be_written_is_told_of(monkeypatch, capsys):
    with io.TextIOWrapper(io.FileIO("/dev/full", "w")) as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["--help"]) == 2
    assert capsys.readouterr().err == "standard output: no space left on device\n"


def test_streams_are_as_before_after_the_block():
    before = sys.stdout, sys.stderr
    with named_streams():
        assert sys.stdout.encoding == before[0].encoding
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), OSError(errno.EPIPE, "Broken pipe")])
def test_what_fails_elsewhere_is_not_said_of_standard_output(error, monkeypatch, capsys):
    def broken(asked):
        raise error

    monkeypatch.setattr("pipeline.cli.reporting.run_folder", broken)
    assert main(["report"]) == 2
    assert capsys.readouterr().err == f"python -m pipeline report: {error.strerror.lower()}\n"
