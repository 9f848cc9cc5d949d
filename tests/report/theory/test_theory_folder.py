"""What theory needed long for is computed once, never taken for something else, and never in the way."""

from __future__ import annotations

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
    assert [path.suffix for path in (tmp_path / FOLDER).iterdir()] == [".parquet"]  # and nothing half written


@pytest.mark.parametrize("other", [("numbers_1", {"width": 3}), ("numbers_2", {"width": 2})])
def test_other_content_or_another_method_is_another_table(tmp_path, other):
    kept(tmp_path, "numbers_1", {"width": 2}, Counted(1.0))
    assert kept(tmp_path, *other, Counted(2.0))["x"].to_list() == [2.0]


def test_another_version_of_the_package_computes_anew(tmp_path, monkeypatch):
    kept(tmp_path, "numbers_1", {}, Counted(1.0))
    monkeypatch.setattr(theory_folder, "__version__", "another")
    assert kept(tmp_path, "numbers_1", {}, Counted(2.0))["x"].to_list() == [2.0]


def test_a_damaged_file_is_computed_anew(tmp_path):
    kept(tmp_path, "numbers_1", {}, Counted(1.0))
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_bytes(b"PAR1 and then the disk was full")
    assert kept(tmp_path, "numbers_1", {}, Counted(2.0))["x"].to_list() == [2.0]
    assert pl.read_parquet(file)["x"].to_list() == [2.0]


def test_nothing_is_kept_of_nothing_nor_where_nothing_can_be_written(tmp_path):
    assert kept(tmp_path, "numbers_1", {}, Counted()).is_empty()
    assert kept(None, "numbers_1", {}, Counted(1.0)).height == 1
    assert list(tmp_path.iterdir()) == []
    (tmp_path / FOLDER).write_text("a file in its place")
    assert kept(tmp_path, "numbers_1", {}, Counted(1.0)).height == 1


def test_tasks_of_all_cores_keep_their_order():
    tables = on_all_cores(lambda number: pl.DataFrame({"x": [number]}), range(20))
    assert [table["x"][0] for table in tables] == list(range(20))
