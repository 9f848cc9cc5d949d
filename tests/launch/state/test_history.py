"""What went wrong in a run, from the notes of its workers and their logs."""

import dataclasses
import time

import pytest

from pipeline.launch.notes.attempts import Attempt, write_attempt
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.launch.notes.terminations import note_cancelled, note_killed
from pipeline.launch.state.history import EXCEPTION, NEVER_BEGAN, STOPPED, forgive, incidents, log_of, quarantined

TASKS = (("p1", "p2"), ("p3",))


def submission(number=1, job="12"):
    return Submission(
        f"xor-0a1b2c-{number}", "soc", (), "slurm", None, TASKS, (1.0, 1.0), {}, 30, 16.0, 60.0, 1, False, 0, None,
        "code", 100.0, job,
    )  # fmt: skip


def attempt(run, number=1, index=0, **fields):
    noted = Attempt("xor-0a1b2c-1", index, 0, number, f"12_{index}", 1000.0 + number, **{"host": "node1"} | fields)
    write_attempt(run, noted)
    return noted


def write_log(run, index, text, suffix=".err"):
    path = log_of(run, "xor-0a1b2c-1", f"12_{index}", 0).with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def kinds(run, held=frozenset()):
    return [(one.kind, one.pack) for one in incidents(run, [submission()], set(held))]


def test_nothing_has_gone_wrong_where_every_attempt_ended_by_itself(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="deadline")
    attempt(tmp_path, number=2, ended_at=1200.0, end="finished")
    attempt(tmp_path, index=1, ended_at=1200.0, end="finished")
    assert kinds(tmp_path) == []


def test_every_pack_that_an_exception_stopped_is_an_incident(tmp_path):
    failed = {"p1": "ValueError: no", "p2": "out of memory: MemoryError"}
    attempt(tmp_path, ended_at=1100.0, end="finished", failed=failed)
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    assert sorted(kinds(tmp_path)) == [(EXCEPTION, "p1"), ("out of memory", "p2")]


def test_worker_that_an_error_stopped_is_an_incident(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="error", error="OSError: No space left on device")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    (one,) = incidents(tmp_path, [submission()], set())
    assert (one.kind, one.what, one.job) == (STOPPED, "OSError: No space left on device", "12_0")


GONE = "PipelineError: another process of this parallel training is gone: Connection closed by peer"
FULL = "OSError: [Errno 28] No space left on device"
TAKEN = "PipelineError: none of 20 ports of n1 is free"
LATE = "PipelineError: the first process of this parallel training has not come within 0:30:00"


@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        (
            [GONE, "OSError: [Errno 28] No space left on device", GONE, None],
            "OSError: [Errno 28] No space left on device",
        ),
        (
            ["PipelineError: none of 20 ports of n1 is free", LATE, LATE, LATE],
            "PipelineError: none of 20 ports of n1 is free",
        ),
        ([GONE, GONE, None, GONE], "worker killed on node1"),
        ([None, None, None, None], "worker killed on node1"),
        ([GONE, GONE, GONE, GONE], GONE),
    ],
    ids=["one has failed", "none has met", "one was killed", "all were killed", "nobody knows"],
)
def test_of_workers_that_train_together_the_first_to_go_is_the_cause(tmp_path, ends, cause):
    """The others end since it is gone, and srun kills those that do not notice."""
    for worker, error in enumerate(ends):
        fields = {"ended_at": 1100.0 - worker, "end": "error", "error": error} if error else {}
        write_attempt(tmp_path, Attempt("xor-0a1b2c-1", 0, worker, 1, "12_0", 1000.0, host="node1", **fields))
    together = dataclasses.replace(submission(), tasks=TASKS[:1], how={"parallel": {"nodes": 2, "devices": 2}})
    assert [one.what for one in incidents(tmp_path, [together], set())] == [cause]
    each_alone = dataclasses.replace(together, how={"parallel": {"nodes": 1, "devices": 1}})
    assert len(incidents(tmp_path, [each_alone], set())) == 4


