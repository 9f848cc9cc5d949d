"""A large sweep that is under way, as its owner looks after it: each verb answers at once and loads nothing heavy."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.cli import main
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.launch.notes.attempts import Attempt, write_attempt
from pipeline.launch.notes.submission import Submission, read_submissions, write_submission
from pipeline.models.activations import Tanh
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes

ROOT = Path(__file__).parents[1]
HERE = ("folder=runs", "one_machine=true", "gpus=0", "cpus=1", "max_jobs=3000")
"""What is changed of a cluster whose every node is this machine."""


def commands(folder, **scripts):
    """A PATH on which some commands are what is said here."""
    folder.mkdir()
    for name, text in ({"srun": "", "scancel": "", "sbatch": "echo Submitted batch job 99"} | scripts).items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def send(run, number, packs, job):
    """Note an array with an element for each pack."""
    write_submission(
        run,
        Submission(
            f"big-0a1b2c-{number}", "slurm_generic", HERE, "slurm", None, tuple((pack,) for pack in packs),
            (10.0,) * len(packs), dict.fromkeys(packs, 10.0), 30, 16.0, 60.0, 0, False, 0, None, "code", 100.0, job,
        ),
    )  # fmt: skip


def finish(run, pack):
    rows = {name: pl.lit(None) for name in OUTCOMES} | {"trial": pl.Series([trial.id for trial in pack.trials])}
    rows |= {"pack": pl.lit(pack.id), "status": pl.lit("done"), "seconds": pl.lit(0.2), "attempt": pl.lit(1)}
    write_outcomes(run, pack.id, pl.select(**rows))


WAIT, DONE, LOST = 1500, 494, 6
"""Packs of the large sweep that wait, are finished, and were lost with their jobs; 50 trials each."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of 100,000 trials in 2000 packs, and the environment in which SLURM knows what waits of it."""
    folder = tmp_path_factory.mktemp("sweep")
    inputs = Inputs(train=(16,), test=32, noise=tuple(0.01 * number for number in range(20)))
    asked = Experiment(
        "Large?", (Shallow(Tanh()), Shallow()), tuple(range(1, 51)), (Sine(),), inputs=inputs, steps=100, seeds=5,
        learning_rates=tuple(0.01 * number for number in range(1, 11)),
    )  # fmt: skip
    run, plan = folder / "run", make_plan("large", asked)
    write_plan(plan, run)
    assert (len(plan.packs), len(plan.trials)) == (WAIT + DONE + LOST, 100_000)
    waiting, ended = plan.packs[:WAIT], plan.packs[WAIT:]
    send(run, 1, [pack.id for pack in waiting], "11")
    send(run, 2, [pack.id for pack in ended], "12")
    for index, pack in enumerate(ended):
        over = {"ended_at": 200.0, "end": "finished"} if index < DONE else {}
        write_attempt(run, Attempt("big-0a1b2c-2", index, 0, 1, f"12_{index}", 100.0, pack=pack.id, **over))
        if over:
            finish(run, pack)
    held = "\n".join(f"11_{index}|PENDING|big-0a1b2c-1|Priority" for index in range(WAIT))
    path = commands(folder / "bin", squeue=f"cat <<'END'\n{held}\nEND")
    return run, {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}


ANSWERS = {
    "status": lambda said: said["trials"] == {"done": 50 * DONE, "pending": 50 * WAIT, "lost": 50 * LOST},
    "logs": lambda said: [(group["times"], group["packs"]) for group in said] == [(LOST, LOST)],
    "retry": lambda said: (
        [array["trials"] for array in said["arrays"]] == [50 * LOST] and said["sent"][0]["job"] == "99"
    ),
    "cancel": lambda said: len(said) == WAIT,
}
PROGRAM = """
import sys
from pipeline.cli import main
code = main(sys.argv[1:])
assert not sys.modules.keys() & {"torch", "lightning", "sklearn", "altair"}
sys.exit(code)
"""


