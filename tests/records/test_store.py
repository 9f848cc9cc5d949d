"""Records appear whole or not at all, and read back as they were written."""

import errno
import itertools
import math
import os
import re
import resource
import traceback

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.records import store
from pipeline.records.atomic_writes import replacing
from pipeline.records.frame_store import write_frames
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.records.store import (
    finished_packs,
    is_finished,
    link_records,
    naming_damage,
    read_fitted_samples,
    read_outcomes,
    read_records,
    records_by_packs,
    remove_records,
    remove_unfinished_writes,
    scan_records,
    write_fitted_samples,
    write_outcomes,
    write_records,
)


def numbers(*values, step=0):
    return pl.DataFrame(
        {"trial": ["a"] * len(values), "step": step, "diagnostic": "loss", "value": list(values), "pack": "p"},
        schema=RECORDS,
    )


def outcome(trial, status, pack):
    row = dict.fromkeys(OUTCOMES.names()) | {"trial": trial, "status": status, "pack": pack}
    return pl.DataFrame([row], schema=OUTCOMES)


def test_infinite_and_nan_are_values(tmp_path):
    write_records(tmp_path, "p", 0, numbers(1.5, math.inf, -math.inf, math.nan))
    values = read_records(tmp_path)["value"].to_list()
    assert values[:3] == [1.5, math.inf, -math.inf]
    assert math.isnan(values[3])


def test_empty_run_has_empty_tables_of_the_right_columns(tmp_path):
    assert read_records(tmp_path).schema == RECORDS
    assert read_outcomes(tmp_path).schema == OUTCOMES
    assert read_fitted_samples(tmp_path).schema == FITTED_SAMPLES
    assert finished_packs(tmp_path) == set()


def test_part_that_starts_at_the_same_step_takes_the_place_of_the_earlier(tmp_path):
    write_records(tmp_path, "p", 5, numbers(1.0, 2.0))
    write_records(tmp_path, "p", 5, numbers(1.0, 2.0, 3.0))
    write_records(tmp_path, "p", 9, numbers(4.0))
    write_records(tmp_path, "q", 5, numbers(5.0))
    assert read_records(tmp_path)["value"].to_list() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_pack_with_a_failed_trial_is_not_finished(tmp_path):
    write_outcomes(tmp_path, "p", outcome("a", "done", "p"))
    write_outcomes(tmp_path, "q", outcome("b", "diverged", "q"))
    write_outcomes(tmp_path, "r", pl.concat([outcome("c", "failed", "r"), outcome("d", "done", "r")]))
    assert finished_packs(tmp_path) == {"p", "q"}


def test_damaged_part_is_named(tmp_path):
    write_records(tmp_path, "p", 0, numbers(1.0))
    (path,) = (tmp_path / "records").iterdir()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(PipelineError, match="^" + re.escape(f"{path}: not a readable table of records: ")):
        read_records(tmp_path)


@pytest.fixture(params=[0, store.MOST_BYTES_READ], ids=["large", "small"])
def size_of_run(monkeypatch, request):
    """Runs whose records are too large to be read at once, and others."""
    monkeypatch.setattr(store, "MOST_BYTES_READ", request.param)
    return request.param


@pytest.mark.usefixtures("size_of_run")
def test_damaged_part_is_named_among_many(tmp_path):
    for step in (0, 5, 9):
        write_records(tmp_path, "p", step, numbers(1.0, step=step))
    (tmp_path / "records" / "p-000000000005.parquet").write_bytes(b"PAR1")
    with pytest.raises(PipelineError, match=r"p-000000000005\.parquet: not a readable table of records: "):
        read_records(tmp_path)
    with (
        pytest.raises(PipelineError, match=r"p-000000000005\.parquet: not a readable table of records: "),
        naming_damage(tmp_path),
    ):
        scan_records(tmp_path).collect()


@pytest.mark.usefixtures("size_of_run")
def test_a_query_finds_what_is_read_at_once(tmp_path):
    assert scan_records(tmp_path).collect().equals(read_records(tmp_path))
    for pack, step in itertools.product("qp", (9, 0)):
        write_records(tmp_path, pack, step, numbers(1.0, math.nan, step=step))
    assert scan_records(tmp_path).collect().equals(read_records(tmp_path))