def test_pack_that_fails_is_the_cause_of_what_the_other_processes_say(tmp_path):
    write_attempt(
        tmp_path, Attempt("xor-0a1b2c-1", 0, 0, 1, "12", 1000.0, ended_at=1100.0, end="finished", failed={"p1": "no"})
    )
    write_attempt(tmp_path, Attempt("xor-0a1b2c-1", 0, 1, 1, "12", 1000.0, ended_at=1099.0, end="error", error=GONE))
    together = dataclasses.replace(submission(), tasks=TASKS[:1], how={"parallel": {"nodes": 2, "devices": 1}})
    assert [(one.kind, one.what) for one in incidents(tmp_path, [together], set())] == [(EXCEPTION, "no")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.0. Some of your processes", "out of memory"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch.", "out of memory"),
        ("=>> PBS: job killed: mem 5872kb exceeded limit 1024kb", "out of memory"),
        ("slurmstepd: error: *** STEP 12.0 ON dev1 CANCELLED AT 2026-11-23 DUE TO TIME LIMIT ***", "time limit"),
        ("=>> PBS: job killed: walltime 15 exceeded limit 5", "time limit"),
        ("slurmstepd: error: *** STEP 12.0 ON dev1 CANCELLED AT 2026-11-23T09:00:00 DUE TO NODE FAILURE, SEE SLURMCTLD "
         "LOG FOR DETAILS ***", "node failure"),
        ("slurmstepd: error: *** JOB 12 ON dev1 CANCELLED AT 2026-11-23T09:00:00 DUE TO PREEMPTION ***", "preempted"),
        ("slurmstepd: error: *** JOB 12 ON dev1 CANCELLED AT 2026-11-23T09:00:00 DUE TO JOB REQUEUE ***", "requeued"),
        ("slurmstepd: error: *** STEP 12.0 ON dev1 CANCELLED AT 2026-11-23T09:00:00 ***", "cancelled"),
        ("", "killed"),
    ],
)  # fmt: skip
def test_cause_of_a_killed_worker_is_read_from_what_the_scheduler_left_in_its_log(tmp_path, text, kind):
    attempt(tmp_path, pack="p2")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_log(tmp_path, 0, f"progress\n{text}\n")
    assert kinds(tmp_path) == [(kind, "p2")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("=>> PBS: job killed: mem 5872kb exceeded limit 1024kb", "out of memory"),
        ("=>> PBS: job killed: vmem job total 5872 kb exceeded limit 1024 kb", "out of memory"),
        ("Cgroup mem limit exceeded: oom-kill", "out of memory"),
        ("12[0].pbs01 Killed Cgroup mem limit exceeded", "out of memory"),
        ("Cgroup memsw limit exceeded: Killed process 7 (python) total-vm:5872kB", "out of memory"),
        ("=>> PBS: job killed: node 1 (n2) requested job die, code 15010", "node failure"),
        ("=>> PBS: job killed: walltime 15 exceeded limit 5", "time limit"),
        ("=>> PBS: job killed: cput 15 exceeded limit 5", "time limit"),
    ],
)
def test_cause_of_a_killed_worker_may_be_in_the_file_that_pbs_itself_writes(tmp_path, text, kind):
    attempt(tmp_path, pack="p2")
    attempt(tmp_path, index=1, pack="p3")
    write_log(tmp_path, 0, "progress\n")
    spool = tmp_path / "jobs" / "xor-0a1b2c-1" / "spool"
    spool.mkdir()
    (spool / "12[0].pbs01.OU").write_text(f"{text}\n")
    (spool / "12[1].pbs01.OU").write_text("")
    assert sorted(kinds(tmp_path)) == sorted([(kind, "p2"), ("killed", "p3")])


def write_spool(run, text, index=0):
    spool = run / "jobs" / "xor-0a1b2c-1" / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    (spool / f"12[{index}].pbs01.OU").write_text(f"stty: standard input: Inappropriate ioctl for device\n{text}\n")


MEMORY = "=>> PBS: job killed: mem 577916kb exceeded limit 460800kb"
WALLTIME = "=>> PBS: job killed: walltime 78 exceeded limit 60"


