"""The state of every trial follows from records, notes, and one question to the scheduler."""

import json
import os

import polars as pl
import pytest

from pipeline.launch.notes.attempts import Attempt, write_attempt
from pipeline.launch.notes.submission import Submission, read_submissions, write_submission
from pipeline.launch.schedulers.pbs import PbsScheduler
from pipeline.launch.state.in_flight import packs_in_flight
from pipeline.launch.state.status import status
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes

NAME = "xor-0a1b2c-1"


class Site:
    """A run of packs of two trials, and a SLURM that answers what it is told to."""

    def __init__(self, run, binaries):
        self.run, self.squeue = run, binaries / "squeue"

    def plan(self, *packs, trials=2):
        written = [{"id": pack, "trials": [f"{pack}-{i}" for i in range(trials)]} for pack in packs]
        self.run.mkdir(exist_ok=True)
        (self.run / "plan.json").write_text(json.dumps({"packs": written}))

    def send(self, *tasks, name=NAME, job="12", after=None):
        costs = {pack: 10.0 for task in tasks for pack in task}
        seconds = tuple(10.0 * len(task) for task in tasks)
        write_submission(
            self.run,
            Submission(
                name, "soc", (), "slurm", None, tasks, seconds, costs, 30, 16.0, 60.0, 1, False, 0, after, "code",
                100.0, job,
            ),
        )  # fmt: skip

    def finish(self, pack, status="done", seconds=5.0, trials=2, job="12_0"):
        values = {"status": status, "reason": "ValueError: no" if status == "failed" else "", "seconds": seconds}
        values |= {"pack": pack, "attempt": 1, "job": job}
        rows = [values | {"trial": f"{pack}-{i}"} for i in range(trials)]
        write_outcomes(self.run, pack, pl.DataFrame([{name: row.get(name) for name in OUTCOMES} for row in rows]))

    def begin(self, pack):
        (self.run / "checkpoints" / pack).mkdir(parents=True)

    def answers(self, *rows):
        text = "\n".join(rows)
        self.squeue.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        self.squeue.chmod(0o755)

    def refuses(self):
        self.squeue.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact controller' >&2; exit 1\n")
        self.squeue.chmod(0o755)

    def trials(self):
        return status(self.run).trials


@pytest.fixture
def site(tmp_path, monkeypatch):
    binaries = tmp_path / "bin"
    binaries.mkdir()
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    return Site(tmp_path / "run", binaries)


def test_trials_are_pending_running_finished_lost_or_not_sent(site):
    site.plan("p1", "p2", "p3", "p4", "p5", "p6")
    site.send(("p1", "p2"), ("p3",), ("p4",), ("p5",))
    site.finish("p1")
    site.finish("p5", "diverged")
    site.begin("p2")
    site.answers(f"12_0|RUNNING|{NAME}|None", f"12_1|PENDING|{NAME}|Resources", f"12_3|COMPLETED|{NAME}|None")
    found = status(site.run)
    assert found.trials == {"done": 2, "diverged": 2, "running": 2, "pending": 2, "lost": 2, "not sent": 2}
    (row,) = found.arrays.to_dicts()
    assert (row["pending"], row["running"], row["ended"], row["finished trials"], row["trials"]) == (1, 1, 2, 4, 10)
    assert row["waits for"] == "Resources"
    assert found.unknown == ""


def test_pack_whose_turn_in_its_job_has_not_come_is_pending(site):
    site.plan("p1", "p2")
    site.send(("p1", "p2"))
    site.begin("p1")
    site.answers(f"12|RUNNING|{NAME}|None")
    assert site.trials() == {"running": 2, "pending": 2}


def test_pack_that_another_job_trains_to_help_is_running_although_its_own_has_ended(site):
    site.plan("p1", "p2")
    site.send(("p1",), ("p2",))
    site.finish("p1")
    write_attempt(site.run, Attempt(NAME, 0, 0, 1, "12_0", 1.0, pack="p2"))
    site.answers(f"12_0|RUNNING|{NAME}|None")
    assert site.trials() == {"done": 2, "running": 2}
    assert packs_in_flight(site.run, read_submissions(site.run), {"12_0"}) == {"p1", "p2"}
    site.answers(f"12_0|COMPLETED|{NAME}|None")
    assert site.trials() == {"done": 2, "lost": 2}
    assert packs_in_flight(site.run, read_submissions(site.run), set()) == set()


