"""Jobs arrive at SLURM whatever a site prints and a login node has set, and are looked for where they went."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.notes.submission import Submission, read_submissions, write_submission
from pipeline.launch.schedulers.slurm_executor import bare_number, sentence
from pipeline.launch.state.in_flight import held
from pipeline.launch.submit.cancel import cancel
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.launch.submit.reconcile import reconcile
from pipeline.launch.submit.sending import send

PROFILE = Profile("A cluster.", "slurm", "runs", gpus=0, memory_gib=8.0, bands=(WalltimeTier(1.0),))
SENTENCE = "echo Submitted batch job 4711"
QUEUE = "4711_0|PENDING|xor-0a1b2c-1|None\n4711_1|PENDING|xor-0a1b2c-1|None"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands of a SLURM that writes down what it was asked, in which environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith(("SLURM_", "SBATCH_"))]:
        monkeypatch.delenv(name)
    program(folder, "srun", "")
    program(folder, "squeue", f"echo '{QUEUE}'")
    program(folder, "scancel", "")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    notes = folder.parent / name
    (folder / name).write_text(f'#!/bin/sh\nenv >"{notes}.env"\necho "$@" >>"{notes}.calls"\n{script}\n')
    (folder / name).chmod(0o755)


def environment_of(tmp_path: Path, name: str) -> dict[str, str]:
    """What the last call of a command had in its environment."""
    lines = (tmp_path / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def sent(programs: Path, tmp_path: Path) -> Callable[..., Submission]:
    """Sends an array of two packs where sbatch prints something."""

    def send_some(prints: str = SENTENCE, **fields: object) -> Submission:
        program(programs, "sbatch", prints)
        cluster = Cluster("somewhere", dataclasses.replace(PROFILE, job_minutes=0.5, **fields))  # type: ignore[arg-type]
        made = plan_submissions(SubmissionRequest(cluster, {"p1": 60.0, "p2": 60.0}, {}), "code", "xor-0a1b2c-1")
        list(send(tmp_path / "run", made, cluster, Parallel(), print))
        (note,) = read_submissions(tmp_path / "run")
        return note

    return send_some


# What sbatch and the wrappers of sites print.


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("Submitted batch job 4711\n", ("4711", None)),
        ("Submitted batch job 4711 on cluster big\n", ("4711", "big")),
        ("4711\n", ("4711", None)),  # NIH Biowulf
        ("4711;big\n", ("4711", "big")),  # --parsable
        ("* Welcome! *\n42 nodes are free\nSubmitted batch job 4711\nYou have 8 jobs\n", ("4711", None)),
        ("Your last job 12 has ended.\n\n 4711 \n** Maintenance on day 3 **\n", ("4711", None)),
        ("8\n4711\n", (None, None)),
        ("Job 4711 is queued\n", (None, None)),
        ("", (None, None)),
    ],
)
def test_number_of_a_job_is_found_among_what_a_site_prints(printed: str, found: tuple[str | None, str | None]) -> None:
    assert (sentence(printed) if sentence(printed)[0] else bare_number(printed)) == found


YEAR = "echo; echo 2026; echo Your job is queued"
"""A banner with a number alone in a line, which is not the job's."""


@pytest.mark.parametrize(
    "prints",
    [SENTENCE, "echo 4711", "echo Your job is queued", "true", YEAR, f"{SENTENCE} >&2", f"echo 2026; {SENTENCE}"],
)
def test_jobs_are_sent_whole_at_the_first_time_whatever_sbatch_prints(
    sent: Callable[..., Submission], tmp_path: Path, prints: str
) -> None:
    assert sent(prints).job == "4711"
    files = {path.name for path in (tmp_path / "run" / "jobs" / "xor-0a1b2c-1").iterdir()}
    assert files == {"4711_submission.sh", "4711_0_submitted.pkl", "4711_1_submitted.pkl"}


def test_sbatch_that_prints_no_number_and_queues_nothing_has_not_taken_the_jobs(
    programs: Path, sent: Callable[..., Submission], tmp_path: Path
) -> None:
    program(programs, "squeue", "")
    with pytest.raises(PipelineError, match=r"somewhere refused the jobs: sbatch printed no id of a job but 'held"):
        sent("echo held for approval")
    assert read_submissions(tmp_path / "run") == []


def test_bare_number_is_believed_where_the_job_cannot_be_looked_up(
    programs: Path, sent: Callable[..., Submission], tmp_path: Path
) -> None:
    counted = f'[ "$(wc -l <"{tmp_path}/squeue.calls")" -gt 1 ] || exit 0'  # the first one is asked before sending
    for silent in ("", f"{counted}; echo 'slurm_load_jobs error' >&2; exit 1"):
        program(programs, "squeue", silent)
        assert sent("echo 4711").job == "4711"