@pytest.mark.parametrize(
    ("together", "alone", "tables"),
    [(0, 1 << 20, ["p", "q", "r"]), (1 << 20, 1 << 20, ["pqr"]), (1 << 20, 0, ["p", "q", "r"])],
    ids=["each above the limit", "all below it", "all large"],
)
def test_records_by_packs_have_all_of_a_pack_in_one_table(tmp_path, monkeypatch, together, alone, tables):
    monkeypatch.setattr(store, "MOST_BYTES_TOGETHER", together)
    monkeypatch.setattr(store, "LEAST_BYTES_ALONE", alone)
    assert [packed.scan().collect().schema for packed in records_by_packs(tmp_path)] == [RECORDS]
    for pack, step in itertools.product("rqp", (9, 0)):
        write_records(tmp_path, pack, step, numbers(1.0, math.nan, step=step).with_columns(pack=pl.lit(pack)))
    found = list(records_by_packs(tmp_path))
    assert ["".join(packed.packs) for packed in found] == tables
    parts = [packed.scan().collect() for packed in found]
    assert ["".join(part["pack"].unique(maintain_order=True)) for part in parts] == tables
    assert pl.concat(parts).equals(read_records(tmp_path))


def test_a_part_that_is_written_again_has_another_stamp(tmp_path):
    stamps = []
    for value in (1.0, 1.0, math.nan):
        write_records(tmp_path, "p", 0, numbers(value))
        (packed,) = records_by_packs(tmp_path)
        stamps.append(packed.stamp())
        os.utime(packed.parts[0], ns=(0, len(stamps)))  # however coarse the clock of the file system is
        assert packed.stamp() != stamps[-1]
    assert all(name == "p-000000000000.parquet" for ((name, _, _),) in stamps)


def test_part_that_is_removed_before_a_query_is_no_damage(tmp_path, monkeypatch):
    """Of a small run, all of which is read at once, no query misses it."""
    write_records(tmp_path, "p", 0, numbers(1.0))
    small = scan_records(tmp_path)
    monkeypatch.setattr(store, "MOST_BYTES_READ", 0)
    query = scan_records(tmp_path)
    remove_records(tmp_path, "p", 0)
    with pytest.raises(PipelineError, match="records: changed while they were read: "), naming_damage(tmp_path):
        query.collect()
    assert small.collect().height == 1


@pytest.mark.parametrize("run", ["run[1]", "run*", "run?"])
def test_name_of_a_run_is_no_pattern(tmp_path, run):
    for name in (run, "run1"):
        write_records(tmp_path / name, "p", 0, numbers(1.0))
        write_outcomes(tmp_path / name, "p", outcome("a", "done", "p"))
        write_outcomes(tmp_path / name, "q", outcome("b", "done", "q"))
    assert len(read_records(tmp_path / run)) == 1
    assert len(read_outcomes(tmp_path / run)) == 2
    assert is_finished(tmp_path / run, "p")


def test_unfinished_writes_are_not_read_and_can_be_swept_away(tmp_path):
    write_records(tmp_path, "p", 0, numbers(1.0))
    write_fitted_samples(
        tmp_path, "p", pl.DataFrame({"trial": ["a"], "space": ["line"], "x": [0.0], "y": [None], "value": [1.0]})
    )
    torn = [
        tmp_path / "records" / ".p-000.parquet.abc.part",
        tmp_path / "fits" / ".p.parquet.abc.part",
        tmp_path / "checkpoints" / "p" / ".last.ckpt.abc.part",
        tmp_path / "logs" / ".p.log.abc.part",
    ]
    for path in torn:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert len(read_records(tmp_path)) == len(read_fitted_samples(tmp_path)) == 1
    remove_unfinished_writes(tmp_path, "p")
    assert not any(path.exists() for path in torn)
    assert len(read_records(tmp_path)) == len(read_fitted_samples(tmp_path)) == 1


def test_replaced_file_keeps_its_old_content_until_the_new_is_whole(tmp_path):
    path = tmp_path / "a file 'with' quotes"
    path.write_text("old")
    with pytest.raises(OSError, match=r"^disk full$"), replacing(path) as part:  # noqa: PT012
        part.write_text("ne")
        assert path.read_text() == "old"
        raise OSError("disk full")
    assert path.read_text() == "old"
    with replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208