def test_job_of_another_run_is_not_ours(site):
    site.plan("p1")
    site.send(("p1",))
    site.answers("120|RUNNING|other-0a1b2c-1|None", "1|PENDING|x|None")
    assert site.trials() == {"lost": 2}


def test_pack_sent_again_is_what_its_newest_job_is(site):
    site.plan("p1")
    site.send(("p1",))
    site.send(("p1",), name="xor-0a1b2c-2", job="13")
    site.answers("13|PENDING|xor-0a1b2c-2|Priority")
    assert site.trials() == {"pending": 2}


def test_link_of_a_chain_that_waits_does_not_hide_that_its_pack_trains(site):
    site.plan("p1")
    site.send(("p1",))
    site.send(("p1",), name="xor-0a1b2c-2", job="13", after=NAME)
    site.begin("p1")
    site.answers(f"12|RUNNING|{NAME}|None", "13|PENDING|xor-0a1b2c-2|Dependency")
    assert site.trials() == {"running": 2}


def test_scheduler_that_does_not_answer_leaves_only_what_is_in_flight_unknown(site):
    site.plan("p1", "p2", "p3")
    site.send(("p1",), ("p2",))
    site.finish("p1")
    site.refuses()
    found = status(site.run)
    assert found.trials == {"done": 2, "in flight": 2, "not sent": 2}
    assert "Unable to contact controller" in found.unknown
    assert found.arrays.select("pending", "running", "ended").row(0) == (None, None, None)
    assert found.incidents == []
    assert found.seconds_left is None


@pytest.mark.parametrize(
    "script",
    [
        "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2",
        "echo 'slurm_load_jobs error: Socket timed out'",
        "echo '<html>502 Bad Gateway</html>'",
        r"printf 'JOBID|STATE|NAME|REASON\n12_0|PENDI'",
    ],
)
def test_what_is_no_list_of_jobs_ends_none_even_if_squeue_ends_with_0(site, script):
    site.plan("p1")
    site.send(("p1",), job="12")
    site.squeue.write_text(f"#!/bin/sh\n{script}\n")
    site.squeue.chmod(0o755)
    assert "SLURM could not be asked" in status(site.run).unknown
    assert site.trials() == {"in flight": 2}


def test_list_of_no_jobs_is_an_answer_whatever_is_printed_around_it(site):
    site.plan("p1")
    site.send(("p1",), job="12")
    site.squeue.write_text("#!/bin/sh\necho Welcome\necho 'JOBID|STATE|NAME|REASON'\necho a warning >&2\n")
    site.squeue.chmod(0o755)
    assert status(site.run).unknown == ""
    assert site.trials() == {"lost": 2}


def test_machine_without_the_scheduler_says_so(site, tmp_path, monkeypatch):
    site.plan("p1")
    site.send(("p1",))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "squeue is not on PATH" in status(site.run).unknown


def test_run_of_which_nothing_was_sent_asks_no_scheduler(site):
    site.plan("p1", "p2")
    site.finish("p1")
    site.refuses()
    found = status(site.run)
    assert (found.trials, found.unknown) == ({"done": 2, "not sent": 2}, "")


def test_pack_that_failed_is_kept_back_after_the_second_time(site):
    site.plan("p1")
    site.send(("p1",))
    site.finish("p1", "failed")
    site.answers()
    fields = {"began_at": 1.0, "ended_at": 2.0, "end": "finished", "failed": {"p1": "ValueError: no"}}
    write_attempt(site.run, Attempt(NAME, 0, 0, 1, "12", **fields))
    found = status(site.run)
    assert found.trials == {"failed": 2}
    assert [one.what for one in found.incidents] == ["ValueError: no"]
    write_attempt(site.run, Attempt(NAME, 0, 0, 2, "12", **fields))
    assert site.trials() == {"quarantined": 2}