# What a login node has set.

STAYS = {"SBATCH_ACCOUNT": "lab", "SBATCH_QOS": "low", "SBATCH_RESERVATION": "course", "SBATCH_CONSTRAINT": "ib"}
STAYS |= {"SBATCH_EXPORT": "NONE", "SBATCH_PARTITION": "teach", "SLURM_HINT": "nomultithread", "SLURM_CONF": "/etc/x"}
REPLACES = {"SBATCH_TIMELIMIT": "1", "SBATCH_MEM_PER_CPU": "1G", "SBATCH_MEM_PER_NODE": "1G", "SBATCH_JOB_NAME": "x"}
REPLACES |= {
    "SBATCH_OUTPUT": "x",
    "SBATCH_ERROR": "x",
    "SBATCH_ARRAY_INX": "0-9",
    "SBATCH_WAIT": "1",
    "SBATCH_GPUS": "8",
}
REPLACES |= {"SBATCH_GPUS_PER_NODE": "8", "SBATCH_CLUSTERS": "", "SBATCH_GRES": "nvme:1,gpu:8"}
REPLACES |= {"SBATCH_REQUEUE": "1", "SBATCH_NO_REQUEUE": "1", "SBATCH_SIGNAL": "INT", "SBATCH_OPEN_MODE": "truncate"}


def test_what_a_login_node_says_for_sbatch_holds_where_the_profile_says_nothing(
    sent: Callable[..., Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables come before what a script says (man sbatch), so those that would replace something are left out."""
    for name, value in (STAYS | REPLACES).items():
        monkeypatch.setenv(name, value)
    sent()
    had = environment_of(tmp_path, "sbatch")
    assert {name: had.get(name) for name in STAYS} == STAYS
    assert REPLACES.keys() & had.keys() == set()


def test_what_the_profile_says_holds_against_the_login_node(
    sent: Callable[..., Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in STAYS.items():
        monkeypatch.setenv(name, value)
    sent(queue="long", account="mine", qos="high", options=("-C a100", "--reservation=mine", "--export=ALL"))
    assert {name for name in environment_of(tmp_path, "sbatch") if name.startswith("SBATCH_")} == set()


def test_job_sent_from_inside_of_a_job_inherits_nothing_of_it(
    sent: Callable[..., Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = ("SLURM_JOB_ID", "SLURM_NTASKS", "SLURM_HINT", "SLURM_UMASK", "SRUN_DEBUG", "SUBMITIT_EXECUTOR", "RANK")
    for name in (*inherited, "SLURM_CONF"):
        monkeypatch.setenv(name, "1")
    sent()
    had = environment_of(tmp_path, "sbatch")
    assert [name for name in inherited if name in had] == []
    assert had["SLURM_CONF"] == "1"


# Several clusters under one SLURM.


@pytest.mark.parametrize("variable", ["SLURM_CLUSTERS", "SBATCH_CLUSTERS"])
def test_jobs_are_looked_for_on_the_cluster_that_they_were_sent_to(
    sent: Callable[..., Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv(variable, "big,small")
    note = sent("echo Submitted batch job 4711 on cluster small")
    assert environment_of(tmp_path, "sbatch")["SLURM_CLUSTERS"] == "big,small"
    assert note.clusters == "small"
    for elsewhere in ("big", ""):
        monkeypatch.setenv(variable, elsewhere)
        assert held(run, [note]) == {"4711_0", "4711_1"}
        cancel(run, [], print)
        for command in ("squeue", "scancel"):
            had = environment_of(tmp_path, command)
            assert (had["SLURM_CLUSTERS"], "SBATCH_CLUSTERS" in had) == ("small", False)


def test_jobs_of_a_shell_that_named_no_cluster_are_looked_for_at_home(
    sent: Callable[..., Submission], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = sent()
    assert note.clusters is None
    monkeypatch.setenv("SLURM_CLUSTERS", "big")
    held(tmp_path / "run", [note])
    assert "SLURM_CLUSTERS" not in environment_of(tmp_path, "squeue")


def test_interrupted_submit_is_looked_for_on_each_cluster_that_may_have_its_job(
    programs: Path, sent: Callable[..., Submission], tmp_path: Path
) -> None:
    run, note = tmp_path / "run", sent()
    write_submission(run, dataclasses.replace(note, job=None, clusters="big,small"))
    program(programs, "squeue", f'[ "$SLURM_CLUSTERS" = small ] && echo "{QUEUE}"; true')
    reconcile(run, print)
    (found,) = read_submissions(run)
    assert (found.job, found.clusters) == ("4711", "small")
