"""The index says which trials runs have finished, whatever happens to them, and leaves the runs as they are."""

import errno
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import polars as pl
import pytest

from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes
from pipeline.reuse.trial_index import INDEX, finished_trials, keys_of, runs_in

OBSERVED = {"diagnostics": [{"loss": {}}], "record_at": [1]}


def identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def made(run: Path, packs: dict[str, dict[str, str]], age: float = 60.0) -> Path:
    """A run with the outcomes of some packs, last changed some seconds ago, or by a clock that is ahead."""
    for pack, trials in packs.items():
        rows = [
            dict.fromkeys(OUTCOMES.names())
            | {"trial": identity(trial), "status": status, "pack": pack, "engine": "fused", "numerics": "1"}
            for trial, status in trials.items()
        ]
        write_outcomes(run, pack, pl.DataFrame(rows, schema=OUTCOMES))
    (run / "plan.json").write_text(json.dumps({"observed": OBSERVED}))
    aged(run, age)
    return run


def aged(run: Path, age: float) -> None:
    os.utime(run / "outcomes", (time.time() - age,) * 2)


def found(runs: list[Path], *names: str) -> list[tuple[str, int, str]]:
    wanted = {identity(name): name for name in names}
    rows = finished_trials(runs, list(wanted)).select("trial", "run", "pack").iter_rows()
    return sorted((wanted[trial], run, pack) for trial, run, pack in rows)


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_each_run_that_has_finished_a_trial_is_found_and_stays_as_it_is(tmp_path):
    one = made(tmp_path / "one", {"p": {"a": "done", "b": "diverged"}, "q": {"c": "done"}})
    two = made(tmp_path / "two", {"r": {"a": "done"}})
    before = content(one) | content(two)
    for _ in range(2):  # read, and then from the index
        assert found([one, two], "a", "c", "z") == [("a", 0, "p"), ("a", 1, "r"), ("c", 0, "q")]
    assert content(one) | content(two) == before
    assert len(list((tmp_path / INDEX).iterdir())) == 2
    row = finished_trials([one], [identity("b")]).row(0, named=True)
    assert (row["engine"], row["device"], row["numerics"]) == ("fused", None, "1")
    assert json.loads(row["observed"]) == OBSERVED


def test_a_pack_in_which_a_trial_failed_is_not_finished(tmp_path):
    run = made(tmp_path / "one", {"p": {"a": "done", "b": "failed"}, "q": {"c": "done"}})
    assert found([run], "a", "b", "c") == [("c", 0, "q")]


@pytest.mark.parametrize("age", [-1000.0, 60.0], ids=["being trained", "still for a minute"])
def test_what_is_finished_later_is_found_later(tmp_path, age):
    run = made(tmp_path / "one", {"p": {"a": "done"}}, age)
    assert found([run], "a", "b") == [("a", 0, "p")]
    assert (tmp_path / INDEX).exists() == (age > 0)
    made(run, {"q": {"b": "done"}}, age / 2)
    assert found([run], "a", "b") == [("a", 0, "p"), ("b", 0, "q")]
    assert len(list(tmp_path.glob(f"{INDEX}/*"))) <= 1


def test_indexes_of_runs_that_are_gone_go_too(tmp_path):
    one, two = made(tmp_path / "one", {"p": {"a": "done"}}), made(tmp_path / "two", {"p": {"a": "done"}})
    found([one, two], "a")
    shutil.rmtree(one)
    made(two, {"q": {"b": "done"}}, 30)
    assert runs_in([tmp_path]) == [two]
    assert found([one, two], "a", "b") == [("a", 1, "p"), ("b", 1, "q")]
    assert len(list((tmp_path / INDEX).iterdir())) == 1


@pytest.mark.parametrize("harm", ["plan", "outcomes", "no plan"])
def test_a_damaged_run_has_finished_nothing_and_keeps_no_other_from_being_found(tmp_path, harm):
    one, two = made(tmp_path / "one", {"p": {"a": "done"}}), made(tmp_path / "two", {"p": {"a": "done"}})
    if harm == "outcomes":
        (one / "outcomes" / "p.parquet").write_bytes(b"PAR1")
        aged(one, 30)
    elif harm == "plan":
        (one / "plan.json").write_text("{")
    else:
        (one / "plan.json").unlink()
    assert found([one, two], "a") == [("a", 1, "p")]


def test_a_damaged_index_is_made_anew(tmp_path):
    run = made(tmp_path / "one", {"p": {"a": "done"}})
    found([run], "a")
    (index,) = (tmp_path / INDEX).iterdir()
    index.write_bytes(index.read_bytes()[:100])
    for _ in range(2):
        assert found([run], "a") == [("a", 0, "p")]


def test_an_index_that_cannot_be_kept_is_made_each_time(tmp_path):
    run = made(tmp_path / "one", {"p": {"a": "done"}})
    (tmp_path / INDEX).write_text("in the way")
    for _ in range(2):
        assert found([run], "a") == [("a", 0, "p")]
    assert (tmp_path / INDEX).read_text() == "in the way"


def test_a_folder_of_runs_has_those_in_it_and_a_run_itself_each_once(tmp_path):
    one, two = made(tmp_path / "one", {"p": {"a": "done"}}), made(tmp_path / "two", {"p": {"a": "done"}})
    (tmp_path / "three").mkdir()
    (tmp_path / "link").symlink_to(one)
    assert len(runs_in([tmp_path, two])) == 2
    assert runs_in([two]) == [two]
    assert runs_in([tmp_path / "nowhere"]) == []


def test_folders_of_others_are_passed_over(tmp_path, monkeypatch):
    one, stat = made(tmp_path / "one", {"p": {"a": "done"}}), Path.stat
    (tmp_path / "another").mkdir()

    def of_another_user(path, **named):
        if "another" in path.parts[:-1]:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **named)

    monkeypatch.setattr(Path, "stat", of_another_user)
    assert runs_in([tmp_path]) == [one]


def test_trials_are_looked_up_by_the_first_digits_of_their_ids():
    ids = pl.Series([identity("a"), "f" * 64, "0" * 64])
    assert keys_of(ids).to_list() == [int(one[:15], 16) for one in ids]
