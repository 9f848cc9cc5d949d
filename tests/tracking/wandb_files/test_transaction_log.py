"""A log that is written here is read by a second reader, and a damaged one is not taken for whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import wandb_log
from hypothesis import given, settings
from hypothesis import strategies as st
from wandb.proto import wandb_internal_pb2 as protocol

from pipeline.tracking.wandb_files.transaction_log import (
    BLOCK,
    CHUNK,
    TruncatedLogError,
    is_complete,
    read_log,
    write_log,
)

EXIT = protocol.Record(exit=protocol.RunExitRecord())


def text(length: int) -> protocol.Record:
    return protocol.Record(output_raw=protocol.OutputRawRecord(line="x" * length))


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.one_of(st.integers(0, 100), st.integers(BLOCK - 40, BLOCK + 40)), max_size=8))
def test_records_of_every_length_come_back(lengths: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "run-x.wandb"
    write_log(path, [*(text(length) for length in lengths), EXIT])
    assert [len(record.output_raw.line) for record in wandb_log.records(path)[:-1]] == lengths
    assert [record.num for record in read_log(path)] == list(range(1, len(lengths) + 2))
    assert is_complete(path)


@pytest.mark.parametrize("left", range(10))
def test_a_record_at_the_end_of_a_block_is_moved_or_split(tmp_path: Path, left: int) -> None:
    path = tmp_path / "run-x.wandb"
    write_log(path, [text(0)])
    room = BLOCK - path.stat().st_size - CHUNK.size - left
    write_log(path, [text(0), text(room - 9), text(50), EXIT])
    assert [len(record.output_raw.line) for record in wandb_log.records(path)[:-1]] == [0, room - 9, 50]


@pytest.mark.parametrize("cut", [0, 3, 7, 12, -1])
def test_a_torn_log_is_not_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run-x.wandb"
    write_log(path, [text(5), EXIT])
    path.write_bytes(path.read_bytes()[:cut])
    assert not is_complete(path)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "run-x.wandb"
    write_log(path, [text(50), EXIT])
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    path.write_bytes(content)
    with pytest.raises(TruncatedLogError, match=re.escape("the checksum at byte 7 is wrong")):
        list(read_log(path))


def test_a_log_without_the_end_of_its_run_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "run-x.wandb"
    write_log(path, [text(5)])
    with pytest.raises(TruncatedLogError, match="it ends before the end of the run"):
        list(read_log(path))
