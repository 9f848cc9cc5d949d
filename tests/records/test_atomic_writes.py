"""Files appear whole or not at all, and what goes wrong names them."""

import errno
import os
import re
from pathlib import Path

import pytest

from pipeline.records.atomic_writes import creating, naming, replacing


def test_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(TypeError, match="must be str"), replacing(path) as part:
        part.write_text(b"half")
    assert list(tmp_path.iterdir()) == []
    with replacing(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_made_once_and_the_first_stays(tmp_path, monkeypatch, *, links):
    path = tmp_path / "file"
    if not links:  # a file system without hard links
        monkeypatch.setattr(os, "link", refused)
    with creating(path) as part:
        part.write_text("first")
    assert path.read_text() == "first"
    if links:
        with pytest.raises(FileExistsError, match=re.escape(f"File exists: '{path}'")), creating(path) as part:
            part.write_text("second")
        assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def refused(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_write_that_fails_names_the_file(tmp_path):
    with pytest.raises(OSError, match=r"No space left") as full, naming("here"):
        Path("/dev/full").write_text("x")
    assert (full.value.errno, full.value.filename) == (errno.ENOSPC, "here")


def test_name_that_an_error_has_already_stays(tmp_path):
    with pytest.raises(FileNotFoundError) as missing, naming("here"):
        (tmp_path / "other").read_text()
    assert missing.value.filename == str(tmp_path / "other")
