"""Transaction logs (``run-*.wandb``), in which W&B's client keeps what it has not sent, and which ``wandb sync`` reads.

Seven bytes of header, then the log format of LevelDB: blocks of 32 KiB in which each chunk of a record has a checksum,
a length and a type. A record is a protobuf message. Written here and not by ``wandb.init`` of wandb 0.31.0, which
takes 40 ms and nine files a run: this is one file, which appears whole or not at all and is the same whenever it is
written.

Source: https://github.com/wandb/wandb, core/internal/transactionlog;
https://github.com/google/leveldb, doc/log_format.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from wandb.proto import wandb_internal_pb2 as protocol

from pipeline.records.atomic_writes import replacing

HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
BLOCK = 32768
CHUNK = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


class TruncatedLogError(ValueError):
    """A log that is damaged, or ends before its exit record."""


def write_log(path: Path, records: Iterable[protocol.Record]) -> None:
    """Write a log atomically, in place of one that is there.

    Args:
        path: Of the log.
        records: In order; each gets its number, from 1.
    """
    content = bytearray(HEADER)
    for number, record in enumerate(records, 1):
        record.num = number
        _append(content, record.SerializeToString())
    with replacing(path) as part:
        part.write_bytes(content)


def _append(content: bytearray, payload: bytes) -> None:
    """Add a record, in as many chunks as the ends of blocks ask for."""
    begun = False
    while True:
        room = BLOCK - len(content) % BLOCK
        if room < CHUNK.size:
            content.extend(bytes(room))
            room = BLOCK
        piece, payload = payload[: room - CHUNK.size], payload[room - CHUNK.size :]
        kind = (MIDDLE if payload else LAST) if begun else (FIRST if payload else FULL)
        content.extend(CHUNK.pack(zlib.crc32(bytes([kind]) + piece), len(piece), kind))
        content.extend(piece)
        begun = True
        if not payload:
            return


def read_log(path: Path) -> Iterator[protocol.Record]:
    """The records of a log.

    Args:
        path: Of the log.

    Yields:
        One record after the other.

    Raises:
        TruncatedLogError: If it is damaged, or ends before its exit record.
        OSError: If it cannot be read.
    """
    ended = False
    for payload in _payloads(path.read_bytes()):
        record = protocol.Record.FromString(payload)
        ended = ended or record.HasField("exit")
        yield record
    if not ended:
        raise TruncatedLogError("it ends before the end of the run")


def _payloads(content: bytes) -> Iterator[bytes]:
    if content[: len(HEADER)] != HEADER:
        raise TruncatedLogError("it has no header" if content else "it is empty")
    at, parts = len(HEADER), []
    while at < len(content):
        room = BLOCK - at % BLOCK
        if room < CHUNK.size:
            at += room
            continue
        if at + CHUNK.size > len(content):
            raise TruncatedLogError(f"it breaks off at byte {at}")
        checksum, length, kind = CHUNK.unpack_from(content, at)
        piece = content[at + CHUNK.size : at + CHUNK.size + length]
        if len(piece) < length or zlib.crc32(bytes([kind]) + piece) != checksum:
            raise TruncatedLogError(f"the checksum at byte {at} is wrong")
        parts.append(piece)
        at += CHUNK.size + length
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []


def is_complete(path: Path) -> bool:
    """Whether a log is there, undamaged, with its exit record."""
    try:
        for _ in read_log(path):
            pass
    except (TruncatedLogError, OSError, ValueError):
        return False
    return True
