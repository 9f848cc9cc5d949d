"""The debug log of ``wandb sync`` 0.31.0: the only place where it says what the server refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def errors_by_file(logs: Path, files: Sequence[Path]) -> dict[Path, str]:
    """The last error of each file: the HTTP status and the server's message, else a message of the client.

    Args:
        logs: Folder of the logs.
        files: Transaction logs that were sent.

    Returns:
        By file; one without an error is missing.
    """
    names = {str(file.resolve()): file for file in files}
    statuses: dict[Path, str] = {}
    words: dict[Path, str] = {}
    for path in sorted(logs.glob("debug-sync*.log")):
        for line in path.read_text(errors="replace").splitlines():
            entry = _parsed(line)
            file, status = names.get(str(entry.get("sync_path", ""))), str(entry.get("status", ""))[:3]
            failed = status.isdecimal() and int(status) >= 400
            if file is None or not (failed or entry.get("level") == "ERROR"):
                continue
            if failed:
                statuses[file] = f"HTTP {status}: "
            if said := _said(entry):
                words[file] = said
            else:
                words.setdefault(file, str(entry.get("msg", "")))
    return {file: statuses.get(file, "") + said for file, said in words.items()}


def _said(entry: Mapping[str, Any]) -> str:
    """The words of the server, or of an error, in a line of the client's log; nothing if it has none."""
    text = " ".join(str(entry.get("body") or entry.get("error") or "").split())
    message = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', text)
    return (message[1] if message else text)[:300]


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
