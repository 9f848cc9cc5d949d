"""A chain has as many links as were asked for, however often its sending was interrupted, and none of them twice."""

import json
import os
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from fake_pbs import start_pbs, wait_for
from submitit.core.utils import DelayedSubmission

from pipeline.cli import main
from pipeline.config import read_experiment
from pipeline.launch.cost.calibration import remember_job
from pipeline.launch.notes.submission import Submission, read_submissions, write_submission
from pipeline.launch.submit.job_chains import missing_links
from pipeline.plans import make_plan
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes

TASKS = (("p1", "p2"), ("p3",))
PACKS = {"p1", "p2", "p3"}


def link(number, after=None, position=0, tasks=TASKS):
    return Submission(
        f"xor-0a1b2c-{number}", "soc", (), "slurm", None, tasks, (1.0,) * len(tasks), {}, 30, 16.0, 60.0, 1, False,
        position, after and f"xor-0a1b2c-{after}", "code", 100.0, str(10 + number),
    )  # fmt: skip


FIRST, SECOND, THIRD = link(1), link(2, 1, 1), link(3, 2, 2)
ALL = {f"{job}_{index}" for job in (11, 12, 13) for index in (0, 1)}


def missing(submissions, held=ALL, packs=PACKS, links=3):
    return [(cut.before.number, list(cut.links), cut.tasks) for cut in missing_links(submissions, held, packs, links)]


def test_links_that_were_never_sent_are_missing():
    assert missing([FIRST]) == [(1, [1, 2], TASKS)]
    assert missing([FIRST, SECOND]) == [(2, [2], TASKS)]
    assert missing([FIRST, SECOND, THIRD]) == []
    assert missing([FIRST], links=1) == []


def test_link_that_has_ended_is_not_missing():
    assert missing([FIRST, SECOND, THIRD], {"13_0", "13_1"}) == []
    assert missing([FIRST, SECOND], {"12_0", "12_1"}) == [(2, [2], TASKS)]
    assert missing([FIRST, SECOND, THIRD], {"11_0", "11_1"}) == []  # the others were cancelled


def test_what_nobody_holds_is_no_chain_to_complete():
    assert missing([FIRST, SECOND], set()) == []


def test_missing_link_has_what_is_in_flight_and_not_finished():
    assert missing([FIRST], {"11_0"}) == [(1, [1, 2], (("p1", "p2"),))]
    assert missing([FIRST], packs={"p2", "p3"}) == [(1, [1, 2], (("p2",), ("p3",)))]
    assert missing([FIRST], packs={"p9"}) == []


def test_pack_that_a_whole_chain_has_needs_no_links_of_another():
    other = link(4, tasks=(("p1",), ("p4",)))
    held = {*ALL, "14_0", "14_1"}
    assert missing([FIRST, SECOND, THIRD, other], held, {*PACKS, "p4"}) == [(4, [1, 2], (("p4",),))]


# Through the command line, to PBS.

SMALL = """question: Small?
target: x_squared
inputs: {train: 16, test: 16}
models: [{linear: {basis: cosine}}]
widths: [2, 3]
learning_rates: [0.01, 0.02]
steps: 20
seeds: 1
accelerator: cpu
"""
CHANGES = ("folder=runs", "one_machine=true", "gpus=0", "cpus=1", "job_minutes=1e-9")
CUTS_SHORT = """#!/bin/bash
echo >>{counter}
case $(wc -l <{counter}) in
2) {action};;
esac
exec {qsub} "$@"
"""
"""A qsub that does something else when it is called for the second time."""


def plan():
    return make_plan("small", read_experiment(Path("small.yaml")))


@pytest.fixture
def pbs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)
    for workload in plan().manifest.workloads.values():
        remember_job("pbs_generic", 0, workload, 1.0)  # so that nothing has to be measured
    pbs = start_pbs(tmp_path, monkeypatch)
    pbs.set(slots=0)
    yield pbs
    pbs.stop()


@pytest.fixture
def second_qsub(pbs, tmp_path, monkeypatch):
    """Makes the second call of qsub an action; it is over when the fixture's own block is."""

    def does(action):
        folder = tmp_path / "second"
        folder.mkdir()
        (folder / "qsub").write_text(
            CUTS_SHORT.format(counter=tmp_path / "counter", action=action, qsub=pbs.folder / "bin" / "qsub")
        )
        (folder / "qsub").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return does


def submit(*more, chain=2, code=0):
    sets = [word for change in CHANGES for word in ("--set", f"cluster.{change}")]
    words = ["submit", "small.yaml", "--cluster", "pbs_generic", *sets, "--chain", str(chain), *more]
    assert main(words) == code


def notes():
    return read_submissions(run())


def run():
    (folder,) = Path("runs").iterdir()
    return folder


def check_whole(pbs, links=3):
    """One chain on the server, each link waiting for the one before, and noted as it is."""
    sent = notes()
    assert [note.link for note in sent] == list(range(links))
    assert [f"{note.job}[].pbs01" for note in sent] == [id_ for id_ in pbs.jobs() if "[]" in id_]
    state = json.loads((pbs.folder / "state.json").read_text())["jobs"]
    for before, after in pairwise(sent):
        assert after.after == before.name
        assert state[f"{after.job}[].pbs01"]["_after"] == f"{before.job}[].pbs01"
    assert {note.tasks for note in sent} == {sent[0].tasks}


