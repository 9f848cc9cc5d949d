"""What PBS answers, word for word as a real server did (``pbs/transcripts``), and what is made of it."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_pbs import FakePbs, start_pbs, wait_for

from pipeline.errors import PipelineError
from pipeline.launch import commands
from pipeline.launch.commands import run
from pipeline.launch.pbs.job_state import FINAL, read_json, read_text, state_of
from pipeline.launch.pbs.qstat import ask, find_by_name, user_names, users_jobs

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "stand_in" / "transcripts").glob("[0-9]*.txt"))
LATER = 1795500000.0
"""A time at which every job of the transcripts has settled."""


@dataclass(frozen=True)
class Transcript:
    command: list[str]
    stdout: str
    stderr: str
    status: int


def read_transcript(path: Path) -> Transcript:
    command, rest = path.read_text().removeprefix("$ ").split("\n--- stdout\n", 1)
    stdout, rest = ("\n" + rest).split("\n--- stderr\n", 1)
    stderr, status = ("\n" + rest).split("\n--- exit status: ")
    return Transcript(shlex.split(command), stdout[1:] + "\n", stderr[1:], int(status))


EXPECTED = {
    "04": {"2.pbs01": ("RUNNING", None)},
    "05": {"2.pbs01": ("RUNNING", None)},
    "06": {"2.pbs01": ("RUNNING", None)},
    "14": {"2.pbs01": ("COMPLETED", 0)},
    "15": {},
    "16": {},
    "17": {"2.pbs01": ("COMPLETED", 0)},
    "18": {"5.pbs01": ("PENDING", None)},
    "20": {"5.pbs01": ("CANCELLED", None)},
    "24": {"7.pbs01": ("FAILED", 7)},
    "25": {"8.pbs01": ("FAILED", 137)},
    "29": {"10.pbs01": ("RUNNING", None)},
    "31": {"11[].pbs01": ("PENDING", None)},
    "32": dict.fromkeys(("11[].pbs01", *(f"11[{index}].pbs01" for index in range(4))), ("PENDING", None)),
    "35": {"11[2].pbs01": ("PENDING", None)},
    "37": {"11[].pbs01": ("FAILED", 1)},
    "38": {
        "11[].pbs01": ("FAILED", 1),
        "11[0].pbs01": ("COMPLETED", 0),
        "11[1].pbs01": ("FAILED", 1),
        "11[2].pbs01": ("FAILED", 2),
        "11[3].pbs01": ("CANCELLED", 1),
    },
    "41": {"12.pbs01": ("PENDING", None)},
    "44": {"13.pbs01": ("PENDING", None)},
    "46": {"10.pbs01": ("CANCELLED", 271)},
    "47": {"9.pbs01": ("TIMEOUT", -29)},
    "49": {"14.pbs01": ("RUNNING", None)},
}


def states(transcript: Transcript) -> dict[str, tuple[str, int | None]]:
    jobs = read_json(transcript.stdout) if "json" in transcript.command else read_text(transcript.stdout)
    return {id_: state_of(job, LATER)[:2] for id_, job in jobs.items()}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_what_a_real_server_printed_is_understood(path: Path) -> None:
    transcript = read_transcript(path)
    if transcript.command[0] == "qstat" and "-f" in transcript.command:
        assert states(transcript) == EXPECTED[path.name[:2]]
    else:
        assert path.name[:2] not in EXPECTED
        assert read_text(transcript.stdout) == {}


def transcript(number: str) -> Transcript:
    return read_transcript(next(path for path in TRANSCRIPTS if path.name.startswith(number)))


def test_json_and_folded_text_of_one_job_say_the_same() -> None:
    in_json, in_text = read_json(transcript("05").stdout), read_text(transcript("06").stdout)
    assert state_of(in_json["2.pbs01"]) == state_of(in_text["2.pbs01"])
    assert in_text["2.pbs01"]["Submit_arguments"].endswith("walltime=00:05:00 -j oe ok.sh")


def test_the_comment_of_a_job_that_can_never_run_is_kept() -> None:
    job = read_json(transcript("18").stdout)["5.pbs01"]
    assert state_of(job)[2] == "Can Never Run: Insufficient amount of resource: ngpus (R: 64 A: 2 T: 2)"


# A qstat that says what it is told to.


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a qstat that prints one answer after the other, the last one for ever; returns where calls are noted."""

    def make(*answers: Transcript) -> Path:
        for number, answer in enumerate(answers):
            (tmp_path / f"{number}.out").write_text(answer.stdout)
            (tmp_path / f"{number}.err").write_text(answer.stderr + "\n" if answer.stderr else "")
            (tmp_path / f"{number}.rc").write_text(str(answer.status))
        script = tmp_path / "qstat"
        script.write_text(
            f'#!/bin/bash\ncd {tmp_path}; echo "$*" >>calls; n=$(($(wc -l <calls) - 1))\n'
            f"((n < {len(answers)})) || n={len(answers) - 1}\ncat $n.out; cat $n.err >&2; exit $(cat $n.rc)\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return tmp_path / "calls"

    return make


def plain(stdout: str = "", stderr: str = "", status: int = 0) -> Transcript:
    return Transcript([], stdout, stderr, status)


def test_one_unknown_id_does_not_hide_the_known_one(says: Callable[..., Path]) -> None:
    calls = says(transcript("17"))
    infos = ask(["2.pbs01", "99999"])
    assert (infos["2.pbs01"].state, infos["2.pbs01"].node) == ("COMPLETED", "pbs01")
    assert infos["99999"].state == "GONE"
    assert calls.read_text() == "-x -t -f -F json 2.pbs01 99999\n"


def test_a_job_that_is_finished_without_its_history_is_gone(says: Callable[..., Path]) -> None:
    says(transcript("15"))
    assert ask(["2.pbs01"])["2.pbs01"].state == "GONE"


@pytest.mark.parametrize("status", [0, 36, 1])
def test_a_server_that_keeps_no_history_is_asked_for_the_living(says: Callable[..., Path], status: int) -> None:
    refusal = plain('{"timestamp": 1}\n', "qstat: PBS is not configured to maintain job history 2.pbs01", status)
    calls = says(refusal, transcript("05"))
    assert ask(["2.pbs01"])["2.pbs01"].state == "RUNNING"
    assert calls.read_text() == "-x -t -f -F json 2.pbs01\n-t -f -F json 2.pbs01\n"
    calls.unlink()
    says(refusal, transcript("16"))
    assert ask(["99999.pbs01"])["99999.pbs01"].state == "GONE"
    calls.unlink()
    says(refusal, transcript("31"))
    assert find_by_name("nobody") == []


def test_all_subjobs_of_an_array_come_in_one_call(says: Callable[..., Path]) -> None:
    calls = says(transcript("38"))
    infos = ask(["11[].pbs01"])
    assert {id_: (info.state, info.exit_status) for id_, info in infos.items()} == EXPECTED["38"]
    assert ask(["11[1].pbs01", "11[3].pbs01"]).keys() == {"11[1].pbs01", "11[3].pbs01"}
    assert calls.read_text() == "-x -t -f -F json 11[].pbs01\n" * 2


def test_at_most_two_hundred_jobs_are_asked_for_at_a_time(says: Callable[..., Path]) -> None:
    """A command line has an end, and a server that is asked for thousands of jobs at once answers nobody else."""
    jobs = [f"{number}.pbs01" for number in range(1, 451)]
    calls = says(plain('{"timestamp": 1}\n', "\n".join(f"qstat: Unknown Job Id {job}" for job in jobs), 153))
    assert {info.state for info in ask(jobs).values()} == {"GONE"}
    asked = [[word for word in call.split() if word.endswith("pbs01")] for call in calls.read_text().splitlines()]
    assert asked == [jobs[:200], jobs[200:400], jobs[400:]]


def test_a_subjob_that_is_missing_in_the_list_is_asked_for_alone(says: Callable[..., Path]) -> None:
    calls = says(transcript("31"), transcript("31"), plain(read_as_text("35")))
    assert ask(["11[2].pbs01"])["11[2].pbs01"].state == "PENDING"
    assert calls.read_text().splitlines()[-1] == "-x -f 11[2].pbs01"


def read_as_text(number: str) -> str:
    """A job of a transcript as the text form has it."""
    jobs = read_json(transcript(number).stdout)
    lines = []
    for id_, job in jobs.items():
        lines += [f"Job Id: {id_}", *(f"    {key} = {value}" for key, value in job.items()), ""]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda text: text.replace('"PBS_O_LANG":\t"C.UTF-8"', '"C":\t005'),
        lambda text: text.replace("C.UTF-8", 'say "x" \\ y'),
        lambda text: text.replace('"C.UTF-8"', '"() {  echo "$@"\n}"'),
        lambda text: text[: len(text) // 2],
        lambda text: "",
    ],
)
def test_where_json_is_no_json_the_text_is_read(says: Callable[..., Path], spoilt: Callable[[str], str]) -> None:
    calls = says(plain(spoilt(transcript("05").stdout)), transcript("06"))
    assert ask(["2.pbs01"])["2.pbs01"].state == "RUNNING"
    assert calls.read_text() == "-x -t -f -F json 2.pbs01\n-x -t -f 2.pbs01\n"


