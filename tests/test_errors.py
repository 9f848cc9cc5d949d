"""What the system could not do is said in words, whether it has words for it or not."""

import errno
import os

import pytest

from pipeline.errors import reason_of


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left on device"),
        (524, "not supported by the file system (error 524)"),
        (528, "the server of the file system is busy (error 528)"),
        (999, "the system has no words for it (error 999)"),
    ],
)
def test_every_number_has_words(number, words):
    assert reason_of(OSError(number, os.strerror(number), "file")) == words


def test_an_error_without_a_number_keeps_its_text():
    assert reason_of(OSError("Not Open")) == "not open"
