"""The processes of a parallel training meet at a port that is free, and at that of no other run of their job."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.training.rendezvous import (
    EPHEMERAL_PORTS,
    Endpoint,
    Rendezvous,
    candidate_ports,
    connected_store,
    opened_store,
    read_endpoint,
    rendezvous_store,
)

SOON = timedelta(seconds=200)


def place_in(folder: Path, token: str = "4711 100") -> Rendezvous:
    return Rendezvous(folder / "0.meeting", token, "localhost")


def test_no_ephemeral_port_is_tried(tmp_path: Path) -> None:
    """On such a port may lie the near end of a connection that somebody has begun since."""
    low, high = map(int, EPHEMERAL_PORTS.read_text().split())
    assert [port for port in candidate_ports() if low <= port <= high] == []
    (tmp_path / "range").write_text("20000\t65000\n")
    assert all(port > 65000 for port in candidate_ports(tmp_path / "range"))
    (tmp_path / "range").write_text("1024\t65535\n")  # some sites give all of them to connections: then any of them
    assert len(set(candidate_ports(tmp_path / "range"))) == 20
    assert len(set(candidate_ports(tmp_path / "none"))) == 20


def test_each_run_of_a_job_tries_other_ports() -> None:
    assert set(candidate_ports()) != set(candidate_ports())


def test_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("", 0)) as other, socket.create_server(("127.0.0.1", 0)) as local:
        taken = [server.getsockname()[1] for server in (other, local)]
        others = candidate_ports()  # not one alone: somebody else may have it
        assert opened_store("localhost", [*taken, *others]).port in others
        with pytest.raises(PipelineError, match=re.escape(f"none of 2 ports of localhost is free: {taken}")):
            opened_store("localhost", taken)


def test_all_meet_at_the_port_that_the_first_has_opened_in_this_run_of_the_job(tmp_path: Path) -> None:
    """What an earlier run has left names a port on which nobody is, or somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        old = Endpoint("localhost", other.getsockname()[1], "4711 50")
        (tmp_path / "0.meeting").write_text(str(old._asdict()).replace("'", '"'))
        heard: list[bytes] = []
        second = threading.Thread(
            target=lambda: heard.append(rendezvous_store(place_in(tmp_path), 1, SOON).get("said"))
        )
        second.start()
        first = rendezvous_store(place_in(tmp_path), 0, SOON)
        first.set("said", "hello")
        second.join(timeout=400)
    assert heard == [b"hello"]
    endpoint = read_endpoint(tmp_path / "0.meeting")
    assert endpoint is not None
    assert (endpoint.host, endpoint.word) == ("localhost", "4711 100")


def test_first_process_that_does_not_come_is_named(tmp_path: Path) -> None:
    message = "the first process of this parallel training has not come within 0:00:00.100000\n  hint: its log says why"
    with pytest.raises(PipelineError, match=re.escape(f"{tmp_path}/0.meeting: {message}")):
        connected_store(place_in(tmp_path), timedelta(seconds=0.1))
