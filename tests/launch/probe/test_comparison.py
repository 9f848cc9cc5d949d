"""Profiles are held against a real SLURM, and against a PBS server that answers as a recorded one."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster, read_cluster
from pipeline.launch.probe.comparison import compare_with_node, compare_with_scheduler
from pipeline.launch.probe.findings import FINE
from pipeline.launch.probe.probe_job import inspect_node

ROOT = Path(__file__).parents[3]
TRANSCRIPTS = Path(__file__).parents[1] / "stand_in" / "transcripts"
COLUMNS = ["field", "profile", "live", "verdict"]


def rows(table: pl.DataFrame) -> dict[str, dict[str, str]]:
    assert table.columns == COLUMNS
    return {row["field"]: row for row in table.iter_rows(named=True)}


def asks_for_change(table: pl.DataFrame) -> list[str]:
    return table.filter(~pl.col("verdict").is_in(FINE))["field"].to_list()


# Commands on PATH.


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def command(folder: Path, name: str, answers: dict[str, Path | str]) -> None:
    """Put a command there that prints a recorded answer, or a text, for its arguments."""
    cases = []
    for arguments, answer in answers.items():
        text = answer if isinstance(answer, str) else answer.read_text()
        printed = text.partition("--- stdout\n")[2].partition("--- stderr")[0] if isinstance(answer, Path) else text
        cases.append(f"'{arguments}') /bin/cat <<'END'\n{printed.rstrip()}\nEND\n;;")
    other = "*) echo 'no such server' >&2; exit 1;;"
    (folder / name).write_text("\n".join(['#!/bin/sh\ncase "$*" in', *cases, other, "esac\n"]))
    (folder / name).chmod(0o755)


def recorded(number: str) -> Path:
    (path,) = TRANSCRIPTS.glob(f"{number}_*")
    return path


# PBS.


@pytest.fixture
def pbs(path: Path) -> Path:
    """The server that the transcripts were recorded at."""
    answers: dict[str, Path | str] = {"--version": recorded("01"), "-Bf": recorded("02"), "-Qf": recorded("53")}
    command(path, "qstat", answers)
    command(path, "pbsnodes", {"-a -F json": recorded("52")})
    return path


def test_a_profile_is_held_against_a_pbs_server(pbs: Path) -> None:
    found = rows(compare_with_scheduler(read_cluster("pbs_generic")))
    assert found["scheduler"]["live"] == "PBS 23.06.06"
    assert found["max_array"] == dict(zip(COLUMNS, ("max_array", "100", "10000", "within the limit"), strict=True))
    assert found["history_hours"]["verdict"] == "set history_hours: 336"
    assert found["node"]["live"] == "2 GPUs, 2 CPUs, 24 GiB"
    assert found["server"]["live"] == "pbs01"
    assert found["band of the default queue, 0 to 1000000 GPUs"]["verdict"] == "not told by the site"


def test_a_queue_of_another_server_is_told(pbs: Path) -> None:
    found = rows(compare_with_scheduler(read_cluster("aspire2a")))
    assert "there are workq (a queue may be another server's)" in found["band of ai, 1 to 96 GPUs"]["verdict"]


def test_a_queue_that_does_not_exist_is_named_and_its_job_refused_in_the_words_of_qsub(
    pbs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ["queue=nosuch", f"folder={tmp_path}", "one_machine=true", "gpus=0"]
    cluster = read_cluster("pbs_generic", changes)
    found = rows(compare_with_scheduler(cluster))
    assert found["band of nosuch, 0 to 1000000 GPUs"]["verdict"].startswith("there is no such queue; there are workq")
    command(pbs, "qsub", {})
    (pbs / "qsub").write_text("#!/bin/sh\necho 'qsub: Unknown queue' >&2; exit 170\n")
    hint = "--no-job asks the scheduler only"
    with pytest.raises(PipelineError, match=rf"^pbs_generic refused the job: Unknown queue\n  hint: {hint}$"):
        inspect_node(cluster, print, 1.0)


def test_a_larger_pbs_site_tells_its_limits(path: Path) -> None:
    server = (
        "Server: pbs101\n    server_state = Active\n    default_queue = normal\n    max_queued = [u:PBS_GENERIC=90]"
        f",[u:{getpass.getuser()}=100]\n"
        "    job_history_enable = True\n    job_history_duration = 12:00:00\n    max_array_size = 1000\n"
    )
    queues = "Queue: normal\n    queue_type = Route\n    enabled = True\n    started = True\n"
    queues += "    route_destinations = gdev,g1,glong\n\n"
    for name, hours, most in (("gdev", 2, 4), ("g1", 24, 1), ("glong", 96, 64)):
        queues += f"Queue: {name}\n    resources_max.walltime = {hours}:00:00\n    resources_min.ngpus = 1\n"
        queues += (
            f"    resources_max.ngpus = {most}\n    from_route_only = True\n    enabled = True\n    started = True\n\n"
        )
    command(path, "qstat", {"--version": "pbs_version = 2022.1.3", "-Bf": server, "-Qf": queues})
    command(path, "pbsnodes", {})
    found = rows(compare_with_scheduler(read_cluster("aspire2a", ["queue=normal"])))
    assert found["band of normal, 1 to 64 GPUs"]["verdict"] == "too long: set hours: 96"
    assert found["band of normal, 1 to 256 GPUs"]["verdict"] == "within the limit"
    assert found["max_jobs"]["verdict"] == "agrees"
    assert found["history_hours"]["verdict"] == "agrees"
    assert found["nodes"]["verdict"] == "not told by the site"
    assert "other queues" not in found
    command(path, "qstat", {"--version": "pbs_version = 1", "-Bf": "Server: a\n    flatuid = True\n", "-Qf": queues})
    assert "forgotten" in rows(compare_with_scheduler(read_cluster("aspire2a")))["history_hours"]["verdict"]


def test_a_pbs_server_that_refuses_is_told_in_its_own_words(path: Path) -> None:
    command(path, "qstat", {"--version": "pbs_version = 1"})
    with pytest.raises(PipelineError, match="vanda could not be asked: qstat: no such server"):
        compare_with_scheduler(read_cluster("vanda"))


# No scheduler.


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("name", "program"), [("soc", "sinfo"), ("vanda", "qstat")])
def test_where_there_is_no_scheduler_it_is_no_login_node(name: str, program: str) -> None:
    with pytest.raises(PipelineError, match=f"{program} is not on PATH: this is not a login node of {name}") as refusal:
        compare_with_scheduler(read_cluster(name))
    assert read_cluster(name).profile.contact in refusal.value.hint


def test_a_cluster_that_has_to_be_started_first_is_told(tmp_path: Path) -> None:
    cluster = read_cluster("dev", [f"slurm_conf={tmp_path}/slurm.conf"])
    with pytest.raises(PipelineError, match=r"slurm\.conf: dev is not running") as refusal:
        compare_with_scheduler(cluster)
    assert "slurm/dev/up" in refusal.value.hint


def test_this_machine_has_nothing_to_disagree_about() -> None:
    assert asks_for_change(compare_with_scheduler(read_cluster("local"))) == []


# SLURM.


@pytest.fixture
def dev(dev_cluster: Any) -> Cluster:
    """The real SLURM of this machine."""
    return read_cluster("dev")


def test_the_profile_of_the_dev_cluster_is_right(dev: Cluster) -> None:
    table = compare_with_scheduler(dev)
    assert rows(table)["scheduler"]["live"].startswith("SLURM 2")
    assert asks_for_change(table) == ["band of closed, 0 to 4 GPUs", "preemption"]


def test_wrong_values_are_found_on_a_real_cluster(dev_cluster: Any) -> None:
    wrong = ["bands.1.hours=2", "max_array=1000", "gpu_type=h100", "node.cpus=64", "gpus=0", "history_hours=24"]
    found = rows(compare_with_scheduler(read_cluster("dev", wrong)))
    assert found["band of dev, 0 to 4 GPUs"]["verdict"] == "too long: set hours: 1"
    assert found["max_array"]["verdict"] == "set max_array: 31"
    assert found["gpu_type"]["verdict"] == "there is no h100: set gpu_type"
    assert found["node"]["verdict"] == "no node has as much: set node.gpus: 2, 4 CPUs"
    assert found["history_hours"]["verdict"] == "set history_hours: 0.00139"


def test_accounts_and_qualities_of_service_are_read_where_there_is_accounting(dev: Cluster, dev_cluster: Any) -> None:
    found = rows(compare_with_scheduler(dev))
    if dev_cluster.accounting:
        assert "dev" in found["account"]["live"]
        assert "small" in found["qos"]["live"]
        limited = rows(compare_with_scheduler(read_cluster("dev", ["qos=small"])))
        assert limited["max_jobs"]["verdict"] == "set max_jobs: 2"
    else:
        assert found["accounting"]["live"] == "none"


def test_accounting_that_is_down_is_told_and_nothing_else_is_lost(
    dev: Cluster, dev_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sacctmgr").write_text("#!/bin/sh\necho 'sacctmgr: error: Connection refused' >&2\nexit 1\n")
    (tmp_path / "sacctmgr").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = rows(compare_with_scheduler(dev))
    assert found["max_array"]["verdict"] == "agrees"
    assert "account" not in found
    told = "sacctmgr: error: Connection refused" if dev_cluster.accounting else "none"
    assert found["accounting"]["live"] == told


def test_a_job_reports_what_it_sees(dev: Cluster, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    program = f"from pipeline.launch.probe import node_inventory as n; n.write_node_inventory({str(answers)!r}, [])"
    job = ["srun", "--gres=gpu:2", "--time=1", "--mem=500", sys.executable, "-c", program]
    environment = {"SLURM_CONF": str(dev.profile.slurm_conf), "PATH": "/usr/bin:/bin"}
    subprocess.run(job, cwd=ROOT, env=environment, check=True, timeout=400, capture_output=True)
    found = rows(compare_with_node(answers, read_cluster("dev", ["gpus=2"])))
    assert found["gpus"]["live"] == "2"
    assert found["python"]["verdict"] == "agrees"
    assert "scontrol" in found["commands"]["live"]


# What a job has written.


def test_a_job_that_has_written_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"answers\.json: the job has written nothing"):
        compare_with_node(tmp_path / "answers.json", read_cluster("soc"))


def test_what_no_job_has_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text("{")
    with pytest.raises(PipelineError, match="not what a job has written"):
        compare_with_node(tmp_path / "answers.json", read_cluster("soc"))
    (tmp_path / "answers.json").write_text(json.dumps({"host": "x"}))
    with pytest.raises(PipelineError, match="not what a job has written: 'commands' is missing"):
        compare_with_node(tmp_path / "answers.json", read_cluster("soc"))
