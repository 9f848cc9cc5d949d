"""A second reader of W&B's transaction logs, written from the description of LevelDB's log format alone."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as protocol


def records(path: Path) -> list[Any]:
    """Every record of a log."""
    return [protocol.Record.FromString(payload) for payload in payloads(path.read_bytes())]


def payloads(data: bytes) -> Iterator[bytes]:
    """The joined payloads, block by block."""
    assert data[:4] == b":W&B"
    assert struct.unpack("<HB", data[4:7]) == (0xBEE1, 0)
    whole = b""
    for start in range(0, len(data), 32768):
        block, at = data[start : start + 32768], 7 if start == 0 else 0
        while len(block) - at >= 7:
            checksum, length, kind = struct.unpack("<IHB", block[at : at + 7])
            piece = block[at + 7 : at + 7 + length]
            assert zlib.crc32(bytes([kind]) + piece) == checksum
            assert kind in (1, 2, 3, 4)
            assert bool(whole) == (kind in (3, 4))
            whole, at = whole + piece, at + 7 + length
            if kind in (1, 4):
                yield whole
                whole = b""
    assert not whole


def history(path: Path) -> list[dict[str, Any]]:
    """The rows of a log."""
    return [_values(record.history.item) for record in records(path) if record.HasField("history")]


def _values(items: Any) -> dict[str, Any]:
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