def test_ids_are_asked_for_again_where_only_the_first_was_answered(says: Callable[..., Path]) -> None:
    calls = says(transcript("05"), plain("Job Id: 7.pbs01\n    job_state = Q\n"))
    assert [info.state for info in ask(["2.pbs01", "7.pbs01"]).values()] == ["RUNNING", "PENDING"]
    assert calls.read_text() == "-x -t -f -F json 2.pbs01 7.pbs01\n-x -t -f 7.pbs01\n"


@pytest.mark.parametrize("answer", [plain(), plain("rubbish\n"), plain('{"timestamp": 1}\n'), plain("{", status=153)])
def test_silence_is_no_end_of_a_job(says: Callable[..., Path], answer: Transcript) -> None:
    says(answer)
    assert ask(["2.pbs01"])["2.pbs01"].state == "UNKNOWN"


@pytest.mark.parametrize("stdout, status", [("", 162), ('{\n    "timestamp":1796000000\n}\n', 255)])
def test_a_scheduler_that_cannot_be_asked_is_told_apart_in_its_own_words(
    says: Callable[..., Path], stdout: str, status: int
) -> None:
    """OpenPBS 23.06.06 ends with 255 then, and prints JSON all the same. One is on a login node already."""
    says(plain(stdout, "Connection refused\nqstat: cannot connect to server pbs01 (errno=15010)", status))
    what = "PBS could not be asked: Connection refused qstat: cannot connect to server pbs01 (errno=15010)"
    hint = "the scheduler may be down, and nothing was concluded from its silence; try again later"
    for question in (lambda: ask(["2.pbs01"]), lambda: find_by_name("x"), users_jobs):
        with pytest.raises(PipelineError, match=f"^{re.escape(what)}\n  hint: {hint}$"):
            question()


