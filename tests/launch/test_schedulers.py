"""Sweeps through the command line on PBS (a stand-in that really runs jobs) and on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import preloaded
import pytest
from fake_pbs import FakePbs, start_pbs, wait_for

from pipeline.launch.notes.submission import read_submissions
from pipeline.records.store import read_outcomes

ROOT = Path(__file__).parents[2]

SMALL = """question: Small?
target: x_squared
inputs: {train: 16, test: 16}
models: [shallow, {linear: {basis: cosine}}]
widths: [2, 3]
learning_rates: [0.01, 0.02]
steps: 20
seeds: 1
record_at: {log_spaced: 4}
checkpoint_seconds: 0.5
accelerator: cpu
"""
PACKS, TRIALS = 4, 8
LONG = "steps=600000000"
"""A training that takes minutes."""
ARRAY = "cluster.job_minutes=1e-9"
"""Jobs so short that each pack is one."""
PATIENCE = 240.0
"""How long something may take that needs workers to start, when all processors are busy with other tests."""
ON_PBS = ("cluster.folder=runs", "cluster.one_machine=true", "cluster.gpus=0", "cluster.cpus=1")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is remembered of the speed of this machine, by all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sweep(tmp_path: Path, measured: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and an environment for commands that are run in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(measured))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def pbs(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePbs]:
    pbs = start_pbs(sweep, monkeypatch)
    yield pbs
    pbs.stop()


def command(sweep: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the command line."""
    return preloaded.run(*words, cwd=sweep)


def quick() -> str:
    """Jobs whose Python has its libraries loaded already: for tests that are not about how a job starts."""
    return f"cluster.python={preloaded.job_python()}"


def submit(sweep: Path, cluster: str, *changes: str, more: tuple[str, ...] = ()) -> str:
    """What a submit says that succeeds."""
    done = tried(sweep, cluster, *changes, more=more)
    assert done.returncode == 0, done.stderr
    return done.stderr


