"""The PBS executor, on commands that answer as a real server and really run the jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pbs_work
import pytest
import submitit
from fake_pbs import FakePbs, start_pbs, wait_for
from submitit.core.utils import FailedJobError, UncompletedJobError

from pipeline.errors import PipelineError
from pipeline.launch.commands import run
from pipeline.launch.notes.exit_reasons import TIME_LIMIT, exit_reason
from pipeline.launch.pbs.executor import PbsExecutor, printed_id
from pipeline.launch.pbs.job import PbsJob, delete, exit_code, full_id, with_own_word
from pipeline.launch.pbs.qstat import ask, find_by_name, users_jobs
from pipeline.launch.pbs.script import allowed_name
from pipeline.launch.state.history import spooled


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePbs]:
    monkeypatch.setattr(PbsJob, "_results_timeout_s", 1)
    pbs = start_pbs(tmp_path, monkeypatch)
    yield pbs
    pbs.stop()


WORK = {"PYTHONPATH": str(Path(pbs_work.__file__).parent)}


@pytest.fixture
def executor(pbs: FakePbs, tmp_path: Path) -> submitit.AutoExecutor:
    executor = submitit.AutoExecutor(tmp_path / "jobs", cluster="pbs")
    executor.update_parameters(name="test", timeout_min=5, pbs_environment=WORK)
    return executor


def state(job: submitit.Job[Any]) -> str:
    return job.get_info("force").get("State", "UNKNOWN")


def until(job: submitit.Job[Any], *states: str) -> None:
    wait_for(lambda: state(job) in states)


# What is asked for.


def plain(folder: Path, **parameters: Any) -> PbsExecutor:
    executor = PbsExecutor(folder)
    executor.update_parameters(**parameters)
    return executor


def options(executor: PbsExecutor, num_subjobs: int = 1) -> str:
    return " ".join(executor.command(num_subjobs))


def test_a_folder_that_pbs_would_read_as_a_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="cannot be the folder of a job"):
        PbsExecutor(tmp_path / "a:b")


def test_parameters_of_every_cluster_are_translated(tmp_path: Path) -> None:
    executor = submitit.AutoExecutor(tmp_path, cluster="pbs")
    executor.update_parameters(
        name="n", timeout_min=7, mem_gb=1.5, cpus_per_task=3, gpus_per_node=2, tasks_per_node=2, pbs_project="p"
    )
    command = " ".join(executor._executor.command())  # type: ignore[attr-defined]
    assert "-N n -P p -l select=1:ncpus=6:mem=1536mb:ngpus=2 -l walltime=00:07:00" in command


def test_a_script_can_be_shown_without_a_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = plain(tmp_path, ngpus=2, tasks_per_node=2, setup=["module load x"], teardown=["echo over"])
    script = executor.script(5)
    assert "-J 0-4" in script.splitlines()[1]
    assert script.index("module load x") < script.index("submitit.core._submit") < script.index("echo over")
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match="qsub is not on PATH"):
        executor.submit(pbs_work.add, 1, 2)


# What becomes of it.


def test_a_job_gives_its_result(pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    job = executor.submit(pbs_work.add, 1, 2)
    assert job.result() == 3
    assert job.job_id == "1"
    assert "adding" in (job.stdout() or "")
    assert (tmp_path / "jobs" / "1_0_log.out").stat().st_mode & 0o777 == 0o644
    until(job, "COMPLETED")
    assert exit_code(tmp_path / "jobs", "1") == 0
    assert full_id(tmp_path / "jobs", "1") == "1.pbs01"
    assert pbs.calls()[0][:-1] == executor._executor.command()[:-1]  # type: ignore[attr-defined]
    names = {path.name for path in (tmp_path / "jobs").iterdir()}
    assert names == {
        *("1_full_id", "1_submission.sh", "1_submitted.pkl", "1_0_result.pkl", "1_exit_code", "spool"),
        *("1_0_log.out", "1_0_log.err"),
    }
    assert (tmp_path / "jobs" / "spool" / "1.pbs01.OU").read_text() == ""


def test_a_job_knows_where_it_is(
    pbs: FakePbs, executor: submitit.AutoExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEAK", "yes")
    executor.update_parameters(pbs_environment={**WORK, "WORD": "it's $HOME"}, pbs_setup=["cd .", "export X=1"])
    found = executor.submit(pbs_work.describe).result()
    assert found["job_id"] == found["raw_job_id"] == "1"
    assert found["cluster"] == "pbs"
    assert found["hostnames"] == [os.uname().nodename.split(".")[0]]
    assert found["rank"] == (0, 0, 1, 0, 1)
    assert found["cwd"] == str(Path.cwd())
    assert found["word"] == "it's $HOME"
    assert found["leaked"] is None
    assert 280 < found["left"] <= 300


def test_an_exception_comes_back_with_its_traceback(executor: submitit.AutoExecutor) -> None:
    job = executor.submit(pbs_work.fail, "something odd")
    with pytest.raises(FailedJobError, match="RuntimeError: something odd"):
        job.result()
    until(job, "FAILED")
    assert job.get_info()["ExitStatus"] == "1"


def test_one_failing_subjob_leaves_the_others_alone(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    executor.update_parameters(pbs_array_parallelism=2)
    jobs = executor.map_array(pbs_work.add_or_fail, range(4))
    assert [job.job_id for job in jobs] == ["1_0", "1_1", "1_2", "1_3"]
    wait_for(lambda: all(job.done() for job in jobs))
    assert [jobs[index].result() for index in (0, 2, 3)] == [10, 12, 13]
    with pytest.raises(FailedJobError, match="one is bad"):
        jobs[1].result()
    until(jobs[1], "FAILED")
    array = full_id(tmp_path / "jobs", "1")
    wait_for(lambda: ask([array])[array].state in ("FAILED", "COMPLETED"))  # as the subjob that ended last
    infos = ask([array])
    assert [infos[f"1[{index}].pbs01"].state for index in range(4)] == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert [exit_code(tmp_path / "jobs", f"1_{index}") for index in range(4)] == [0, 1, 0, 0]
    assert "0-3%2" in pbs.calls()[0]


def test_an_array_of_one_is_a_plain_job(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    (job,) = executor.map_array(pbs_work.add_or_fail, [5])
    assert job.result() == 15
    assert job.job_id == "1"


def test_a_version_without_a_limit_for_arrays_gets_none(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(version="old")
    executor.update_parameters(pbs_array_parallelism=2)
    jobs = executor.map_array(pbs_work.add_or_fail, [0, 2, 4])
    assert [job.result() for job in jobs] == [10, 12, 14]
    assert [call[call.index("-J") + 1] for call in pbs.calls() if call[0] == "qsub"] == ["0-2%2", "0-2"]
    until(jobs[0], "COMPLETED")


def test_a_killed_worker_is_a_failed_job(executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    job = executor.submit(pbs_work.kill_itself)
    until(job, "FAILED")
    assert job.get_info()["ExitStatus"] == "137"
    assert exit_code(tmp_path / "jobs", "1") == 137
    with pytest.raises(UncompletedJobError, match="has not produced any output"):
        job.result()


def test_the_exit_code_of_a_worker_is_that_of_the_job(executor: submitit.AutoExecutor) -> None:
    executor.update_parameters(pbs_teardown=["echo over"])
    job = executor.submit(pbs_work.exit_with, 7)
    until(job, "FAILED")
    assert job.get_info()["ExitStatus"] == "7"
    assert (job.stdout() or "").endswith("over\n")


def test_a_job_is_warned_before_its_walltime_and_leaves_its_state(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    pbs.set(late=200.0)
    executor.update_parameters(pbs_time=0.15, pbs_signal_delay_s=4)
    job = executor.submit(pbs_work.Counting(tmp_path / "counting"))
    until(job, "FAILED")
    assert job.get_info()["ExitStatus"] == "255"
    assert "PBS lets no owner requeue a job" in (job.stderr() or "")
    assert job.submission().args == (int((tmp_path / "counting").read_text()),)


def test_a_job_without_a_state_says_why_it_ended(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(late=200.0)
    executor.update_parameters(pbs_time=0.15, pbs_signal_delay_s=5)
    job = executor.submit(pbs_work.sleep)
    with pytest.raises(FailedJobError, match="Job not requeued because: timed-out and not checkpointable"):
        job.result()


def test_a_job_over_its_walltime_is_timed_out_and_its_log_says_so(pbs: FakePbs, tmp_path: Path) -> None:
    executor = submitit.AutoExecutor(tmp_path / "jobs" / "jobs", cluster="pbs")
    executor.update_parameters(pbs_environment=WORK)
    executor.update_parameters(pbs_time=0.05, pbs_signal_delay_s=0)
    executor._executor.python = f"{sys.executable} -c 'import time; time.sleep(60)' #"  # type: ignore[attr-defined]
    job = executor.submit(pbs_work.sleep)
    until(job, "TIMEOUT")
    assert job.get_info()["ExitStatus"] == "-29"
    (told,) = spooled(tmp_path, "jobs")[job.job_id]
    assert exit_reason([told]) == TIME_LIMIT


def test_one_subjob_is_cancelled_and_the_others_go_on(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    jobs = executor.map_array(pbs_work.wait_until_there, [gate, tmp_path / "never", gate])
    wait_for(lambda: [state(job) for job in jobs] == ["RUNNING"] * 3)
    PbsJob(tmp_path / "jobs", "1_1").cancel()
    until(jobs[1], "CANCELLED")
    assert ["qdel", "1[1].pbs01"] in pbs.calls()
    assert "finished array subjob" in run(["qdel", "1[1].pbs01"]).stderr
    delete(["1[1].pbs01"])  # it has ended, and its array goes on
    gate.touch()
    assert jobs[0].result() is jobs[2].result() is None
    jobs[1].cancel()  # it has ended already


def test_a_whole_array_is_cancelled_at_once(pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    pbs.set(slots=1)
    jobs = executor.map_array(pbs_work.sleep, [60.0] * 3)
    until(jobs[0], "RUNNING")
    assert users_jobs() == 3
    delete([full_id(tmp_path / "jobs", "1")])
    until(jobs[0], "CANCELLED")
    for job in jobs[1:]:
        until(job, "CANCELLED", "GONE")  # of subjobs that never ran nothing is kept while the first one still ends
    assert users_jobs() == 0


def test_a_job_that_is_deleted_while_it_waits_is_cancelled(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(slots=0)
    job = executor.submit(pbs_work.add, 1, 2)
    assert state(job) == "PENDING"
    job.cancel()
    until(job, "CANCELLED")


def test_a_deleted_job_has_a_moment_to_leave_its_state(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    pbs.set(kill_after=200.0)
    job = executor.submit(pbs_work.Counting(tmp_path / "counting"))
    wait_for((tmp_path / "counting").exists)
    for _ in range(3):  # a server says it again after some seconds
        job.cancel()
        time.sleep(0.2)
    until(job, "CANCELLED")
    assert job.get_info()["ExitStatus"] == "271"
    assert exit_code(tmp_path / "jobs", "1") == 255
    assert (job.stdout() or "").count("Calling checkpoint method") == 1


@pytest.mark.parametrize(
    ("given", "gpus"), [(None, ["0", "1"]), ("5,GPU-7", ["5", "GPU-7"]), ("3", ["3", "3"]), ("1,2,3,4", ["1,2", "3,4"])]
)
def test_every_worker_of_a_job_has_its_own_gpu(
    pbs: FakePbs, executor: submitit.AutoExecutor, given: str | None, gpus: list[str]
) -> None:
    pbs.set(cuda_visible_devices=given)
    executor.update_parameters(gpus_per_node=2, tasks_per_node=2)
    job = executor.submit(pbs_work.describe)
    found = job.results()
    assert [one["gpus"] for one in found] == gpus
    assert [one["rank"] for one in found] == [(0, 0, 2, 0, 1), (1, 1, 2, 0, 1)]
    assert job.task(1).paths.stdout.name == "1_1_log.out"
    assert job.task(1).paths.stdout.exists()


def test_a_single_worker_keeps_the_gpus_of_the_site(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(cuda_visible_devices="GPU-1,GPU-2")
    executor.update_parameters(gpus_per_node=2)
    assert executor.submit(pbs_work.describe).result()["gpus"] == "GPU-1,GPU-2"


def test_workers_of_a_job_end_with_the_worst_code(executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    executor.update_parameters(tasks_per_node=2)
    script = "case $SUBMITIT_PBS_GLOBALID in 0) sleep 1; exit 5;; 1) exit 3;; esac"
    executor._executor.python = f"bash -c '{script}' #"  # type: ignore[attr-defined]
    job = executor.submit(pbs_work.sleep)
    wait_for(lambda: exit_code(tmp_path / "jobs", job.job_id) == 5)


def test_an_array_waits_for_the_one_it_depends_on(executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = executor.map_array(pbs_work.wait_until_there, [gate, gate])
    executor.update_parameters(pbs_dependency=f"afterany:{full_id(tmp_path / 'jobs', '1')}")
    second = executor.map_array(pbs_work.add_or_fail, [0, 2])
    assert [state(job) for job in second] == ["PENDING", "PENDING"]
    gate.touch()
    assert [job.result() for job in second] == [10, 12]
    assert all(job.done() for job in first)


# Servers that forget, and servers in trouble.


def test_the_end_of_a_forgotten_job_is_read_from_its_own_word(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    pbs.set(history=False)
    good, bad = executor.submit(pbs_work.add, 1, 2), executor.submit(pbs_work.exit_with, 4)
    jobs = executor.map_array(pbs_work.add_or_fail, [0, 1])
    wait_for(lambda: not pbs.jobs())
    assert [state(job) for job in (good, bad, *jobs)] == ["COMPLETED", "FAILED", "COMPLETED", "FAILED"]
    assert bad.get_info()["ExitStatus"] == "4"
    (info,) = ask(["1.pbs01"]).values()
    assert info.state == "GONE"
    assert with_own_word(tmp_path / "jobs", "1", info).state == "COMPLETED"


def test_a_server_without_history_takes_no_living_job_for_ended(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(history=False, slots=2)
    jobs = executor.map_array(pbs_work.sleep, [0.0, 60.0, 60.0])
    until(jobs[0], "COMPLETED")
    until(jobs[1], "RUNNING")
    jobs[2].cancel()
    until(jobs[2], "CANCELLED", "GONE")
    assert state(jobs[1]) == "RUNNING"


def test_a_forgotten_job_without_a_word_is_gone_after_some_misses(
    pbs: FakePbs, executor: submitit.AutoExecutor
) -> None:
    pbs.set(history=False, slots=0)
    job = executor.submit(pbs_work.add, 1, 2)
    job.cancel()
    wait_for(lambda: not pbs.jobs())
    seen = []
    for _ in range(4):
        seen.append((state(job), job.done()))
        time.sleep(0.01)
    assert seen == [("UNKNOWN", False)] * 2 + [("GONE", True)] * 2


def test_an_exit_status_that_comes_late_is_waited_for(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(no_exit_status=True)
    job = executor.submit(pbs_work.exit_with, 4)
    until(job, "COMPLETING")
    assert not job.done(force_check=True)


@pytest.mark.parametrize("fault", ["quotes", "number", "function", "first", "slow"])
def test_answers_gone_wrong_change_nothing(pbs: FakePbs, executor: submitit.AutoExecutor, fault: str) -> None:
    pbs.set(qstat=fault)
    jobs = [executor.submit(pbs_work.exit_with, code) for code in (3, 5)]
    for job, code in zip(jobs, ("3", "5"), strict=True):
        until(job, "FAILED")
        assert job.get_info()["ExitStatus"] == code


@pytest.mark.parametrize("fault", ["refused", "empty"])
def test_a_server_that_does_not_answer_ends_no_job(
    pbs: FakePbs, executor: submitit.AutoExecutor, fault: str, tmp_path: Path
) -> None:
    job = executor.submit(pbs_work.sleep)
    until(job, "RUNNING")
    pbs.set(qstat=fault)
    for _ in range(5):
        assert state(job) == "RUNNING"
    assert not PbsJob(tmp_path / "jobs", "1").done(force_check=True)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"pbs_queue": "nosuch"}, "PBS refused the job: qsub: Unknown queue\n"),
        ({"pbs_select": "1:nosuch=1"}, "PBS refused the job: qsub: Unknown resource: nosuch\n"),
    ],
)
def test_a_refusal_comes_in_the_words_of_the_server_and_leaves_nothing(
    executor: submitit.AutoExecutor, parameters: dict[str, Any], words: str, tmp_path: Path
) -> None:
    executor.update_parameters(**parameters)
    with pytest.raises(PipelineError, match=words):
        executor.map_array(pbs_work.add_or_fail, [1, 2])
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["spool"]


def test_an_array_that_is_too_long_is_refused(pbs: FakePbs, executor: submitit.AutoExecutor) -> None:
    pbs.set(max_array_size=3)
    with pytest.raises(PipelineError, match="Array job exceeds server or queue size limit"):
        executor.map_array(pbs_work.add_or_fail, range(4))


def test_a_job_that_is_not_there_cannot_be_signalled(executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"did not signal 77: qsig: Unknown Job Id 77.pbs01"):
        PbsJob(tmp_path / "jobs", "77")._interrupt()


def test_a_server_that_cannot_be_reached_deletes_nothing(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    qdel = Path(shutil.which("qdel") or "")
    qdel.write_text("#!/bin/bash\necho 'qdel: cannot connect to server pbs01 (errno=15010)' >&2; exit 162\n")
    job = executor.submit(pbs_work.sleep)
    with pytest.raises(PipelineError, match=r"PBS did not delete 1\.pbs01: qdel: cannot connect"):
        job.cancel()
    job.cancel(check=False)


# Small things.


def test_a_running_job_is_not_ended_by_the_word_of_an_earlier_start(
    pbs: FakePbs, executor: submitit.AutoExecutor, tmp_path: Path
) -> None:
    pbs.set(slots=0)
    job = executor.submit(pbs_work.sleep)
    (tmp_path / "jobs" / "1_exit_code").write_text("1\n")
    pbs.set(slots=4)
    until(job, "RUNNING")
    wait_for(lambda: exit_code(tmp_path / "jobs", "1") is None)


def test_jobs_are_found_by_the_name_that_they_were_given(executor: submitit.AutoExecutor, tmp_path: Path) -> None:
    executor.update_parameters(name="3 trials, a sweep")
    executor.map_array(pbs_work.add_or_fail, [0, 2])
    assert find_by_name(allowed_name("3 trials, a sweep")) == ["1[].pbs01"] == [full_id(tmp_path / "jobs", "1")]


def test_too_much_to_carry_is_refused(pbs: FakePbs, tmp_path: Path) -> None:
    executor = PbsExecutor(tmp_path / "jobs", max_pickle_size_gb=1e-6)
    with pytest.raises(PipelineError, match="2 pickles of together"):
        executor.map_array(pbs_work.fail, ["x" * 1000] * 2)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_job_can_be_given_to_the_executor_as_a_batch(executor: submitit.AutoExecutor) -> None:
    with executor.batch():
        jobs = [executor.submit(pbs_work.add, number, 1) for number in range(2)]
    assert [job.job_id for job in jobs] == ["1_0", "1_1"]
    assert [job.result() for job in jobs] == [1, 2]


@pytest.mark.parametrize(
    ("printed", "id_"),
    [
        ("173.pbs01\n", "173.pbs01"),
        ("173[].pbs01\n", "173[].pbs01"),
        ("173\n", "173"),
        ("Welcome!\n2026\n23.06\n\n173.pbs01\n5 SU left\n", "173.pbs01"),
        ("2026\n173[].pbs01\n", "173[].pbs01"),
        ("173[].10.0.0.1\n", "173[].10.0.0.1"),
    ],
)
def test_id_of_a_job_is_found_among_what_the_hooks_of_a_site_print(printed: str, id_: str) -> None:
    assert printed_id(printed) == id_


@pytest.mark.parametrize("printed", ["", "Your job is queued", "2026\n173\n"])
def test_where_no_id_is_told_apart_none_is_guessed(printed: str) -> None:
    with pytest.raises(PipelineError, match=r"^qsub printed no id of a job but "):
        printed_id(printed)