@pytest.mark.parametrize(
    ("end", "spool", "kind"),
    [
        ("signal", MEMORY, "out of memory"),
        ("error", MEMORY, "out of memory"),
        ("deadline", MEMORY, "out of memory"),
        ("signal", WALLTIME, "time limit"),
        ("error", WALLTIME, "time limit"),
        ("signal", "=>> PBS: job killed: cput 78 exceeded limit 60", "time limit"),
        ("signal", "=>> PBS: job killed: mem job total 5872 kb exceeded limit 1024 kb", "out of memory"),
        ("deadline", WALLTIME, None),  # it had stopped before, and was still exporting
        ("finished", MEMORY, None),
        ("signal", "", None),  # cancelled
        ("signal", "Cgroup mem limit exceeded: ", None),
    ],
)
def test_worker_that_pbs_let_end_in_order_before_it_killed_is_no_less_killed(tmp_path, end, spool, kind):
    attempt(tmp_path, ended_at=1100.0, end=end, pack="p2", error="KeyboardInterrupt" if end == "error" else "")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_spool(tmp_path, spool)
    assert kinds(tmp_path) == ([(kind, "p2")] if kind else [])
    assert kinds(tmp_path, {"12_0"}) == (kinds(tmp_path) if end == "error" else [])  # what ended in order may go on


STEP = "slurmstepd: error: *** STEP 12.0 ON dev1 CANCELLED AT 2026-11-30T09:00:00"


@pytest.mark.parametrize(
    ("end", "text", "kind"),
    [
        ("signal", f"{STEP} DUE TO TIME LIMIT ***", "time limit"),
        ("signal", "slurmstepd: error: StepId=12.0 exceeded memory limit (577916 > 460800), being killed",
         "out of memory"),
        ("signal", f"{STEP} ***", None),
        ("signal", f"{STEP} DUE TO PREEMPTION ***", None),
        ("deadline", f"{STEP} DUE TO TIME LIMIT ***", None),
        ("signal", "a library: walltime 78 exceeded limit 60", None),
    ],
)  # fmt: skip
def test_worker_that_slurm_let_end_in_order_before_it_killed_is_no_less_killed(tmp_path, end, text, kind):
    attempt(tmp_path, ended_at=1100.0, end=end, pack="p2")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_log(tmp_path, 0, f"progress\n{text}\n")
    assert kinds(tmp_path) == ([(kind, "p2")] if kind else [])


def test_incident_has_the_words_of_pbs_and_what_the_job_had(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="signal", pack="p2")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_spool(tmp_path, MEMORY)
    (one,) = incidents(tmp_path, [submission()], set())
    assert one.what == "worker out of memory on node1: mem 577916kb exceeded limit 460800kb"
    assert (one.memory_gib, one.minutes, one.at, one.waiting) == (16.0, 30, 1100.0, ())


def test_exit_status_of_a_server_counts_where_its_words_never_arrived(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="signal", pack="p2")
    attempt(tmp_path, index=1, pack="p3")
    folder = tmp_path / "jobs" / "xor-0a1b2c-1"
    note_killed(folder, "12_0", "out of memory")
    note_killed(folder, "12_1", "time limit")
    assert sorted(kinds(tmp_path)) == [("out of memory", "p2"), ("time limit", "p3")]


def test_job_that_was_killed_before_its_first_pack_concerns_all_of_them(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="signal")
    write_spool(tmp_path, MEMORY)
    write_spool(tmp_path, WALLTIME, index=1)
    found = {one.index: one for one in incidents(tmp_path, [submission()], set())}
    assert (found[0].kind, found[0].pack, found[0].waiting) == ("out of memory", "", ("p1", "p2"))
    assert (found[1].kind, found[1].pack, found[1].waiting) == ("time limit", "", ("p3",))
    assert found[1].what == "time limit: walltime 78 exceeded limit 60"


def test_of_a_job_that_was_run_again_only_the_last_attempt_was_killed_for_what_pbs_says(tmp_path):
    attempt(tmp_path, pack="p1")  # its node went away, and the server has run the same id again
    attempt(tmp_path, number=2, ended_at=1100.0, end="signal", pack="p2")
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_spool(tmp_path, MEMORY)
    assert sorted(kinds(tmp_path)) == [("killed", "p1"), ("out of memory", "p2")]