def tried(sweep: Path, cluster: str, *changes: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    usual = ON_PBS if cluster == "pbs_generic" else ()
    settings = [word for change in (*usual, *changes) for word in ("--set", change)]
    return command(sweep, "submit", "small.yaml", "--cluster", cluster, *settings, *more)


def run_of(sweep: Path) -> Path:
    (run,) = (sweep / "runs").iterdir()
    return run


def status(sweep: Path) -> dict[str, Any]:
    done = command(sweep, "status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def wait_for_status(sweep: Path, ready: Callable[[dict[str, Any]], Any]) -> None:
    """Wait until the verb says something; asking is work, which is left to what is waited for."""
    wait_for(lambda: ready(status(sweep)), PATIENCE, every=0.5)


def finished(sweep: Path) -> bool:
    return read_outcomes(run_of(sweep)).height == TRIALS


def packs_that_train(sweep: Path) -> int:
    return len(list((run_of(sweep) / "checkpoints").glob("*/*")))


def sent(pbs: FakePbs) -> list[list[str]]:
    return [call for call in pbs.calls() if call[0] == "qsub"]


def wait_until_all_is_done(sweep: Path) -> None:
    wait_for(lambda: finished(sweep), PATIENCE)


# PBS.


@pytest.mark.usefixtures("quick_pilots")
def test_array_on_pbs_trains_every_trial_and_status_knows_it_without_history(pbs: FakePbs, sweep: Path) -> None:
    pbs.set(slots=0, history=False)
    assert "sent small-" in submit(sweep, "pbs_generic", ARRAY, quick())
    (one,) = read_submissions(run_of(sweep))
    assert [len(task) for task in one.tasks] == [1] * PACKS
    assert status(sweep)["trials"] == {"pending": TRIALS}
    again = submit(sweep, "pbs_generic", ARRAY, quick())
    assert f"{PACKS} in flight; nothing is left to send" in again
    pbs.set(slots=2)
    wait_until_all_is_done(sweep)
    wait_for(lambda: not pbs.jobs())
    found = status(sweep)
    assert found["trials"] == {"done": TRIALS}
    assert [(row["pending"], row["running"], row["ended"]) for row in found["arrays"]] == [(0, 0, PACKS)]
    assert found["errors"] == []
    assert set(read_outcomes(run_of(sweep))["job"]) == {one.task_id(index) for index in range(PACKS)}
    assert len(sent(pbs)) == 1


def test_submit_and_retry_answer_a_program_with_what_they_sent(pbs: FakePbs, sweep: Path) -> None:
    pbs.set(slots=0)
    done = tried(sweep, "pbs_generic", ARRAY, more=("--json", "--chain", "1"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    first, second = read_submissions(run_of(sweep))
    assert answer["run"] == str(Path("runs") / run_of(sweep).name)
    assert answer["sent"] == [
        {"array": one.name, "job": one.job, "jobs": PACKS, "after": one.after} for one in (first, second)
    ]
    assert [(array["array"], array["trials"]) for array in answer["arrays"]] == [
        (first.name, TRIALS),
        (second.name, TRIALS),
    ]
    assert answer["estimate"]["jobs"] == 2 * PACKS
    again = json.loads(command(sweep, "retry", "--json").stdout)
    assert (again["sent"], again["arrays"], again["estimate"], again["packs_in_flight"]) == ([], [], None, PACKS)


def test_second_submit_measures_nothing_that_was_sent_before(pbs: FakePbs, sweep: Path, tmp_path: Path) -> None:
    pbs.set(slots=0)
    submit(sweep, "pbs_generic", ARRAY)
    (one,) = read_submissions(run_of(sweep))
    command(sweep, "cancel")
    wait_for_status(sweep, lambda found: found["trials"] == {"lost": TRIALS})
    (tmp_path / "empty").mkdir()
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
        assert "measuring" not in submit(sweep, "pbs_generic", ARRAY)
    assert read_submissions(run_of(sweep))[-1].costs == one.costs


def test_single_job_on_pbs_trains_all_and_the_next_link_of_its_chain_ends_at_once(pbs: FakePbs, sweep: Path) -> None:
    said = submit(sweep, "pbs_generic", more=("--chain", "1"))
    first, second = read_submissions(run_of(sweep))
    assert f"as {second.job}, after {first.name}" in said
    assert "-J" not in sent(pbs)[1]
    assert f"depend=afterany:{first.job}.pbs01" in sent(pbs)[1]
    wait_until_all_is_done(sweep)
    log = run_of(sweep) / "jobs" / second.name / f"{second.job}_0_log.out"
    wait_for(lambda: log.exists() and "nothing is left to do here" in log.read_text(), PATIENCE)
    wait_for_status(sweep, lambda found: found["arrays"][1]["ended"])
    assert status(sweep)["trials"] == {"done": TRIALS}
    assert status(sweep)["errors"] == []
    assert set(read_outcomes(run_of(sweep))["job"]) == {first.job}


def test_one_task_on_pbs_is_cancelled_and_then_all(pbs: FakePbs, sweep: Path) -> None:
    submit(sweep, "pbs_generic", ARRAY, LONG, quick())
    (one,) = read_submissions(run_of(sweep))
    wait_for_status(sweep, lambda found: found["trials"] == {"running": TRIALS})
    assert status(sweep)["seconds_left"] > 0
    assert [row["waits for"] for row in status(sweep)["arrays"]] == [""]
    assert "1 job was told to end" in command(sweep, "cancel", one.task_id(1)).stderr
    wait_for_status(sweep, lambda found: found["trials"] == {"running": 6, "lost": 2})
    assert command(sweep, "cancel", one.task_id(1)).stderr == "no job of this run was there any more\n"
    assert "3 jobs were told to end" in command(sweep, "cancel").stderr
    wait_for_status(sweep, lambda found: found["trials"] == {"lost": TRIALS})
    deleted = [call[1:] for call in pbs.calls() if call[0] == "qdel"]
    assert deleted == [[f"{one.job}[1].pbs01"], [f"{one.job}[].pbs01"]]


def test_status_on_pbs_says_why_a_job_can_never_run_and_its_logs_that_there_are_none(pbs: FakePbs, sweep: Path) -> None:
    submit(sweep, "pbs_generic", "cluster.chunk=[ngpus=3]")
    why = "Can Never Run: Insufficient amount of resource: ngpus (R: 3 A: 2 T: 2)"
    wait_for_status(sweep, lambda found: found["arrays"][0]["waits for"] == why)
    (one,) = read_submissions(run_of(sweep))
    assert command(sweep, "logs", str(one.job)).stderr == ("nothing was written yet\n")


def test_submit_killed_before_it_could_note_its_job_finds_it_by_name(
    pbs: FakePbs, sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as deadly:
        binaries = sweep / "deadly"
        binaries.mkdir()
        (binaries / "qsub").write_text(f'#!/bin/bash\n"{pbs.folder}/bin/qsub" "$@"\nkill -9 $PPID\n')
        (binaries / "qsub").chmod(0o755)
        deadly.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
        assert tried(sweep, "pbs_generic", ARRAY, quick()).returncode == -9
    (before,) = read_submissions(run_of(sweep))
    assert before.job is None
    said = submit(sweep, "pbs_generic", ARRAY, quick())
    (after,) = read_submissions(run_of(sweep))
    assert after.name == before.name
    assert f"after it had sent {after.name}: it is job {after.job}" in said
    wait_until_all_is_done(sweep)
    assert len(sent(pbs)) == 1


def test_submit_sends_nothing_while_pbs_does_not_answer(pbs: FakePbs, sweep: Path) -> None:
    pbs.set(qstat="refused")
    done = tried(sweep, "pbs_generic")
    assert done.returncode == 2
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert not sent(pbs)
    assert not (sweep / "runs").exists()


def test_pbs_s_own_words_are_told_when_it_refuses_and_the_next_submit_works(pbs: FakePbs, sweep: Path) -> None:
    pbs.set(qsub="refused")
    done = tried(sweep, "pbs_generic")
    assert done.returncode == 2
    said = "pbs_generic refused the jobs: cannot connect to server pbs01 (errno=15010)\n  hint: its server may be down"
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert read_submissions(run_of(sweep)) == []
    pbs.set(qsub=None)
    submit(sweep, "pbs_generic", quick())
    wait_until_all_is_done(sweep)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_training_over_several_nodes_of_pbs_is_refused_before_anything_is_written(
    pbs: FakePbs, sweep: Path, more: tuple[str, ...]
) -> None:
    done = tried(sweep, "pbs_generic", "parallel={nodes: 2, devices: 1}", more=more)
    assert done.returncode == 2
    assert "parallel.nodes is 2, and jobs on pbs_generic start workers on one node only" in done.stderr
    assert not sent(pbs)
    assert not (sweep / "runs").exists()


# This machine.


@pytest.mark.usefixtures("quick_pilots")
def test_job_on_this_machine_outlives_the_command_and_is_seen_and_ended(sweep: Path) -> None:
    submit(sweep, "local", LONG)
    (one,) = read_submissions(run_of(sweep))
    assert Path("/proc", str(one.job)).exists()
    wait_for_status(sweep, lambda found: found["trials"].get("running"))
    assert "nothing is left to send" in submit(sweep, "local", LONG)
    assert "1 job was told to end" in command(sweep, "cancel").stderr
    wait_for_status(sweep, lambda found: "lost" in found["trials"])
    assert status(sweep)["trials"] == {"lost": TRIALS}


def test_every_trial_is_trained_on_this_machine(sweep: Path) -> None:
    submit(sweep, "local", "cluster.max_running=2", quick())
    assert len(read_submissions(run_of(sweep))) == 2
    wait_until_all_is_done(sweep)
    assert status(sweep)["trials"] == {"done": TRIALS}
    assert "all of them were finished before" in command(sweep, "run", "small.yaml").stderr


@pytest.mark.parametrize("cluster", ["local", "pbs_generic"])
def test_jobs_run_definitions_of_ones_own_as_they_were_when_they_were_sent(
    cluster: str, sweep: Path, own_target: Callable[[Path], dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """A process of its own has to show it, for this one has the file in memory; and one that knows of no trust."""
    if cluster == "pbs_generic":
        request.getfixturevalue("pbs")
    own_target(sweep)
    config, gate = sweep / "small.yaml", sweep / "gate"
    config.write_text(re.sub(r"^target: .*$", "use: mine.py\ntarget: halved", config.read_text(), flags=re.MULTILINE))
    waits = [f"while [ ! -e {gate} ]; do sleep 0.1; done", f"export XDG_CACHE_HOME={sweep}/elsewhere"]
    submit(sweep, cluster, f"cluster.setup={json.dumps(waits)}", quick())
    files = {name: (sweep / name).read_text() for name in ("mine.py", "halves.py")}
    for name in files:
        (sweep / name).write_text("raise SystemExit('not the file that was sent')")
    gate.touch()
    wait_until_all_is_done(sweep)
    assert status(sweep)["trials"] == {"done": TRIALS}
    assert {copy.name: copy.read_text() for copy in (run_of(sweep) / "definitions").iterdir()} == files
    assert {row["status"] for row in json.loads(command(sweep, "results", "--json").stdout)} == {"done"}


def test_debug_trains_in_the_process_itself(sweep: Path) -> None:
    submit(sweep, "local", "cluster.scheduler=debug")
    assert finished(sweep)
    assert status(sweep)["trials"] == {"done": TRIALS}


def test_results_do_not_depend_on_what_ran_the_jobs(pbs: FakePbs, sweep: Path) -> None:
    def rows() -> list[dict[str, Any]]:
        return json.loads(command(sweep, "results", "--json").stdout)

    submit(sweep, "pbs_generic", ARRAY, quick(), "dtype=float64")
    wait_until_all_is_done(sweep)
    there = rows()
    (run,) = (sweep / "runs").iterdir()
    run.rename(sweep / "there")
    assert command(sweep, "run", "small.yaml", "--set", "dtype=float64").returncode == 0
    timed = re.compile("second|time|job|host|device|code|attempt")
    for one, other in zip(there, rows(), strict=True):
        for name in one:
            if not timed.search(name):
                assert one[name] == (pytest.approx(other[name], rel=1e-12) if _number(one[name]) else other[name]), name


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