def test_a_server_that_hangs_is_not_asked_the_same_in_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("qstat", "qselect"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path}/calls\nexec sleep 60\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(commands, "SECONDS_TO_ANSWER", 0.5)
    (tmp_path / "calls").touch()
    for question in (lambda: find_by_name("x"), lambda: ask(["2.pbs01", "3.pbs01"])):
        with pytest.raises(PipelineError, match=r"^q\w+ has not answered for 0.5 s\n  hint: the scheduler may be down"):
            question()
    calls = (tmp_path / "calls").read_text().split()
    assert [calls.count(name) <= 1 for name in ("qselect", "qstat")] == [True, True]  # on a busy machine one may not


def test_letters_of_another_age_hide_no_job(says: Callable[..., Path]) -> None:
    calls = says(transcript("05"))
    calls.with_name("0.out").write_bytes(transcript("05").stdout.replace("/home/user", "/home/usér").encode("latin-1"))
    assert ask(["2.pbs01"])["2.pbs01"].state == "RUNNING"


def test_of_two_servers_the_one_that_answers_is_heard(says: Callable[..., Path]) -> None:
    says(plain(transcript("05").stdout, "qstat: cannot connect to server pbs02 (errno=15010)", 162))
    infos = ask(["2.pbs01", "2.pbs02"])
    assert [info.state for info in infos.values()] == ["RUNNING", "UNKNOWN"]
    assert "pbs02" in infos["2.pbs02"].comment


