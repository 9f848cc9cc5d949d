"""What is in flight: whatever a scheduler may still hold, and nothing that is known to end."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_pbs import FakePbs, start_pbs, wait_for

from pipeline.launch.commands import run
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.launch.notes.terminations import note_cancelled
from pipeline.launch.pbs.qstat import ask
from pipeline.launch.state.history import incidents
from pipeline.launch.state.in_flight import close_finished_predecessors, held, held_after_ending

TASKS = (("p1",), ("p2",), ("p3",))


def submission(number: int = 1, job: str = "12", tasks: tuple[tuple[str, ...], ...] = TASKS, **fields: str):
    usual = {"cluster": "somewhere", "scheduler": "pbs", "code": "code"} | fields
    return Submission(
        f"xor-0a1b2c-{number}", usual["cluster"], (), usual["scheduler"], None, tasks, (1.0,) * len(tasks), {}, 30,
        16.0, 60.0, 1, False, 0, None, usual["code"], 100.0, job,
    )  # fmt: skip


def note_id(run_folder: Path, sent: Submission, full_id: str) -> None:
    folder = folder_of(run_folder, sent.name)
    folder.mkdir(parents=True)
    (folder / f"{sent.job}_full_id").write_text(full_id)


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a command that prints one text after the other, the last one for ever."""

    def make(command: str, *texts: str) -> None:
        binaries = tmp_path / "bin"
        binaries.mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            (binaries / f"{command}.{number}").write_text(text)
        script = binaries / command
        script.write_text(
            f'#!/bin/bash\ncd {binaries}; echo "$*" >>{command}.calls; n=$(($(wc -l <{command}.calls) - 1))\n'
            f"cat {command}.$((n < {len(texts)} ? n : {len(texts) - 1}))\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")

    return make


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePbs]:
    pbs = start_pbs(tmp_path, monkeypatch)
    yield pbs
    pbs.stop()


def sleepers(pbs: FakePbs, *words: str) -> str:
    """Send jobs that take minutes, and a second to end; the id that qsub prints."""
    script = pbs.folder / "sleep.sh"
    script.write_text("trap 'sleep 1; exit 1' TERM\nsleep 300 &\nwait\n")
    return run(["qsub", *words, "-j", "oe", "-o", f"{pbs.home}/", str(script)]).stdout.strip()


def ending_is_over_once_told(pbs: FakePbs, said: list[str]) -> Callable[[str], None]:
    """Jobs stay in state E until somebody says that he waits for them, however late he looks."""
    pbs.set(exiting=1000.0)

    def say(text: str) -> None:
        said.append(text)
        pbs.set(exiting=None)

    return say


