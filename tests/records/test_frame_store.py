"""Frames appear whole or not at all, and what is damaged is named and does no harm."""

import polars as pl
import pytest

from pipeline.records.atomic_writes import replacing
from pipeline.records.frame_store import FRAMES, read_frames, remove_frames, write_frames
from pipeline.records.store import remove_unfinished_writes

THIRD = 1 / 3


def frame(step=0, weights=(THIRD, 2.0), dtype=pl.Float64, atoms=None):
    row = {"trial": ["a"], "step": [step], "weights": pl.Series([list(weights)], dtype=pl.List(dtype))}
    return pl.DataFrame(row | {"atoms": pl.Series([atoms], dtype=FRAMES["atoms"])})


def test_a_run_without_frames_has_none_and_nothing_is_damaged(tmp_path):
    frames, damaged = read_frames(tmp_path)
    assert (frames.schema, frames.height, damaged) == (FRAMES, 0, [])


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
def test_weights_are_read_as_they_were_trained_to_the_last_bit(tmp_path, dtype):
    write_frames(tmp_path, "p", 0, frame(dtype=dtype, atoms=[3, 1]))
    frames, _ = read_frames(tmp_path)
    expected = pl.Series([THIRD], dtype=dtype).cast(pl.Float64)[0]
    assert frames.rows() == [("a", 0, [expected, 2.0], [3, 1])]


def test_a_part_that_starts_at_the_same_step_takes_the_place_of_the_earlier(tmp_path):
    write_frames(tmp_path, "p", 5, frame(5, (1.0,)))
    write_frames(tmp_path, "p", 5, frame(5, (2.0, 3.0)))
    write_frames(tmp_path, "q", 0, frame(0, (4.0,), pl.Float32))
    assert read_frames(tmp_path)[0]["weights"].to_list() == [[2.0, 3.0], [4.0]]
    assert read_frames(tmp_path, "q")[0]["weights"].to_list() == [[4.0]]


def test_parts_from_a_step_on_are_removed(tmp_path):
    for step in (0, 6, 11):
        write_frames(tmp_path, "p", step, frame(step))
        write_frames(tmp_path, "q", step, frame(step))
    remove_frames(tmp_path, "p", 6)
    assert read_frames(tmp_path, "p")[0]["step"].to_list() == [0]
    assert read_frames(tmp_path, "q")[0]["step"].to_list() == [0, 6, 11]


@pytest.mark.parametrize("content", [b"", b"PAR1 no table PAR1"])
def test_a_damaged_part_is_named_and_the_others_are_read(tmp_path, content):
    write_frames(tmp_path, "p", 0, frame())
    write_frames(tmp_path, "q", 0, frame())
    (path,) = (tmp_path / "frames").glob("p-*")
    path.write_bytes(content)
    frames, damaged = read_frames(tmp_path)
    assert (frames.height, damaged) == (1, [path])


def test_a_table_of_other_columns_is_damaged(tmp_path):
    write_frames(tmp_path, "p", 0, frame())
    (path,) = (tmp_path / "frames").iterdir()
    pl.DataFrame({"trial": ["a"]}).write_parquet(path)
    assert read_frames(tmp_path)[1] == [path]


def test_what_a_killed_process_had_begun_to_write_is_removed(tmp_path):
    (tmp_path / "frames").mkdir()
    with replacing(tmp_path / "frames" / "p-0.parquet") as part:
        part.write_bytes(b"half")
        left = part.with_name(f"{part.name}x.part")
        left.write_bytes(b"half")
    remove_unfinished_writes(tmp_path, "p")
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["p-0.parquet"]