@pytest.mark.parametrize(
    ("server", "same"), [("pbs01", True), ("pbs01.site.edu", True), ("pbs011", False), ("pbs0", False)]
)
def test_a_server_goes_by_its_short_name_too_but_no_other_that_begins_like_it(
    says: Callable[..., Path], server: str, same: bool
) -> None:
    says(plain(transcript("05").stdout.replace('"2.pbs01"', f'"2.{server}"')))
    assert ask(["2.pbs01"])["2.pbs01"].state == ("RUNNING" if same else "UNKNOWN")


def test_a_machine_without_qstat_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match="qstat is not on PATH"):
        ask(["2.pbs01"])


def test_nothing_is_asked_about_no_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask([]) == {}


# The stand-in that runs jobs.


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePbs]:
    pbs = start_pbs(tmp_path, monkeypatch)
    yield pbs
    pbs.stop()


def submit(pbs: FakePbs, script: str, *words: str) -> str:
    path = pbs.folder / "job.sh"
    path.write_text(f"#!/bin/bash\n{script}\n")
    done = run(["qsub", *words, "-o", f"{pbs.home}/", "-j", "oe", str(path)])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_jobs_are_found_by_their_name(pbs: FakePbs) -> None:
    pbs.set(slots=0)
    one, array = submit(pbs, ":", "-N", "mine"), submit(pbs, ":", "-N", "mine", "-J", "0-2")
    submit(pbs, ":", "-N", "other")
    for fault in (None, "quotes", "number", "function"):
        pbs.set(qstat=fault)
        assert find_by_name("mine") == [one, array]
        assert find_by_name("nobody") == []


def test_the_name_of_a_job_is_asked_for_and_not_all_that_the_server_remembers(pbs: FakePbs) -> None:
    pbs.set(slots=0, history=False)
    one = submit(pbs, ":", "-N", "mine")
    assert (find_by_name("mine"), find_by_name("nobody")) == ([one], [])
    assert {call[0] for call in pbs.calls()} == {"qsub", "qselect"}
    (pbs.folder / "bin" / "qselect").unlink()
    assert (find_by_name("mine"), find_by_name("nobody")) == ([one], [])
    assert "qstat" in {call[0] for call in pbs.calls()}


def test_silence_of_a_server_does_not_mean_that_it_has_no_job_of_a_name(pbs: FakePbs) -> None:
    pbs.set(slots=0)
    submit(pbs, ":", "-N", "mine")
    for fault, words in (("empty", "qstat printed nothing|qstat ended"), ("refused", "could not be asked")):
        pbs.set(qstat=fault)
        with pytest.raises(PipelineError, match=words):
            find_by_name("mine")


def test_jobs_of_other_users_do_not_count(says: Callable[..., Path]) -> None:
    says(transcript("32"))
    assert find_by_name("arr") == (["11[].pbs01"] if pwd.getpwuid(os.getuid()).pw_name == "user" else [])


def test_no_jobs_are_found_on_a_server_that_says_nothing_only_if_it_has_none(says: Callable[..., Path]) -> None:
    says(plain(), plain(), plain("Server: pbs01\n    total_jobs = 0\n"))
    assert find_by_name("x") == []
    says(plain(), plain(), transcript("02"))
    (Path(os.environ["PATH"].split(":")[0]) / "calls").unlink()
    with pytest.raises(PipelineError, match="printed nothing although the server has jobs"):
        find_by_name("x")


