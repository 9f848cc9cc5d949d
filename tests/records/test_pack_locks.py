"""One process at a time has a pack, and the lock goes when the process does."""

import errno
import fcntl
import re
import subprocess
import sys

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.records.locks import NO_LOCKS
from pipeline.records.pack_locks import pack_lock
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes

HOLDER = """
import sys, time
from pathlib import Path
from pipeline.records.pack_locks import pack_lock
with pack_lock(Path(sys.argv[1]), "p", print) as held:
    print(held, flush=True)
    time.sleep(600)
"""


def silent(text):
    raise AssertionError(text)


def finish(run, status="done"):
    row = dict.fromkeys(OUTCOMES.names()) | {"trial": "a", "status": status, "pack": "p"}
    write_outcomes(run, "p", pl.DataFrame([row], schema=OUTCOMES))


def test_pack_that_another_process_has_is_not_given_until_that_is_killed(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "True\n"
        with pack_lock(tmp_path, "p", silent) as held:
            assert not held
        with pack_lock(tmp_path, "q", silent) as held:
            assert held
    finally:
        other.kill()
        other.communicate()
    with pack_lock(tmp_path, "p", silent) as held:
        assert held


def test_pack_is_free_again_after_a_failure(tmp_path):
    with pytest.raises(RuntimeError, match=r"^failed$"), pack_lock(tmp_path, "p", silent):
        raise RuntimeError("failed")
    with pack_lock(tmp_path, "p", silent) as held:
        assert held


def test_file_of_the_lock_goes_with_the_end_of_the_pack_and_not_before(tmp_path):
    lock = tmp_path / "locks" / "p.lock"
    for status, stays in (("failed", True), ("done", False)):
        with pack_lock(tmp_path, "p", silent):
            finish(tmp_path, status)
        assert lock.exists() is stays


def test_who_does_not_hold_a_pack_does_not_remove_its_lock(tmp_path):
    with pack_lock(tmp_path, "p", silent):
        finish(tmp_path)
        with pack_lock(tmp_path, "p", silent) as held:
            assert not held
        assert (tmp_path / "locks" / "p.lock").exists()


@pytest.mark.parametrize("number", sorted(NO_LOCKS), ids=errno.errorcode.get)
def test_file_system_without_locks_is_warned_of_and_everybody_gets_the_pack(tmp_path, monkeypatch, number):
    def refused(file, operation):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refused)
    warnings = []
    with pack_lock(tmp_path, "p", warnings.append) as first, pack_lock(tmp_path, "p", warnings.append) as second:
        assert first
        assert second
    message = re.escape(f"the file system of {tmp_path / 'locks'} has no locks: start nothing twice in this run")
    assert re.fullmatch(message, warnings[0])


def test_lock_that_fails_for_another_reason_is_an_error(tmp_path, monkeypatch):
    def broken(file, operation):
        raise OSError(errno.EIO, "disk on fire")

    monkeypatch.setattr(fcntl, "flock", broken)
    message = re.escape(f"{tmp_path / 'locks' / 'p.lock'}: cannot be locked: disk on fire\n  hint: ")
    with pytest.raises(PipelineError, match=f"^{message}"), pack_lock(tmp_path, "p", silent):
        pass