def test_time_left_is_as_far_off_as_the_expectation_was(site):
    site.plan("p1", "p2", "p3")
    site.send(("p1", "p2", "p3"))
    site.finish("p1", seconds=15.0)  # of each of two trials: 30 s and not 10 s
    site.begin("p2")
    site.answers(f"12|RUNNING|{NAME}|None")
    assert status(site.run).seconds_left == pytest.approx(2 * 30)


def test_job_that_waits_for_nothing_in_particular_waits_for_nothing(site):
    site.plan("p1", "p2")
    site.send(("p1",), ("p2",))
    site.answers(f"12_0|PENDING|{NAME}|None", f"12_1|RUNNING|{NAME}|None")
    assert status(site.run).arrays["waits for"].to_list() == [""]
    site.answers(f"12_0|PENDING|{NAME}|Priority", f"12_1|RUNNING|{NAME}|None")
    assert status(site.run).arrays["waits for"].to_list() == ["Priority"]


def test_jobs_are_those_of_whom_this_process_is_whatever_name_it_goes_by(site, monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody")  # after su or sudo
    site.plan("p1")
    site.send(("p1",))
    site.squeue.write_text(
        f'#!/bin/sh\ncase "$*" in *"--user {os.getuid()} "*) echo "12|PENDING|{NAME}|Priority";; esac\n'
    )
    site.squeue.chmod(0o755)
    assert site.trials() == {"pending": 2}


def test_finished_trials_count_for_the_one_array_whose_job_finished_them(site):
    """Links of a chain have the same packs, and so has what a retry sends."""
    site.plan("p1", "p2", "p3")
    site.send(("p1",), ("p2",), ("p3",))
    site.send(("p1",), ("p2",), ("p3",), name="xor-0a1b2c-2", job="13", after=NAME)
    site.finish("p1", job="12_0")
    site.finish("p2", job="13_1")
    site.finish("p3", job=None)  # in no job, but by run
    site.answers("13_2|RUNNING|xor-0a1b2c-2|None")
    found = status(site.run)
    assert found.arrays["finished trials"].to_list() == [4, 2]
    assert found.arrays["trials"].to_list() == [6, 6]
    assert found.seconds_left is None  # what still runs ends at once


def test_link_waits_for_the_end_of_the_one_before_as_long_as_that_goes_on(site):
    site.plan("p1", "p2")
    site.send(("p1",), ("p2",))
    site.send(("p1",), ("p2",), name="xor-0a1b2c-2", job="13", after=NAME)

    def waits(*rows):
        site.answers(*rows)
        return status(site.run).arrays["waits for"].to_list()

    link = [f"13_{index}|PENDING|xor-0a1b2c-2|Dependency" for index in (0, 1)]
    assert waits(f"12_1|RUNNING|{NAME}|None", *link) == ["", f"the end of {NAME}"]
    assert waits("13_0|RUNNING|xor-0a1b2c-2|None", "13_1|PENDING|xor-0a1b2c-2|Resources") == ["", "Resources"]
    assert waits("13_0|RUNNING|xor-0a1b2c-2|None", "13_1|RUNNING|xor-0a1b2c-2|None") == ["", ""]
    assert waits("13_0|PENDING|xor-0a1b2c-2|None", "13_1|PENDING|xor-0a1b2c-2|None") == ["", ""]
    assert waits() == ["", ""]


def test_suspended_job_waits_and_says_so(site):
    site.plan("p1", "p2")
    site.send(("p1",), ("p2",))
    site.begin("p1")
    site.answers(f"12_0|SUSPENDED|{NAME}|None", f"12_1|RUNNING|{NAME}|None")
    (row,) = status(site.run).arrays.to_dicts()
    assert (row["pending"], row["running"], row["waits for"]) == (1, 1, "suspended")


@pytest.mark.parametrize("comment", ["", "Job run at Mon Nov 30 at 09:00 on (node1:ncpus=1)"])
def test_suspended_job_of_pbs_waits_and_says_so(tmp_path, monkeypatch, comment):
    (tmp_path / "qstat").write_text(
        f"#!/bin/sh\necho '{json.dumps({'Jobs': {'12.pbs01': {'job_state': 'S', 'comment': comment}}})}'\n"
    )
    (tmp_path / "qstat").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (task,) = PbsScheduler().tasks({"12": tmp_path})
    assert (task.state, task.reason) == ("pending", "suspended")
