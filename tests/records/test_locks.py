"""A lock is held by one at a time; where there are none that is said, and what else fails names its file."""

import errno
import fcntl
import os
import re

import pytest

from pipeline.errors import ENOTSUPP, PipelineError
from pipeline.records.locks import NO_LOCKS, has_locks, locked

TROUBLE = {
    errno.EIO: "input/output error",
    errno.ESTALE: "stale file handle",
    errno.EREMOTEIO: "remote i/o error",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    521: "the server does not know the file any more (error 521)",
    599: "the system has no words for it (error 599)",
}
"""What no file system without locks says, and its words; the C library has none for the last two."""


def answering(monkeypatch, *numbers):
    """Have flock(2) answer with some errors first, and then as it does."""
    left, real = list(numbers), fcntl.flock

    def flock(file, operation):
        if left:
            raise OSError(left.pop(0), "what the C library says")
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


def silent(text):
    raise AssertionError(text)


def test_second_open_file_is_refused_until_the_first_is_closed(tmp_path):
    path = tmp_path / "lock"
    with locked(path, silent):
        assert locked(path, silent) is None
    with locked(path, silent) as file:
        assert file.name == str(path)


@pytest.mark.parametrize("number", sorted(NO_LOCKS))
def test_where_there_are_no_locks_everybody_gets_the_file_and_is_told(tmp_path, monkeypatch, number):
    answering(monkeypatch, number, number)
    warnings = []
    with locked(tmp_path / "lock", warnings.append), locked(tmp_path / "lock", warnings.append):
        pass
    assert warnings == [f"the file system of {tmp_path} has no locks: start nothing twice in this run"] * 2


def test_cray_dvs_and_autofs_are_file_systems_without_locks():
    assert ENOTSUPP == 524  # seen on both: HDF5 issue 3311, SCR issue 510
    assert ENOTSUPP in NO_LOCKS


@pytest.mark.parametrize("number", TROUBLE)
def test_what_else_fails_names_the_file_and_says_why(tmp_path, monkeypatch, number):
    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    message = re.escape(f"{tmp_path / 'lock'}: cannot be locked: {TROUBLE[number]}\n  hint: ")
    with pytest.raises(PipelineError, match=f"^{message}"):
        locked(tmp_path / "lock", silent)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_file_that_was_replaced_or_whose_server_was_restarted_is_opened_anew(tmp_path, monkeypatch, number):
    answering(monkeypatch, number, number)
    with locked(tmp_path / "lock", silent):
        assert locked(tmp_path / "lock", silent) is None


def test_a_folder_has_locks_whether_its_lock_is_held_or_free_but_not_where_there_are_none(tmp_path, monkeypatch):
    assert has_locks(tmp_path)
    with locked(tmp_path / ".lock", silent):
        assert has_locks(tmp_path)
    answering(monkeypatch, errno.ENOSYS)
    assert not has_locks(tmp_path)
