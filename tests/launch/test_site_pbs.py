"""What a PBS server prints of itself, recorded at a real one, and in the words of a larger site."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.launch.site_pbs import blocks, gib_of, hours_of, read_nodes

TRANSCRIPTS = Path(__file__).parent / "pbs" / "transcripts"


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
    [("1048576kb", 1), ("2gb", 2), ("1tb", 1024), ("512mb", 0.5), ("1073741824", 1), ("1073741824b", 1), ("?", 0)],
)
def test_sizes_are_gib(size: str, gib: float) -> None:
    assert gib_of(size) == gib


def test_walltimes_are_hours() -> None:
    assert hours_of("120:00:00") == 120
    assert hours_of("00:30:00") == 0.5
    assert hours_of(None) is None
