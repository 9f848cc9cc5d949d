"""What a job of PBS asks for is what was planned, in the words of its executor."""

from __future__ import annotations

from pathlib import Path

from pipeline.launch.schedulers.pbs import PbsScheduler, parameters
from pipeline.launch.schedulers.scheduler import JobRequest

REQUEST = {
    "name": "xor-0a1b2c-2",
    "minutes": 30,
    "workers": 2,
    "gpus": 2,
    "python": "python",
    "setup": ("module load x",),
}


def request(**more: object) -> JobRequest:
    return JobRequest(**REQUEST | {"at_a_time": 4} | more)  # type: ignore[arg-type]


def test_a_chunk_holds_all_workers_of_a_node(tmp_path: Path) -> None:
    given = parameters(tmp_path, request(cpus=8, memory_gib=1.5, chunk=("container_engine=enroot",)))
    assert given["select"] == "1:ncpus=16:mem=1536mb:ngpus=2:container_engine=enroot"
    assert (given["time"], given["tasks_per_node"], given["array_parallelism"]) == (30, 2, 4)
    assert given["place"] is None
    assert parameters(tmp_path, request(nodes=2))["place"] == "scatter"


def test_a_link_waits_for_the_full_id_of_the_one_before(tmp_path: Path) -> None:
    before = tmp_path / "xor-0a1b2c-1"
    before.mkdir()
    (before / "12_full_id").write_text("12[].pbs01")
    folder = tmp_path / "xor-0a1b2c-2"
    assert parameters(folder, request(after="12", after_name=before.name))["dependency"] == "afterany:12[].pbs01"
    assert parameters(folder, request(after="ID-OF-x", after_name="x"))["dependency"] == "afterany:ID-OF-x"
    assert parameters(folder, request())["dependency"] is None


def test_a_script_is_shown_without_a_server(tmp_path: Path) -> None:
    script = PbsScheduler().script(tmp_path, request(options=("-A lab",)), 3)
    assert "-J 0-2" in script.splitlines()[1]
    assert "-A lab" in script.splitlines()[1]
    assert "module load x" in script
