"""Where the processes of a parallel training meet: the first one opens a port, and writes down which.

A port that is agreed on beforehand may be taken when it is opened, and then is again in every
job that agrees on it by the same rule. So the first process takes one that is free, and the
others read of it in a folder that all see. What an earlier run of the job has written there is
told from it by a word that all processes of this run have.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # it has no word in __all__

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing

HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Ports that Linux hands out by itself: one may be the near end of anybody's connection at any time."""
LOWEST, HIGHEST = 20_000, 65_535
"""Ports to choose from: most services of a system have lower ones."""
FEWEST = 100
"""Where fewer are left of these, those that are handed out are chosen from too."""
TRIES = 20
"""How many ports may be taken in a row."""
SECONDS_TO_ANSWER = timedelta(seconds=10)
"""How long the first process may take to answer on its port."""
SECONDS_BETWEEN_LOOKS = 0.2


class Meeting(NamedTuple):
    """Where the processes of one run of a job look for each other.

    Args:
        place: Path of the note, on a file system that all of them see.
        word: What they have in common, and those of an earlier run of the job have not.
        host: Name by which they find the host of the first.
    """

    place: Path
    word: str
    host: str


class Note(NamedTuple):
    """What the first process writes for the others."""

    host: str
    port: int
    word: str


def meet(meeting: Meeting, rank: int, patience: timedelta) -> TCPStore:
    """The store through which processes find each other.

    Args:
        meeting: Where they look.
        rank: Which of them this process is; 0 is the first.
        patience: How long to wait for the first.

    Raises:
        PipelineError: If the first process does not come, or finds no port.
    """
    if rank:
        store = found(meeting, patience)
    else:
        store = opened(meeting.host, chosen_ports())
        meeting.place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(meeting.place) as part:
            part.write_text(json.dumps(Note(meeting.host, store.port, meeting.word)._asdict()))
    store.set_timeout(patience)
    return store


def chosen_ports(handed_out: Path = HANDED_OUT) -> list[int]:
    """Ports to try, in the order of trying, of those that no connection is given."""
    low, high = _range(handed_out)
    ports = [port for port in range(LOWEST, HIGHEST + 1) if not low <= port <= high]
    if len(ports) < FEWEST:
        ports = list(range(LOWEST, HIGHEST + 1))
    return secrets.SystemRandom().sample(ports, TRIES)  # the numbers of a training come from its own generators


def _range(handed_out: Path) -> tuple[int, int]:
    try:
        low, high = handed_out.read_text().split()
        return int(low), int(high)
    except (OSError, ValueError):
        return 32_768, 60_999  # as Linux comes


def opened(host: str, ports: Iterable[int]) -> TCPStore:
    """A store at the first of some ports that is free.

    Raises:
        PipelineError: If none is.
    """
    tried = []
    for port in ports:
        tried.append(port)
        try:
            return TCPStore(host, port, is_master=True, wait_for_workers=False)
        except distributed.DistNetworkError as error:
            if not re.search("EADDRINUSE|address already in use", str(error), re.IGNORECASE):  # torch 2.13, and older
                raise
    hint = "submit again: others are tried then; or ask the site who holds them"
    raise PipelineError(f"none of {len(tried)} ports of {host} is free: {tried}", hint=hint)


def found(meeting: Meeting, patience: timedelta) -> TCPStore:
    """The store that the first process has opened.

    Raises:
        PipelineError: If there is none for long.
    """
    end = time.monotonic() + patience.total_seconds()
    while time.monotonic() < end:
        note = read_note(meeting.place)
        if note is not None and note.word == meeting.word:
            with suppress(distributed.DistError):  # it is gone again; if it comes back, with another port
                return TCPStore(note.host, note.port, is_master=False, timeout=SECONDS_TO_ANSWER)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    what = f"the first process of this parallel training has not come within {patience}"
    raise PipelineError(what, where=str(meeting.place), hint="its log says why; submit again")


def read_note(place: Path) -> Note | None:
    """What the first process has written; none if it is not there."""
    try:
        return Note(**json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