@pytest.mark.parametrize("verb", ANSWERS)
def test_hundred_thousand_trials_take_less_than_two_seconds(verb, sweep):
    run, environment = sweep
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, verb, str(run), "--json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert ANSWERS[verb](json.loads(done.stdout)), done.stdout
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2


@pytest.fixture
def halved(tmp_path, monkeypatch):
    """A small run of which a pack of four trials has run out of memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", commands(tmp_path / "bin", squeue=""))
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "small"
    asked = Experiment("Small?", (Shallow(),), (2, 3), (Sine(),), learning_rates=(0.1, 0.2), steps=20, seeds=2)
    plan = make_plan("small", asked)
    write_plan(plan, run)
    send(run, 1, [pack.id for pack in plan.packs], "11")
    failed = {plan.packs[0].id: "out of memory: no more"}
    write_attempt(run, Attempt("big-0a1b2c-1", 0, 0, 1, "11_0", 100.0, ended_at=200.0, end="finished", failed=failed))
    return run


def test_run_that_an_earlier_version_has_planned_is_sent_again_like_one_of_this_version(halved, tmp_path, capsys):
    """Of the plan sending takes what each pack asks for; a half is expected to take half of the time of its pack."""

    def retried():
        assert main(["retry", str(halved), "--json"]) == 0
        said = capsys.readouterr()
        return json.loads(said.out), said.err

    shutil.copytree(halved, tmp_path / "before")
    measured, said = retried()
    assert [array["trials"] for array in measured["arrays"]] == [2 + 2 + 4]
    assert "measuring" not in said
    for text in ("its halves are", "8 trials in 3 packs: 0 packs finished, 0 in flight"):
        assert text in said
    shutil.rmtree(halved)
    (tmp_path / "before").rename(halved)
    content = json.loads((halved / "plan.json").read_bytes())
    for field in ("digest", "shapes", "recorded_steps"):
        del content[field]
    for pack in content["packs"]:
        del pack["shape"]
    (halved / "plan.json").write_text(json.dumps(content))
    again, said = retried()
    assert again == measured
    assert "measuring" not in said


def lost(run):
    """Let both jobs of the small run have been told to end."""
    for index in (0, 1):
        over = {"ended_at": 200.0, "end": "signal"}
        write_attempt(run, Attempt("big-0a1b2c-1", index, 0, 1, f"11_{index}", 100.0, **over))


def test_retry_sets_anew_what_submit_has_set(halved, capsys):
    """What was changed of the cluster stays as it was for the packs sent again; of two values the later one counts."""
    lost(halved)
    changes = ("cluster.cpus=2", "cluster.max_jobs=2")
    assert main(["retry", str(halved), *(word for change in changes for word in ("--set", change))]) == 0
    (again,) = read_submissions(halved)[1:]
    assert again.overrides == ("folder=runs", "one_machine=true", "gpus=0", "cpus=2", "max_jobs=2")
    assert main(["retry", str(halved), "--set", "cluster.cpus=0"]) == 2
    assert "--set cluster.cpus=0: cpus must be at least 1, not 0" in capsys.readouterr().err


def test_logs_do_not_say_that_nothing_has_gone_wrong_where_trials_are_lost_or_nobody_knows(halved, tmp_path, capsys):
    """A worker that was told to end ends in order, and leaves no error: qdel of PBS, and scancel, send SIGTERM."""
    lost(halved)
    assert main(["logs", str(halved)]) == 0
    said = "no error was left behind\n8 trials are of jobs that ended before they were done; retry sends them again\n"
    assert capsys.readouterr().err == said
    (tmp_path / "bin" / "squeue").write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2; exit 1\n")
    assert main(["logs", str(halved)]) == 0
    said = capsys.readouterr().err
    assert "which jobs have ended is unknown: SLURM could not be asked: Unable to contact slurm controller" in said
    assert said.endswith("no error is known so far\n")
