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
    whole, begun = b"", False  # a first piece may be empty
    for start in range(0, len(data), 32768):
        block, at = data[start : start + 32768], 7 if start == 0 else 0
        while len(block) - at >= 7:
            checksum, length, kind = struct.unpack("<IHB", block[at : at + 7])
            piece = block[at + 7 : at + 7 + length]
            assert zlib.crc32(bytes([kind]) + piece) == checksum
            assert kind in (1, 2, 3, 4)
            assert begun == (kind in (3, 4))
            whole, at = whole + piece, at + 7 + length
            begun = kind in (2, 3)
            if not begun:
                yield whole
                whole = b""
    assert not begun


def history(path: Path) -> list[dict[str, Any]]:
    """The rows of a log."""
    return [_values(record.history.item) for record in records(path) if record.HasField("history")]


def _values(items: Any) -> dict[str, Any]:
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