def test_tasks_that_qstat_does_not_list_are_in_flight_while_they_live(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.set(slots=2)
    array = sleepers(pbs, "-J", "0-3")
    number = array.split("[")[0]
    sent = submission(job=number, tasks=(*TASKS, ("p4",)))
    note_id(tmp_path, sent, array)
    tasks = [array.replace("[]", f"[{index}]") for index in range(4)]
    wait_for(lambda: [ask([id_])[id_].state for id_ in tasks] == ["RUNNING"] * 2 + ["PENDING"] * 2)
    pbs.set(listed=False)
    assert held(tmp_path, [sent]) == {f"{number}_{index}" for index in range(4)}
    assert {id_: info.state for id_, info in ask([array]).items() if id_ != array} == dict(
        zip(tasks, ["RUNNING"] * 2 + ["PENDING"] * 2, strict=True)
    )
    run(["qdel", tasks[0]])
    wait_for(lambda: held(tmp_path, [sent]) == {f"{number}_{index}" for index in range(1, 4)})
    run(["qdel", array])
    wait_for(lambda: held(tmp_path, [sent]) == set())


def test_tasks_of_an_array_that_nothing_is_said_of_are_all_in_flight(says: Callable[..., None], tmp_path: Path) -> None:
    array, single = submission(), submission(2, "14", (("p4",),))
    note_id(tmp_path, array, "12[].pbs01")
    note_id(tmp_path, single, "14.pbs01")
    says("qstat", '{"Jobs": {"14.pbs01": {"job_state": "R"}}}', "")
    assert held(tmp_path, [array, single]) == {"12_0", "12_1", "12_2", "14"}


def test_task_of_a_living_array_that_is_not_answered_for_is_in_flight(
    says: Callable[..., None], tmp_path: Path
) -> None:
    array = submission()
    note_id(tmp_path, array, "12[].pbs01")
    parent = "Job Id: 12[].pbs01\n    job_state = B\n    array_indices_submitted = 0-2\n"
    one = "Job Id: 12[1].pbs01\n    job_state = X\n    comment = Subjob finished\n"
    says("qstat", "", f"{parent}\n{one}", "")
    assert held(tmp_path, [array]) == {"12_0", "12_2"}


def test_job_that_was_cancelled_is_waited_for_as_long_as_it_takes_to_end(pbs: FakePbs, tmp_path: Path) -> None:
    id_ = sleepers(pbs)
    sent = submission(job=id_.split(".")[0], tasks=(("p1",),))
    note_id(tmp_path, sent, id_)
    wait_for(lambda: ask([id_])[id_].state == "RUNNING")
    said: list[str] = []
    assert held_after_ending(tmp_path, [sent], said.append) == {sent.job}
    assert said == []
    note_cancelled(folder_of(tmp_path, sent.name), [str(sent.job)])
    say = ending_is_over_once_told(pbs, said)
    run(["qdel", id_])
    assert held_after_ending(tmp_path, [sent], say) == set()
    assert said == ["1 job of this run is ending; waiting for that"]


def test_job_that_is_completing_on_slurm_is_waited_for(says: Callable[..., None], tmp_path: Path) -> None:
    name = "xor-0a1b2c-1"
    says("squeue", f"12_0|COMPLETING|{name}|None\n12_1|RUNNING|{name}|None\n", f"12_1|RUNNING|{name}|None\n")
    said: list[str] = []
    assert held_after_ending(tmp_path, [submission(scheduler="slurm")], said.append) == {"12_1"}
    assert said == ["1 job of this run is ending; waiting for that"]


def test_job_that_was_told_to_end_long_ago_and_goes_on_is_in_flight(says: Callable[..., None], tmp_path: Path) -> None:
    sent = submission(scheduler="slurm")
    says("squeue", f"12_0|RUNNING|{sent.name}|None\n")
    folder = folder_of(tmp_path, sent.name)
    note_cancelled(folder, ["12_0"])
    (folder / "cancelled").write_text(f'{{"12_0": {time.time() - 1000}}}')
    said: list[str] = []
    assert held_after_ending(tmp_path, [sent], said.append) == {"12_0"}
    assert said == ["1 job has not ended within 120 s; what it trains stays its own"]


def test_link_does_not_wait_for_an_array_of_which_only_the_name_is_left(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.set(listed=False)
    script = pbs.folder / "quick.sh"
    script.write_text("exit 0\n")
    array = run(["qsub", "-J", "0-1", "-j", "oe", "-o", f"{pbs.home}/", str(script)]).stdout.strip()
    link = sleepers(pbs, "-W", f"depend=afterany:{array}")
    first = submission(job=array.split("[")[0], tasks=TASKS[:2])
    second = dataclasses.replace(submission(2, link.split(".")[0], TASKS[:1]), after=first.name)
    note_id(tmp_path, first, array)
    note_id(tmp_path, second, link)
    said: list[str] = []
    close_finished_predecessors(tmp_path, [first, second], {f"{first.job}_0", str(second.job)}, said.append)
    assert said == []  # something of it still runs
    wait_for(lambda: held(tmp_path, [first, second]) == {second.job})
    close_finished_predecessors(tmp_path, [first, second], {str(second.job)}, said.append)
    assert said == [
        f"{first.name} was over, but not for its server, which let {second.name} wait for it: it was closed"
    ]
    wait_for(lambda: ask([link])[link].state == "RUNNING")
    close_finished_predecessors(tmp_path, [first, second], {str(second.job)}, said.append)
    assert len(said) == 1


def test_why_a_server_killed_a_job_is_kept_when_it_is_seen(pbs: FakePbs, tmp_path: Path) -> None:
    said: list[str] = []
    say = ending_is_over_once_told(pbs, said)
    id_ = sleepers(pbs)
    sent = submission(job=id_.split(".")[0], tasks=(("p1",),))
    note_id(tmp_path, sent, id_)
    wait_for(lambda: ask([id_])[id_].state == "RUNNING")
    pbs.set(over_memory=[id_])
    wait_for(lambda: ask([id_])[id_].state == "COMPLETING")  # its output is brought out, for over a minute at times
    assert held_after_ending(tmp_path, [sent], say) == set()
    assert said == ["1 job of this run is ending; waiting for that"]
    pbs.set(history=False)
    wait_for(lambda: ask([id_])[id_].state == "GONE")
    (one,) = incidents(tmp_path, [sent], set())
    assert (one.kind, one.memory_gib, one.waiting) == ("out of memory", 16.0, ("p1",))