def test_outcomes_of_an_earlier_version_are_read_with_what_it_did_not_say_unknown(tmp_path):
    later = ("job", "attempt", "code")
    (tmp_path / "outcomes").mkdir()
    outcome("a", "done", "p").drop(later).write_parquet(tmp_path / "outcomes" / "p.parquet")
    write_outcomes(tmp_path, "q", outcome("b", "done", "q").with_columns(job=pl.lit("12"), attempt=pl.lit(3)))
    outcomes = read_outcomes(tmp_path)
    assert outcomes.schema == OUTCOMES
    assert outcomes.select("trial", *later).rows() == [("a", None, None, None), ("b", "12", 3, None)]
    assert finished_packs(tmp_path) == {"p", "q"}
    assert is_finished(tmp_path, "p")


def test_records_without_a_column_are_damaged(tmp_path):
    (tmp_path / "records").mkdir()
    numbers(1.0).drop("value").write_parquet(tmp_path / "records" / "p-0.parquet")
    with pytest.raises(PipelineError, match="not a readable table of records: "):
        read_records(tmp_path)
    write_records(tmp_path, "o", 0, numbers(1.0))  # also after a part that is whole
    with pytest.raises(PipelineError, match=r"p-0\.parquet: not a readable table of records: "):
        read_records(tmp_path)


def test_one_pack_is_finished_as_all_of_them_are(tmp_path):
    write_outcomes(tmp_path, "p", outcome("a", "done", "p"))
    write_outcomes(tmp_path, "q", pl.concat([outcome("c", "failed", "q"), outcome("d", "done", "q")]))
    assert {pack for pack in "pqr" if is_finished(tmp_path, pack)} == finished_packs(tmp_path) == {"p"}


def test_disk_that_is_full_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'$") as raised, replacing(path) as part:  # noqa: PT012
        part.symlink_to("/dev/full")
        part.write_bytes(b"new")
    assert raised.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_records, write_frames])
def test_the_error_of_a_failed_write_holds_no_view_of_a_buffer_that_may_be_collected_before_it(tmp_path, write):
    """Python 3.12.1 ends where an error in a cycle with a view of a BytesIO is collected: CPython's issue 111049."""
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, allowed[1]))
    try:
        with pytest.raises(OSError, match="File too large") as raised:
            write(tmp_path, "p", 0, numbers(1.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert raised.value.__cause__ is not None, "the error that names no file"
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__cause__.__traceback__)]
    views = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, memoryview)]
    assert {type(view.obj) for view in views} <= {bytes}


def test_folder_that_is_gone_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "gone" / "file"
    with pytest.raises(FileNotFoundError, match=f"'{path}'$"), replacing(path) as part:
        part.write_bytes(b"new")


def test_records_of_a_pack_are_shared_until_one_run_writes_others(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for first_step in (0, 10):
        write_records(one, "p", first_step, numbers(1.0, step=first_step))
    write_records(one, "q", 0, numbers(5.0))
    assert link_records(one, other, "p", 2)
    assert read_records(other)["step"].to_list() == [0, 10]
    write_records(other, "p", 10, numbers(2.0, step=10))
    remove_records(other, "p", 10)
    assert read_records(one)["value"].to_list() == [1.0, 1.0, 5.0]


def test_records_that_cannot_be_shared_leave_nothing_behind(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for first_step in (0, 10):
        write_records(one, "p", first_step, numbers(1.0, step=first_step))
    write_records(other, "p", 10, numbers(3.0, step=10))  # in the way, as if the file system had no links
    assert not link_records(one, other, "p", 2)
    assert read_records(other).is_empty()


@pytest.mark.parametrize("left", [0, 1])
def test_records_of_a_run_that_is_deleted_meanwhile_are_not_shared_in_part(tmp_path, left):
    one, other = tmp_path / "one", tmp_path / "other"
    for first_step in (0, 10)[:left]:
        write_records(one, "p", first_step, numbers(1.0, step=first_step))
    assert not link_records(one, other, "p", 2)
    assert read_records(other).is_empty()
