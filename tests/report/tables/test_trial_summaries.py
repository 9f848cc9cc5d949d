"""What is kept of the records of a pack is what they say, and is made anew where they may say something else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.records import store
from pipeline.report.tables import trial_summaries
from pipeline.report.tables.results import read_results, results


@pytest.fixture
def folder(run, tmp_path, monkeypatch) -> Path:
    """A copy of the run, every pack of which counts as large."""
    for module in (store, trial_summaries):
        monkeypatch.setattr(module, "LEAST_BYTES_ALONE", 0)
    return shutil.copytree(run.folder, tmp_path / "run")


def kept_in(folder: Path) -> list[Path]:
    return sorted((folder / "theory").glob(f"{trial_summaries.METHOD}-*.table"))


def test_results_from_summaries_are_those_of_the_records_to_the_last_bit(run, folder):
    for _ in range(2):
        assert_frame_equal(read_results(folder, run.plan, run.outcomes), run.results, check_exact=True)
    ended = store.finished_packs(folder)
    assert 0 < len(ended) < len(run.plan.packs)
    assert len(kept_in(folder)) == len(ended)  # none of a pack that still runs, or is to be tried again


def test_what_is_kept_is_read_in_place_of_the_records(run, folder):
    read_results(folder, run.plan, run.outcomes)
    for pack in store.finished_packs(folder):
        for part in (folder / "records").glob(f"{pack}-*.parquet"):
            there = part.stat()
            part.write_bytes(bytes(there.st_size))
            os.utime(part, ns=(there.st_atime_ns, there.st_mtime_ns))
    assert_frame_equal(read_results(folder, run.plan, run.outcomes), run.results, check_exact=True)


def test_a_pack_whose_records_are_written_again_is_gone_through_again(run, folder):
    before = read_results(folder, run.plan, run.outcomes)
    pack = min(store.finished_packs(folder))
    rows = store.read_records_of(folder, pack)
    store.write_records(folder, pack, 0, rows.with_columns(pl.col("value") / 2))
    after = read_results(folder, run.plan, run.outcomes)
    assert not after["loss"].equals(before["loss"])
    assert_frame_equal(after, results(run.plan, store.read_records(folder), run.outcomes), check_exact=True)


@pytest.mark.parametrize("column, value", [("status", "failed"), ("learning_rate", 1.5)])
def test_a_pack_that_ended_otherwise_is_gone_through_again(run, folder, column, value):
    read_results(folder, run.plan, run.outcomes)
    first = pl.col("pack") == min(store.finished_packs(folder))
    outcomes = run.outcomes.with_columns(pl.when(first).then(pl.lit(value)).otherwise(column).alias(column))
    again = read_results(folder, run.plan, outcomes)
    assert_frame_equal(again, results(run.plan, run.records, outcomes), check_exact=True)


def test_of_a_small_run_nothing_is_kept(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    assert_frame_equal(read_results(folder, run.plan, run.outcomes), run.results, check_exact=True)
    assert not kept_in(folder)


def test_records_of_a_pack_that_the_plan_does_not_have_are_left_out(run, folder):
    stranger = run.records.with_columns(pack=pl.lit("0" * 16), value=pl.lit(5.0))
    store.write_records(folder, "0" * 16, 0, stranger)
    assert_frame_equal(read_results(folder, run.plan, run.outcomes), run.results, check_exact=True)


@pytest.mark.parametrize(
    "missing",
    [{"anything_left_out": lambda: True}, {"can_be_proved": lambda _: True, "dataset_of": lambda _: None}],
    ids=["code of one's own failed", "a table was moved"],
)
def test_what_is_said_while_something_is_missing_is_not_kept(run, folder, monkeypatch, missing):
    with monkeypatch.context() as patched:
        for name, instead in missing.items():
            patched.setattr(trial_summaries, name, instead)
        read_results(folder, run.plan, run.outcomes)
        assert not kept_in(folder)
    read_results(folder, run.plan, run.outcomes)
    assert kept_in(folder)