UNREACHED = "echo 'qsub: cannot connect to server pbs01 (errno=15010)' >&2; exit 162"
WAITS_FOR_THE_FIRST = "while grep -q '\"1\\[\\]' {}/state.json; do sleep 0.05; done"
LOST_ANSWER = '{qsub} "$@" >/dev/null; ' + UNREACHED


@pytest.mark.parametrize("sends", [False, True], ids=["which never arrived", "which arrived all the same"])
def test_link_that_the_server_did_not_answer_to_is_completed_with_those_after_it(pbs, second_qsub, capsys, sends):
    second_qsub(LOST_ANSWER.format(qsub=pbs.folder / "bin" / "qsub") if sends else UNREACHED)
    submit(code=2)
    said = capsys.readouterr().err
    assert "the jobs have arrived; run the same command again" in said if sends else "its server may be down" in said
    for note in notes():  # also those that were sent are whole, should nobody type it again
        folder = run() / "jobs" / note.name
        assert [(folder / f"{note.task_id(i)}_submitted.pkl").exists() for i in range(len(note.tasks))] == [True, True]
    assert len(notes()) == 1 + sends
    submit()
    check_whole(pbs)
    submit()
    check_whole(pbs)
    assert "nothing is left to send" in capsys.readouterr().err


def test_chain_of_a_submit_that_was_killed_is_completed(pbs, capsys):
    """Killed before it noted the id of the second link, and then before it could note the third at all."""
    submit(chain=1)
    first, second = notes()
    for pickle in (run() / "jobs" / second.name).glob("*_submitted.pkl"):
        pickle.unlink()  # submitit names them after the job, once it knows its id
    write_submission(run(), Submission(**{**vars(second), "job": None}))
    submit()
    assert f"after it had sent {second.name}: it is job {second.job}" in capsys.readouterr().err
    check_whole(pbs)
    pickles = [DelayedSubmission.load(path) for path in (run() / "jobs").glob("*/*_submitted.pkl")]
    assert len(pickles) == 3 * len(first.tasks)
    assert len({(one._timeout_min, one._timeout_countdown) for one in pickles}) == 1  # as often requeued as any other


def test_rehearsal_shows_the_missing_links_and_sends_none(pbs, capsys):
    submit(chain=0)
    capsys.readouterr()
    submit("--dry-run", "--json")
    shown = json.loads(capsys.readouterr().out)
    (first,) = notes()
    assert [(row["link"], row["trials"]) for row in shown["arrays"]] == [(1, 4), (2, 4)]
    assert f"ID-OF-{first.name}" in next(iter(shown["scripts"].values()))
    check_whole(pbs, links=1)


def test_links_beyond_the_jobs_that_are_allowed_are_refused(pbs, capsys):
    submit(chain=0)
    submit("--set", "cluster.max_jobs=5", code=2)
    said = "you have 2 jobs there, 5 are allowed, and missing links are 4 more\n  hint: take a shorter --chain"
    assert said in capsys.readouterr().err
    check_whole(pbs, links=1)


def test_link_that_a_server_without_history_throws_away_is_sent_again_without_waiting(pbs, second_qsub, capsys):
    """The first link dies at once; the server has forgotten it before the second arrives."""
    pbs.set(slots=4, history=False)
    second_qsub(WAITS_FOR_THE_FIRST.format(pbs.folder))
    submit("--set", "cluster.python=false", chain=1)
    assert "ended before" in (said := capsys.readouterr().err)
    first, second = notes()
    assert f"{first.name} ended before {second.name} arrived, and pbs_generic forgets jobs that have ended" in said
    assert (second.after, second.link) == (None, 1)
    calls = [call for call in pbs.calls() if call[0] == "qsub"]
    assert [any("depend=" in word for word in call) for call in calls] == [False, True, False]
    wait_for(lambda: list((run() / "jobs" / second.name).glob(f"{second.job}_*_exit_code")))  # it has really run


def test_link_for_which_nothing_is_left_is_not_sent_again(pbs, second_qsub, capsys):
    """The first link finishes all that there is; the server has forgotten it before the second arrives."""
    for pack in plan().packs:
        rows = {name: pl.lit(None) for name in OUTCOMES} | {"trial": pl.Series([trial.id for trial in pack.trials])}
        write_outcomes(Path("there"), pack.id, pl.select(**rows | {"pack": pl.lit(pack.id), "status": pl.lit("done")}))
    pbs.set(slots=4, history=False)
    second_qsub(WAITS_FOR_THE_FIRST.format(pbs.folder) + "; cp -r there/outcomes runs/*/")
    submit("--set", "cluster.python=false")
    assert len(notes()) == 1
    assert "are left out: all its packs are finished" in capsys.readouterr().err
    assert len([call for call in pbs.calls() if call[0] == "qsub"]) == 2