def test_what_was_cancelled_was_not_killed_by_something_unknown(tmp_path):
    attempt(tmp_path, pack="p2")
    note_cancelled(tmp_path / "jobs" / "xor-0a1b2c-1", ["12_0", "12_1"])
    write_spool(tmp_path, "", index=1)
    assert sorted(kinds(tmp_path)) == [("cancelled", ""), ("cancelled", "p2")]
    assert {one.what for one in incidents(tmp_path, [submission()], set())} == {
        "worker cancelled on node1",
        "cancelled before it began",
    }


def test_noise_of_a_login_shell_is_not_why_a_job_never_began(tmp_path):
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_spool(tmp_path, "")
    write_log(tmp_path, 0, "error: no such image\n")
    (one,) = incidents(tmp_path, [submission()], set())
    assert one.what == "never began: error: no such image"


def test_job_of_pbs_that_could_not_write_its_log_is_an_incident_with_what_pbs_kept(tmp_path):
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    spool = tmp_path / "jobs" / "xor-0a1b2c-1" / "spool"
    spool.mkdir()
    (spool / "12[0].pbs01.OU").write_text("12[0].SC: line 12: /scratch/x.out: No such file or directory\n")
    (one,) = incidents(tmp_path, [submission()], set())
    assert one.what.endswith("/scratch/x.out: No such file or directory")


def test_cause_of_a_killed_worker_may_be_in_its_output(tmp_path):
    attempt(tmp_path, index=1, pack="p3")
    write_log(tmp_path, 1, "progress\n")
    write_log(tmp_path, 1, "error: Detected 1 oom-kill event(s)\n", ".out")
    assert ("out of memory", "p3") in kinds(tmp_path)


def test_worker_that_runs_is_no_incident_but_its_attempt_before_is(tmp_path):
    attempt(tmp_path, pack="p1")
    attempt(tmp_path, number=2, pack="p1")
    attempt(tmp_path, index=1, pack="p3")
    assert kinds(tmp_path, {"12_0", "12_1"}) == [("killed", "p1")]
    assert kinds(tmp_path, {"12_1"}) == [("killed", "p1"), ("killed", "p1")]


def test_job_that_never_began_is_an_incident_with_its_last_line(tmp_path):
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_log(tmp_path, 0, "module: command not found\nerror: no such image\n\n")
    (one,) = incidents(tmp_path, [submission()], set())
    assert (one.kind, one.what) == (NEVER_BEGAN, "never began: error: no such image")
    assert kinds(tmp_path, {"12_0"}) == []  # it may still begin
    (log_of(tmp_path, "xor-0a1b2c-1", "12_0", 0).parent / "12_0_0_result.pkl").touch()
    assert kinds(tmp_path) == []  # it found nothing left to do


REQUEUED = """progress
slurmstepd: error: *** JOB 12 ON dev1 CANCELLED AT 2026-11-23T09:00:00 DUE TO PREEMPTION ***
=== attempt 2 of 12_0, worker 0, on dev2 ===
slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of the step tasks have been OOM Killed.
=== attempt 3 of 12_0, worker 0, on dev1 ===
progress
srun: error: dev1: task 0: Killed
"""


def test_cause_is_that_of_the_attempt_in_question_although_all_append_to_one_log(tmp_path):
    """A job that is requeued keeps its id and its logs (SLURM, with open-mode append)."""
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_log(tmp_path, 0, REQUEUED)
    write_log(tmp_path, 0, "=== attempt 2 of 12_0, worker 0, on dev2 ===\n" + 10_000 * "progress\n", ".out")
    for number in (1, 2, 3):
        attempt(tmp_path, number=number, pack="p2")
    found = incidents(tmp_path, [submission()], set())
    assert [(one.attempt, one.kind) for one in found] == [(3, "killed"), (2, "out of memory"), (1, "preempted")]


