"""Rendezvous of the processes of a parallel training: the first opens a port, and writes down which.

A port agreed on beforehand may be taken when it is opened, and then is again in every job
that agrees on it by the same rule. So the first process (rank 0) opens a free one, and the
others read its number from a file in a folder that all of them see. What an earlier run of
the job has written there is recognised by its token: all processes of a run have the same.
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
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # it is missing from __all__

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing

EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Ports that Linux gives to connections by itself: one may be the near end of anybody's connection at any time."""
LOWEST_PORT, HIGHEST_PORT = 20_000, 65_535
"""Ports to choose from: most services of a system have lower ones."""
FEWEST_PORTS = 100
"""Where fewer than these are not ephemeral, ephemeral ones are chosen from too."""
PORTS_TRIED = 20
"""How many ports may be taken in a row."""
CONNECT_TIMEOUT = timedelta(seconds=10)
"""How long the first process may take to answer on its port."""
SECONDS_BETWEEN_READS = 0.2


class Rendezvous(NamedTuple):
    """Where the processes of one run of a job look for each other.

    Args:
        path: File of the endpoint, on a file system that all of them see.
        token: What they have in common, and those of an earlier run of the job have not.
        host: Name by which they find the host of the first.
    """

    path: Path
    token: str
    host: str


class Endpoint(NamedTuple):
    """Address of the first process, as it stands in the file.

    Args:
        host: Name of its host.
        port: Port that it has opened.
        word: The token of the rendezvous.
    """

    host: str
    port: int
    word: str


def rendezvous_store(rendezvous: Rendezvous, rank: int, timeout: timedelta) -> TCPStore:
    """The key-value store through which processes find each other; the first one serves it.

    Args:
        rendezvous: Where they look.
        rank: Which of them this process is; 0 is the first.
        timeout: How long to wait for the first.

    Returns:
        The store, which waits as long for each key.

    Raises:
        PipelineError: If the first process does not come, or finds no port.
    """
    if rank:
        store = connected_store(rendezvous, timeout)
    else:
        store = opened_store(rendezvous.host, candidate_ports())
        rendezvous.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(rendezvous.path) as part:
            part.write_text(json.dumps(Endpoint(rendezvous.host, store.port, rendezvous.token)._asdict()))
    store.set_timeout(timeout)
    return store


def candidate_ports(ephemeral: Path = EPHEMERAL_PORTS) -> list[int]:
    """Ports to try, in random order, none of them ephemeral.

    Args:
        ephemeral: File with the lowest and the highest ephemeral port.

    Returns:
        ``PORTS_TRIED`` ports.
    """
    low, high = _ephemeral_range(ephemeral)
    ports = [port for port in range(LOWEST_PORT, HIGHEST_PORT + 1) if not low <= port <= high]
    if len(ports) < FEWEST_PORTS:
        ports = list(range(LOWEST_PORT, HIGHEST_PORT + 1))
    # From the system: the generators of a training are the source of its numbers, and of nothing else.
    return secrets.SystemRandom().sample(ports, PORTS_TRIED)


def _ephemeral_range(path: Path) -> tuple[int, int]:
    try:
        low, high = path.read_text().split()
        return int(low), int(high)
    except (OSError, ValueError):
        return 32_768, 60_999  # the default of Linux


def opened_store(host: str, ports: Iterable[int]) -> TCPStore:
    """A store served at the first of some ports that is free.

    Args:
        host: Name of this host.
        ports: Ports in the order of trying.

    Returns:
        The store.

    Raises:
        PipelineError: If none is free.
        DistNetworkError: If it fails for another reason.
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


def connected_store(rendezvous: Rendezvous, timeout: timedelta) -> TCPStore:
    """The store that the first process serves.

    Args:
        rendezvous: Where its endpoint is written.
        timeout: How long to wait for it.

    Returns:
        The store.

    Raises:
        PipelineError: If there is none within the timeout.
    """
    end = time.monotonic() + timeout.total_seconds()
    while time.monotonic() < end:
        endpoint = read_endpoint(rendezvous.path)
        if endpoint is not None and endpoint.word == rendezvous.token:
            with suppress(distributed.DistError):  # it is gone again; if it comes back, with another port
                return TCPStore(endpoint.host, endpoint.port, is_master=False, timeout=CONNECT_TIMEOUT)
        time.sleep(SECONDS_BETWEEN_READS)
    what = f"the first process of this parallel training has not come within {timeout}"
    raise PipelineError(what, where=str(rendezvous.path), hint="its log says why; submit again")


def read_endpoint(path: Path) -> Endpoint | None:
    """What the first process has written.

    Args:
        path: The file of the endpoint.

    Returns:
        The endpoint; ``None`` where the file is missing, or holds something else.
    """
    try:
        return Endpoint(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
