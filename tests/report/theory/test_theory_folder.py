"""What theory needed long for is computed once, never taken for something else, and never in the way."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from pipeline.report.theory import theory_folder
from pipeline.report.theory.theory_folder import FOLDER, kept, on_all_cores


class Counted:
    """Computes a table, and counts how often."""

    def __init__(self, *values: float) -> None:
        self.table, self.calls = pl.DataFrame({"x": values}, schema={"x": pl.Float64}), 0

    def __call__(self) -> pl.DataFrame:
        self.calls += 1
        return self.table


def test_a_table_is_computed_once_and_read_again(tmp_path):
    compute = Counted(1.5, float("inf"))
    tables = [kept(tmp_path, "numbers_1", {"width": 2}, compute) for _ in range(3)]
    assert compute.calls == 1
    assert all(table.equals(compute.table) for table in tables)
    assert [path.suffix for path in (tmp_path / FOLDER).iterdir()] == [".table"]  # and nothing half written


@pytest.mark.parametrize("other", [("numbers_1", {"width": 3}), ("numbers_2", {"width": 2})])
def test_other_content_or_another_method_is_another_table(tmp_path, other):
    kept(tmp_path, "numbers_1", {"width": 2}, Counted(1.0))
    assert kept(tmp_path, *other, Counted(2.0))["x"].to_list() == [2.0]


def test_another_version_of_the_package_computes_anew(tmp_path, monkeypatch):
    kept(tmp_path, "numbers_1", {}, Counted(1.0))
    monkeypatch.setattr(theory_folder, "__version__", "another")
    assert kept(tmp_path, "numbers_1", {}, Counted(2.0))["x"].to_list() == [2.0]


@pytest.mark.parametrize("damage", [lambda content: content[:40], lambda content: bytes(len(content)), lambda _: b""])
def test_a_damaged_file_is_computed_anew(tmp_path, damage):
    kept(tmp_path, "numbers_1", {}, Counted(1.0))
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert kept(tmp_path, "numbers_1", {}, Counted(2.0))["x"].to_list() == [2.0]
    assert kept(tmp_path, "numbers_1", {}, Counted(3.0))["x"].to_list() == [2.0]


def test_a_file_of_which_any_one_bit_has_changed_is_computed_anew(tmp_path):
    kept(tmp_path, "numbers_1", {}, Counted(1.0, 2.0, 3.0))
    (file,) = (tmp_path / FOLDER).iterdir()
    whole = file.read_bytes()
    for place in range(0, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert kept(tmp_path, "numbers_1", {}, Counted(9.0))["x"].to_list() == [9.0]


def test_where_the_disk_is_full_nothing_is_kept_and_nothing_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert kept(tmp_path, "numbers_1", {}, Counted(1.0)).height == 1
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_was_computed_while_something_was_missing_is_not_kept(tmp_path):
    for value, is_whole in [(1.0, False), (2.0, True), (3.0, True)]:
        found = kept(tmp_path, "numbers_1", {}, Counted(value), lambda whole=is_whole: whole)
        assert found["x"].to_list() == [min(value, 2.0)]


def test_nothing_is_kept_of_nothing_nor_where_nothing_can_be_written(tmp_path):
    assert kept(tmp_path, "numbers_1", {}, Counted()).is_empty()
    assert kept(None, "numbers_1", {}, Counted(1.0)).height == 1
    assert list(tmp_path.iterdir()) == []
    (tmp_path / FOLDER).write_text("a file in its place")
    assert kept(tmp_path, "numbers_1", {}, Counted(1.0)).height == 1


def test_tasks_of_all_cores_keep_their_order():
    tables = on_all_cores(lambda number: pl.DataFrame({"x": [number]}), range(20))
    assert [table["x"][0] for table in tables] == list(range(20))
