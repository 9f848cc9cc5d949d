"""A folder of a run has changed where training has written into it."""

from __future__ import annotations

from pathlib import Path

from pipeline.api.run_contents import files_of
from pipeline.records.atomic_writes import replacing


def write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as part:
        part.write_text("same")


def test_files_differ_when_one_is_written_even_with_the_same_content(tmp_path: Path) -> None:
    assert files_of(tmp_path) == frozenset()
    write(tmp_path / "records" / "a-0.parquet")
    first = files_of(tmp_path)
    assert len(first) == 1
    assert files_of(tmp_path) == first
    write(tmp_path / "records" / "a-0.parquet")
    second = files_of(tmp_path)
    assert second != first
    write(tmp_path / "outcomes" / "a.parquet")
    assert files_of(tmp_path) > second
    write(tmp_path / "theory" / "a.parquet")
    (tmp_path / "records" / ".a-1.parquet.part").write_text("half")
    assert len(files_of(tmp_path)) == 2
