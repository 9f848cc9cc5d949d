"""Who could not be written is said: standard output is blamed for itself alone."""

import errno
import io
import sys

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
