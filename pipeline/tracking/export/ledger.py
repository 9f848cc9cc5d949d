"""The ledger of an export: a write-ahead log of what was sent to W&B and what W&B has confirmed.

A line that a kill has torn is not counted: the run is asked for again, found whole, and noted.
Without the ledger an export asks W&B for every run; it does not send one twice.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.records.atomic_writes import naming


@dataclass(frozen=True)
class LedgerEntry:
    """What is known of one run on W&B.

    Args:
        run: Its first id; a run that was deleted on W&B is sent again under another.
        destination: Server, entity and project.
        state: ``sent``: it is being sent, or was until a kill. ``taken``: W&B took it without a complaint.
            ``verified``: it is there, whole. ``deleted``: generations up to this one were deleted on W&B.
        generation: 1, and one more each time it was found deleted.
        rows: Rows of its history.
        digest: Hash of its content.
        sending: The nonce of that sending.
        at: When this was noted, in seconds since 1970.
    """

    run: str
    destination: str
    state: str
    generation: int = 1
    rows: int = 0
    digest: str = ""
    sending: str = ""
    at: float = 0.0


class Ledger:
    """The ledger of a run's folder, for one destination.

    Args:
        folder: Where it lies, as ``ledger.jsonl``.
        destination: Server, entity and project; entries of others are kept and not read.
        now: The time, in seconds since 1970.
    """

    def __init__(self, folder: Path, destination: str, now: Callable[[], float] = time.time) -> None:
        self.path, self.destination, self.now = folder / "ledger.jsonl", destination, now
        self._newest = {entry.run: entry for entry in _read(self.path) if entry.destination == destination}

    def verified(self, run: str) -> LedgerEntry | None:
        """The entry that a run is there, if it is."""
        return self._in_state(run, "verified")

    def pending(self, run: str) -> LedgerEntry | None:
        """The entry that a run was sent, if nothing is known of it since."""
        return self._in_state(run, "sent", "taken")

    def age_seconds(self, entry: LedgerEntry) -> float:
        """Age of an entry; 0 where the clock has gone back since."""
        return max(0.0, self.now() - entry.at)

    def _in_state(self, run: str, *states: str) -> LedgerEntry | None:
        entry = self._newest.get(run)
        return entry if entry is not None and entry.state in states else None

    def generation(self, run: str) -> int:
        """The generation under which a run goes to W&B now."""
        entry = self._newest.get(run)
        if entry is None:
            return 1
        return entry.generation + (entry.state == "deleted")

    def add(self, *entries: LedgerEntry) -> None:
        """Append entries, on the disk when it returns (fsync): they outlive a power cut."""
        if not entries:
            return
        lines = []
        for entry in entries:
            dated = dataclasses.replace(entry, at=self.now())
            self._newest[entry.run] = dated
            lines.append(json.dumps(dataclasses.asdict(dated)) + "\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("a+b") as file:
            if file.tell() and not _ends_with_newline(file.name):
                file.write(b"\n")  # after a line that was torn
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())


def run_id(run: str, generation: int) -> str:
    """The id of a run on W&B, where an id that was deleted cannot come back.

    Args:
        run: Its first id.
        generation: 1, and one more each time it was found deleted.

    Returns:
        The first id, with ``-g2`` and so on from the second generation.
    """
    return run if generation == 1 else f"{run}-g{generation}"


def _ends_with_newline(name: str) -> bool:
    return Path(name).read_bytes()[-1:] == b"\n"


def _read(path: Path) -> list[LedgerEntry]:
    entries = []
    with naming(path):
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    for line in lines:
        try:
            entries.append(LedgerEntry(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # torn by a kill
    return entries
