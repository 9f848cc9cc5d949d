"""The processes of a parallel training meet at a port that is free, and at that of no other run of their job."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.training.rendezvous import HANDED_OUT, Meeting, Note, chosen_ports, found, meet, opened, read_note

SOON = timedelta(seconds=30)


def meeting(folder: Path, word: str = "4711 100") -> Meeting:
    return Meeting(folder / "0.meeting", word, "localhost")


def test_ports_are_none_that_the_system_hands_out(tmp_path: Path) -> None:
    """On such a port may lie the near end of a connection that somebody has begun since."""
    low, high = map(int, HANDED_OUT.read_text().split())
    assert [port for port in chosen_ports() if low <= port <= high] == []
    (tmp_path / "range").write_text("20000\t65000\n")
    assert all(port > 65000 for port in chosen_ports(tmp_path / "range"))
    (tmp_path / "range").write_text("1024\t65535\n")  # some sites hand out all: then any of them
    assert len(set(chosen_ports(tmp_path / "range"))) == 20
    assert len(set(chosen_ports(tmp_path / "none"))) == 20


def test_each_run_of_a_job_tries_other_ports() -> None:
    assert set(chosen_ports()) != set(chosen_ports())


def test_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("", 0)) as other, socket.create_server(("127.0.0.1", 0)) as local:
        taken = [server.getsockname()[1] for server in (other, local)]
        (free,) = chosen_ports()[:1]
        assert opened("localhost", [*taken, free]).port == free
        with pytest.raises(PipelineError, match=re.escape(f"none of 2 ports of localhost is free: {taken}")):
            opened("localhost", taken)


def test_all_meet_at_the_port_that_the_first_has_opened_in_this_run_of_the_job(tmp_path: Path) -> None:
    """What an earlier run has left names a port on which nobody is, or somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        old = Note("localhost", other.getsockname()[1], "4711 50")
        (tmp_path / "0.meeting").write_text(str(old._asdict()).replace("'", '"'))
        heard: list[bytes] = []
        second = threading.Thread(target=lambda: heard.append(meet(meeting(tmp_path), 1, SOON).get("said")))
        second.start()
        first = meet(meeting(tmp_path), 0, SOON)
        first.set("said", "hello")
        second.join(timeout=30)
    assert heard == [b"hello"]
    note = read_note(tmp_path / "0.meeting")
    assert note is not None
    assert (note.host, note.word) == ("localhost", "4711 100")


def test_first_process_that_does_not_come_is_named(tmp_path: Path) -> None:
    message = "the first process of this parallel training has not come within 0:00:00.100000\n  hint: its log says why"
    with pytest.raises(PipelineError, match=re.escape(f"{tmp_path}/0.meeting: {message}")):
        found(meeting(tmp_path), timedelta(seconds=0.1))