def test_cause_of_any_worker_may_be_in_the_log_of_the_first(tmp_path):
    """SLURM writes what it says of a job or a step where the first task of it writes."""
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    attempt(tmp_path, pack="p1")
    noted = Attempt("xor-0a1b2c-1", 0, 1, 1, "12_0", 1001.0, host="node1", pack="p2")
    write_attempt(tmp_path, noted)
    write_log(tmp_path, 0, "slurmstepd: error: Detected 1 oom_kill event in StepId=12.0.\n")
    assert sorted(kinds(tmp_path)) == [("out of memory", "p1"), ("out of memory", "p2")]


EXECVE = "slurmstepd: error: execve(): /nonexistent/python: No such file or directory"
NOISE = "stty: 'standard input': Inappropriate ioctl for device"


@pytest.mark.parametrize(
    "lines, said",
    [
        ([EXECVE, "srun: error: dev1: task 0: Exited with exit code 2"], EXECVE),
        (["srun: error: dev1: task 0: Exited with exit code 2", EXECVE], EXECVE),
        ([EXECVE, "srun: error: dev1: tasks 0-1: Exited with exit code 2", "srun: Terminating StepId=12.0"], EXECVE),
        (["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'submitit'", "Killed"],
         "ModuleNotFoundError: No module named 'submitit'"),
        ([NOISE, "12.SC: line 9: cd: /scratch/x: No such file or directory"],
         "12.SC: line 9: cd: /scratch/x: No such file or directory"),
        (["12.SC: line 9: cd: /scratch/x: No such file or directory", NOISE, "logout"],
         "12.SC: line 9: cd: /scratch/x: No such file or directory"),
        (["module: loading python", "srun: error: dev1: task 0: Exited with exit code 1"], "module: loading python"),
        (["srun: error: dev1: task 0: Exited with exit code 1"], "srun: error: dev1: task 0: Exited with exit code 1"),
    ],
)  # fmt: skip
def test_job_that_never_began_tells_the_line_that_helps_in_whatever_order_they_come(tmp_path, lines, said):
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    write_log(tmp_path, 0, "\n".join(lines) + "\n")
    (one,) = incidents(tmp_path, [submission()], set())
    assert one.what == f"never began: {said}"


def test_job_that_never_began_and_left_no_word_says_so(tmp_path):
    attempt(tmp_path, index=1, ended_at=1100.0, end="finished")
    (one,) = incidents(tmp_path, [submission()], set())
    assert (one.kind, one.what) == (NEVER_BEGAN, "never began, and left no word")
    note_cancelled(folder_of(tmp_path, "xor-0a1b2c-1"), ["12_0"])
    (one,) = incidents(tmp_path, [submission()], set())
    assert (one.kind, one.what) == ("cancelled", "cancelled before it began")


def test_submission_that_was_not_sent_yet_is_no_incident(tmp_path):
    assert incidents(tmp_path, [submission(job=None)], set()) == []


def test_latest_incident_comes_first(tmp_path):
    attempt(tmp_path, ended_at=1100.0, end="finished", failed={"p1": "ValueError: early"})
    attempt(tmp_path, index=1, ended_at=1200.0, end="finished", failed={"p3": "ValueError: late"})
    assert [one.what for one in incidents(tmp_path, [submission()], set())] == ["ValueError: late", "ValueError: early"]


def test_pack_is_kept_back_after_two_exceptions_until_it_is_forgiven(tmp_path):
    def kept_back():
        return quarantined(tmp_path, incidents(tmp_path, [submission()], set()))

    for number in (1, 2):
        assert kept_back() == set()
        attempt(tmp_path, number=number, ended_at=1100.0 + number, end="finished", failed={"p1": "ValueError: no"})
    assert kept_back() == {"p1"}
    forgive(tmp_path, ["p1"])
    assert kept_back() == set()
    for number in (3, 4):
        attempt(tmp_path, number=number, ended_at=time.time() + 1, end="finished", failed={"p1": "ValueError: no"})
    assert kept_back() == {"p1"}


def test_neither_memory_nor_a_killed_worker_keeps_a_pack_back(tmp_path):
    for number in range(1, 6):
        attempt(tmp_path, number=number, pack="p1", failed={"p2": "out of memory: MemoryError"})
    assert quarantined(tmp_path, incidents(tmp_path, [submission()], set())) == set()
