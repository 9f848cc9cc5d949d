"""A run is the folder that was named, or the newest; and it may stand among jobs, trials and packs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.api.run_folders import link_run, run_and_names, run_folder
from pipeline.errors import PipelineError
from pipeline.records.last_work import note_work


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(path: str, at: float = 0.0) -> Path:
    plan = Path(path) / "plan.json"
    plan.parent.mkdir(parents=True)
    plan.write_text("{}")
    os.utime(plan, (at, at))
    return plan.parent


def test_the_newest_run_is_taken_where_none_is_named() -> None:
    with pytest.raises(PipelineError, match=r"^there is no run in runs/ yet\n  hint: "):
        run_folder(None)
    made("runs/new", 2.0)
    made("runs/old", 1.0)
    assert run_folder(None) == Path("runs/new")
    assert run_folder(Path("runs/old")) == Path("runs/old")


def test_the_newest_run_is_the_one_last_worked_on_whenever_it_was_begun() -> None:
    old, new = made("runs/old", 1.0), made("runs/new", 2.0)
    assert run_folder(None) == new
    (old / "outcomes").mkdir()
    os.utime(old / "outcomes", (3.0, 3.0))  # a pack was finished
    assert run_folder(None) == old
    (new / "report.html").touch()  # it was looked at
    assert run_folder(None) == old
    note_work(new)  # somebody typed its command again, and nothing was left to do
    assert run_folder(None) == new


def test_a_run_is_told_from_the_names_beside_it() -> None:
    made("runs/xor")
    made("runs/other", 1.0)
    assert run_and_names(["4711_3", "runs/xor", "p1"]) == (Path("runs/xor"), ["4711_3", "p1"])
    assert run_and_names(["p1"]) == (Path("runs/other"), ["p1"])
    with pytest.raises(PipelineError, match=r"^'runs/xor' is a second run\n  hint: name one"):
        run_and_names(["runs/other", "runs/xor"])
    with pytest.raises(PipelineError, match=r"^runs/xro: there is no such folder\n  hint: did you mean 'runs/xor'"):
        run_and_names(["runs/xro"])


def test_a_run_elsewhere_is_linked_once(folder: Path) -> None:
    made("scratch/xor")
    link_run(folder / "scratch" / "xor")
    link_run(folder / "scratch" / "xor")
    assert run_folder(None) == Path("runs/xor")
    assert Path("runs/xor").resolve() == folder / "scratch" / "xor"


def test_a_part_of_the_name_of_a_run_tells_which_it_may_mean_the_newest_first() -> None:
    made("runs/xor-1", 1.0)
    with pytest.raises(PipelineError, match=r"^xor: there is no such folder\n  hint: did you mean runs/xor-1\?$"):
        run_folder(Path("xor"))
    made("runs/xor-2", 2.0)
    made("runs/digits-3", 3.0)
    meant = r"hint: did you mean runs/xor-2, runs/xor-1\? the newest is the first$"
    with pytest.raises(PipelineError, match=meant):
        run_folder(Path("XOR"))
