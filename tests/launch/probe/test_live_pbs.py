"""What a PBS server prints of itself, recorded at a real one, and in the words of a larger site."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.launch.clusters.lookup import Cluster, read_profile
from pipeline.launch.probe.live_pbs import blocks, gib_of, hours_of, read_nodes, read_pbs

TRANSCRIPTS = Path(__file__).parents[1] / "stand_in" / "transcripts"


def printed(number: str) -> str:
    """What a recorded command printed."""
    (path,) = TRANSCRIPTS.glob(f"{number}_*")
    return path.read_text().partition("--- stdout\n")[2].partition("--- stderr")[0]


def test_a_server_is_a_block_of_attributes() -> None:
    (name, server), *others = blocks(printed("02"), "Server").items()
    assert (name, others) == ("pbs01", [])
    assert server["max_array_size"] == "10000"
    assert server["state_count"].endswith("Begun:0")  # folded in two


def test_queues_are_blocks_of_attributes() -> None:
    assert blocks(printed("53"), "Queue")["workq"]["enabled"] == "True"
    two = "Queue: a\n    enabled = True\n\nQueue: b\n    enabled = False\n"
    assert blocks(two, "Queue") == {"a": {"enabled": "True"}, "b": {"enabled": "False"}}


def test_nodes_are_told_by_kind() -> None:
    (node,) = read_nodes(printed("52"))
    assert (node.gpus, node.cpus) == (2, 2)
    assert node.memory_gib == pytest.approx(23.5, abs=0.1)


def test_nodes_in_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        read_nodes('{"nodes": {"a": {"comment": 005}}}')


@pytest.mark.parametrize(
    ("size", "gib"),
    [
        *(("1048576kb", 1), ("2gb", 2), ("1tb", 1024), ("512mb", 0.5), ("1073741824", 1), ("1073741824b", 1), ("?", 0)),
        *(("64g", 64), ("1048576k", 1), ("1024m", 1), ("2t", 2048), ("1pb", 2**20), ("1P", 2**20), ("64GB", 64)),
        *(("131072kw", 1), ("64gw", 512), ("134217728w", 1), ("1pw", 2**23)),  # words of eight bytes
        *(("", 0), ("gb", 0), ("64 gb", 0), ("-1gb", 0), ("64gbw", 0)),
    ],
)
def test_sizes_are_gib(size: str, gib: float) -> None:
    assert gib_of(size) == gib


def test_walltimes_are_hours() -> None:
    assert hours_of("120:00:00") == 120
    assert hours_of("00:30:00") == 0.5
    assert hours_of(None) is None


LIMITS = """Server: pbs01
    server_state = Active
    max_queued = [p:PBS_GENERIC=9]
    max_queued = [u:PBS_GENERIC=100]
    max_queued = [u:"jane doe"=3]
    max_queued = [u:{user}=150]
    max_array_size = 10000
"""
"""As OpenPBS 23.06.06 prints what ``qmgr`` was told in one value."""


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (LIMITS.replace("{user}", "jane.doe"), 150),
        (LIMITS.replace("{user}", "john.doe"), 100),
        (LIMITS.replace("{user}", '"jane.doe"'), 150),
        ("Server: pbs01\n    max_queued = [u:PBS_GENERIC=100],[u:jane.doe=200]\n", 200),
        ("Server: pbs01\n    max_queued = [u:jane.doe.x=5],[u:jane=6],[g:jane.doe=7]\n", None),
        ("Server: pbs01\n    max_queued = [u:jane-doe=5], [u:jane.doe = 200]\n", 200),
    ],
)
def test_limits_are_those_of_this_user_whatever_letters_the_name_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: str, most: int | None
) -> None:
    qstat = tmp_path / "qstat"
    answers = f"-Bf) cat <<'END'\n{limits}END\n;; -Qf) echo 'Queue: workq';; *) echo 'pbs_version = 23.06.06';;"
    qstat.write_text(f"#!/bin/sh\ncase $1 in {answers} esac\n")
    qstat.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("LOGNAME", "jane.doe")
    monkeypatch.setenv("USER", "jane.doe")
    assert read_pbs(Cluster("pbs_generic", read_profile("pbs_generic"))).max_jobs == most