def test_jobs_of_the_user_are_counted_with_the_subjobs_of_arrays(
    says: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "user")
    says(transcript("33"))
    assert users_jobs() == 4
    says(transcript("51"))
    assert users_jobs() == 1
    monkeypatch.setenv("USER", "a_user_with_a_long_name")
    says(plain("7.pbs01              x                a_user_with_a_l         0 Q workq           \n"))
    assert users_jobs() == 1
    says(plain("7.a-long-name-of* a-long-name-of-* a_user_with_a_l*  00:00:00 R a-long-name-of-*\n"))
    assert users_jobs() == 1
    for others in ("a_user_with_a_lo", "a_user_with_a_m*", "a_user"):
        says(plain(f"7.pbs01           x                {others:<16}  00:00:00 R workq           \n"))
        assert users_jobs() == 0
    monkeypatch.setenv("USER", "jane.doe-phys-01")
    says(plain("173[4].pbs01      x                jane.doe-phys-01         0 S workq           \n"))
    assert users_jobs() == 1
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setenv("LOGNAME", "somebody")
    says(transcript("33"))
    assert users_jobs() == 0


# The stand-in answers as the real one.


def shape(value: object) -> object:
    """Keys, and the kinds of values."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize(
    ("number", "words", "script"), [("14", (), "exit 0"), ("24", (), "exit 7"), ("25", (), "kill -9 $$")]
)
def test_the_stand_in_prints_what_a_real_server_prints(
    pbs: FakePbs, number: str, words: tuple[str, ...], script: str
) -> None:
    id_ = submit(pbs, script, "-N", "x", "-l", "select=1:ncpus=1", "-l", "walltime=00:05:00", *words)
    wait_for(lambda: ask([id_])[id_].exit_status is not None)
    printed = run(["qstat", "-x", "-f", "-F", "json", id_])
    (real,) = read_json(transcript(number).stdout).values()
    fake = read_json(printed.stdout)[id_]
    for key in ("job_state", "Exit_status", "substate", "run_count", "Stageout_status", "server", "queue"):
        assert fake[key] == real[key]
    assert {key: shape(real[key]) for key in fake.keys() & real.keys() - {"Resource_List", "Variable_List"}} == {
        key: shape(fake[key]) for key in fake.keys() & real.keys() - {"Resource_List", "Variable_List"}
    }
    assert json.loads(printed.stdout)["pbs_server"] == "pbs01"


def test_json_is_read_with_the_tabs_of_one_build_and_the_spaces_of_another(pbs: FakePbs) -> None:
    pbs.set(slots=0)
    id_ = submit(pbs, ":")
    for form, begin, job in (
        (None, '{\n    "timestamp":1', '\n    "Jobs":{\n        "'),  # 23.06.06, without a newline at its end
        ("tabs", '{\n\t"timestamp":\t1', '\n\t"Jobs":\t{\n\t\t"'),  # the build of the transcripts
    ):
        pbs.set(json=form)
        printed = run(["qstat", "-f", "-F", "json", id_]).stdout
        assert (printed.startswith(begin), job in printed) == (True, True)
        assert read_json(printed)[id_]["job_state"] == "Q"


def finish(id_: str, *states: str) -> None:
    wait_for(lambda: ask([id_])[id_].state in states)


def test_a_job_that_is_run_again_has_the_same_id_and_is_not_over_in_between(pbs: FakePbs) -> None:
    id_ = submit(pbs, "echo begun; sleep 300")
    finish(id_, "RUNNING")
    pbs.set(slots=0)
    pbs.rerun(id_)
    finish(id_, "PENDING")
    pbs.set(slots=4)
    finish(id_, "RUNNING")
    job = read_json(run(["qstat", "-f", "-F", "json", id_]).stdout)[id_]
    assert (job["run_count"], job["Exit_status"]) == (2, -11)


def test_a_suspended_job_and_one_that_lingers_in_e_are_not_over(pbs: FakePbs) -> None:
    pbs.set(exiting=60)
    id_ = submit(pbs, "sleep 300")
    finish(id_, "RUNNING")
    run(["qsig", "-s", "suspend", id_])
    finish(id_, "PREEMPTED")
    run(["qsig", "-s", "resume", id_])
    finish(id_, "RUNNING")
    run(["qdel", id_])
    finish(id_, "COMPLETING")
    assert ask([id_])[id_].comment.endswith(f"and terminated by {user_names()[0]}@{os.uname().nodename.split('.')[0]}")
    pbs.set(exiting=None)
    finish(id_, "CANCELLED")


@pytest.mark.parametrize(
    ("limit", "words"),
    [("mem", "mem 577916kb exceeded limit 460800kb"), ("walltime", r"walltime \d+ exceeded limit 1")],
)
def test_a_job_over_a_limit_is_told_to_end_and_its_status_is_the_servers(pbs: FakePbs, limit: str, words: str) -> None:
    pbs.set(noise="stty: standard input: Inappropriate ioctl for device\n", late=200.0)
    more = ("-l", "walltime=00:00:01") if limit == "walltime" else ()
    begun = pbs.folder / "begun"
    id_ = submit(pbs, f'trap "echo told; exit 0" TERM; touch {begun}; sleep 300 & wait', *more)
    wait_for(begun.exists)
    pbs.set(over_memory=[id_] if limit == "mem" else [], late=1.0)
    finish(id_, "OUT_OF_MEMORY", "TIMEOUT")
    info = ask([id_])[id_]
    assert (info.exit_status, info.state) == {"mem": (-27, "OUT_OF_MEMORY"), "walltime": (-29, "TIMEOUT")}[limit]
    assert info.comment.endswith(f"and exceeded resource {limit}")
    said = (pbs.home / f"{id_}.OU").read_text()
    assert re.fullmatch(rf"stty: .*\n=>> PBS: job killed: {words}\ntold\n", said)


def test_a_job_may_go_beyond_its_walltime_until_the_server_looks(pbs: FakePbs) -> None:
    pbs.set(late=200.0)
    id_ = submit(pbs, "sleep 1.5", "-l", "walltime=00:00:01")
    finish(id_, "COMPLETED")


@pytest.mark.parametrize(("order", "status"), [("0 1", 1), ("1 0", 0)])
def test_the_exit_status_of_an_array_is_that_of_whichever_subjob_was_last(
    pbs: FakePbs, order: str, status: int
) -> None:
    first = pbs.folder / "first"
    waits = f"until [ -s {first} ]; do sleep 0.05; done; while kill -0 $(<{first}) 2>/dev/null; do sleep 0.05; done"
    script = f"if ((PBS_ARRAY_INDEX)); then {waits}; else echo $PPID >{first}; fi"
    array = submit(pbs, f"codes=({order}); {script}; exit ${{codes[$PBS_ARRAY_INDEX]}}", "-J", "0-1")
    wait_for(lambda: ask([array])[array].state in FINAL)
    infos = ask([array])
    assert infos[array].exit_status == status
    assert {infos[array.replace("[]", f"[{index}]")].state for index in range(2)} == {"COMPLETED", "FAILED"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("07", ["-J", "0-0"]),
        ("08", ["-r", "n", "-J", "0-3"]),
        ("09", ["-q", "nosuch"]),
        ("10", ["-l", "select=1:nosuch=1"]),
        ("12", ["-N", "9 lives"]),
        ("50", ["-J", "0-20000"]),
    ],
)
def test_the_stand_in_refuses_what_a_real_server_refuses(pbs: FakePbs, number: str, words: list[str]) -> None:
    path = pbs.folder / "job.sh"
    path.write_text(":\n")
    done, real = run(["qsub", *words, str(path)]), transcript(number)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (real.status, real.stdout.strip(), real.stderr)
