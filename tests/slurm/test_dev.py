"""The SLURM of one machine does what a real cluster does, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DEV = Path(__file__).parents[2] / "slurm" / "dev"


def run(*command: str | Path, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=400, **kwargs)


def says(*command: str | Path, **kwargs: Any) -> str:
    return run(*command, check=True, **kwargs).stdout.strip()


def sbatch(script: str, *options: str) -> str:
    """Send a job; its id."""
    return says("sbatch", "--parsable", "--output=/dev/null", *options, f"--wrap={script}")


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def state_of(job: str) -> str:
    return says("squeue", "--noheader", f"--jobs={job}", "--format=%T")


def state_of_node(node: str) -> str:
    """By scontrol: sinfo of SLURM 22.05 may count a job long after its end, and says mix of a node that is down."""
    return says("scontrol", "--oneliner", "show", "node", node).partition(" State=")[2].split()[0]


@pytest.fixture
def job(dev_cluster: Any) -> Iterator[str]:
    """A job that runs on dev1 until it is cancelled."""
    job = sbatch("sleep 300", "--nodelist=dev1")
    assert within(200, lambda: state_of(job) == "RUNNING")
    yield job
    run("scancel", job)


@pytest.mark.parametrize("node", ["dev1", "dev2"])
def test_a_job_runs_on_each_node_and_is_given_a_gpu_of_its_own(node: str, dev_cluster: Any, tmp_path: Path) -> None:
    script = "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES; getent ahostsv4 $SLURM_JOB_NODELIST | head -n 1"
    sbatch(script, f"--output={tmp_path}/log", "--gres=gpu:1", f"--nodelist={node}", "--wait")
    first, address = (tmp_path / "log").read_text().splitlines()
    assert first in (f"{node} 0", f"{node} 1")
    assert address.startswith("127.")


def test_the_steps_of_one_job_meet_on_both_nodes(dev_cluster: Any) -> None:
    told = says("srun", "--nodes=2", "--gres=gpu:2", "sh", "-c", "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES")
    assert sorted(told.splitlines()) == ["dev1 0,1", "dev2 0,1"]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--array=0-31", "Invalid job array specification"),
        ("--partition=closed", "Required partition not available"),
        ("--partition=nowhere", "Invalid partition name specified"),
        ("--partition=short --time=3", "Requested time limit is invalid"),
        ("--gres=gpu:3", "Requested node configuration is not available"),
        ("--gres=gpu:none:1", "Requested node configuration is not available"),
    ],
)
def test_what_the_cluster_has_not_is_refused(option: str, words: str, dev_cluster: Any) -> None:
    done = run("sbatch", "--output=/dev/null", *option.split(), "--wrap=true")
    assert done.returncode
    assert words in done.stderr


def test_an_array_of_the_greatest_size_is_taken(dev_cluster: Any) -> None:
    run("scancel", sbatch("true", "--array=0-30", "--hold"))


@pytest.mark.alone
def test_accounts_and_qos_set_limits(dev_cluster: Any) -> None:
    if not dev_cluster.accounting:
        pytest.skip("this cluster keeps no accounts")
    refused = run("sbatch", "--account=other", "--wrap=true")
    assert "Invalid account" in refused.stderr
    jobs = [sbatch("true", "--qos=small", "--hold") for _ in range(2)]
    refused = run("sbatch", "--qos=small", "--wrap=true")
    run("scancel", *jobs)
    assert "QOSMaxSubmitJobPerUserLimit" in refused.stderr


def test_the_accounts_tell_how_a_job_ended(dev_cluster: Any) -> None:
    if not dev_cluster.accounting:
        pytest.skip("this cluster keeps no accounts")
    job = sbatch("exit 3")
    told = ("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={job}", "--format=state,exitcode,account")
    assert within(200, lambda: says(*told) == "FAILED|3:0|dev"), says(*told)


def test_a_job_that_ended_is_soon_forgotten(dev_cluster: Any) -> None:
    job = sbatch("true")
    # SLURM looks for old jobs twice a minute.
    assert within(200, lambda: run("scontrol", "show", "job", job).returncode != 0)


def test_a_requeued_job_runs_again_soon(job: str) -> None:
    """By itself a SLURM lets two minutes pass."""
    run("scontrol", "requeue", job, check=True)
    assert within(100, lambda: "Restarts=1" in says("scontrol", "show", "job", job) and state_of(job) == "RUNNING")


def test_up_finds_what_is_up(dev_cluster: Any) -> None:
    done = run(DEV / "up", *([] if dev_cluster.accounting else ["--no-accounting"]))
    assert done.returncode == 0
    assert "already up" in done.stderr
    assert done.stdout == f"export SLURM_CONF={dev_cluster.root}/slurm.conf\n"


@pytest.mark.alone
def test_a_job_outlives_the_daemon_of_its_node(job: str, dev_cluster: Any) -> None:
    dev_cluster.daemon("kill", "dev1")
    dev_cluster.daemon("start", "dev1")
    assert state_of(job) == "RUNNING"


@pytest.mark.alone
def test_a_node_whose_daemon_is_dead_is_noticed_and_comes_back(job: str, dev_cluster: Any) -> None:
    dev_cluster.daemon("kill", "dev1")
    try:
        assert within(200, lambda: state_of_node("dev1").startswith("DOWN")), state_of_node("dev1")
        assert state_of(job) == "PENDING"
    finally:
        dev_cluster.daemon("start", "dev1")
    assert within(200, lambda: state_of_node("dev1") in ("IDLE", "MIXED")), state_of_node("dev1")


@pytest.mark.alone
def test_jobs_outlive_the_controller(job: str, dev_cluster: Any) -> None:
    dev_cluster.daemon("stop", "slurmctld")
    dev_cluster.daemon("start", "slurmctld")
    assert state_of(job) == "RUNNING"


def test_a_newer_debian_must_be_named() -> None:
    done = run(DEV / "newest")
    assert (done.returncode, done.stderr.partition(" SUITE")[0]) == (2, "usage: slurm/dev/newest")


# A second checkout on the same machine.


@pytest.fixture
def second(dev_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(DEV, tmp_path / "slurm" / "dev")
    (tmp_path / "folders").mkdir()
    monkeypatch.setenv("TMPDIR", "/tmp")
    yield tmp_path
    run(tmp_path / "slurm" / "dev" / "down")


def processes_with(text: str) -> list[str]:
    """Processes whose command line has the text in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_bytes().decode(errors="replace"):
                found.append(path.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_two_checkouts_have_a_cluster_each_and_down_leaves_nothing(second: Path, dev_cluster: Any) -> None:
    line = says(second / "slurm" / "dev" / "up", "--no-accounting")
    configuration = Path(line.removeprefix("export SLURM_CONF="))
    assert configuration.parent != dev_cluster.root
    duration = f"4{os.getpid()}"
    says(
        "sbatch",
        f"--wrap=setsid sleep {duration}",
        "--output=/dev/null",
        env=os.environ | {"SLURM_CONF": str(configuration)},
    )
    assert within(200, lambda: bool(processes_with(f"sleep\0{duration}")))

    for _ in range(2):
        says(second / "slurm" / "dev" / "down")
        assert not processes_with(f"sleep\0{duration}")
        assert not processes_with(str(configuration.parent))
        assert not configuration.parent.exists()
        assert str(second) not in Path("/etc/hosts").read_text()
        assert not (second / ".slurm").is_symlink()
    assert "UP" in says("scontrol", "ping")


def test_a_start_that_fails_says_why_and_leaves_only_its_logs(second: Path) -> None:
    template = second / "slurm" / "dev" / "slurm.conf.template"
    template.write_text(template.read_text().replace("SelectType=select/cons_tres", "SelectType=select/nonsense"))
    done = run(second / "slurm" / "dev" / "up", "--no-accounting")
    assert done.returncode == 1
    assert "slurmctld failed" in done.stderr
    assert "select/nonsense" in done.stderr
    kept = Path(done.stderr.strip().rpartition(" ")[2])
    assert (kept / "munged.log").exists()
    assert not kept.with_suffix("").exists()
    assert not (second / ".slurm").is_symlink()
    assert str(second) not in Path("/etc/hosts").read_text()
    shutil.rmtree(kept)
