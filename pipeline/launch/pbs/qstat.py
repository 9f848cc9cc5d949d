"""``qstat``: what it prints of jobs, in JSON or in text, and what the states and exit codes of PBS mean.

One id that the server does not know fails a call that has printed all the others, JSON is
sometimes no JSON, and a server may forget a job as soon as it has ended. So what was printed
counts, not the exit status, and a job is gone only where the server says so in words.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pipeline.errors import PipelineError
from pipeline.launch.commands import NO_ANSWER, SilenceError, run
from pipeline.launch.pbs.job_id import JobId, Parts, parse_id
from pipeline.launch.pbs.job_state import Attributes, JobInfo, read_json, read_text, state_of

IDS_OF_A_CALL = 200
"""How many jobs or whole arrays are asked for at a time."""
OLD_WIDTH = 15
"""Letters of a user in the short list of versions that cut without a star."""


@dataclass
class _Answers:
    """Answers of several calls: jobs by id, ids that the server does not know, and messages of failed calls."""

    jobs: dict[str, Attributes] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def take(self, ids: Sequence[str], *, text: bool = False, subjobs: bool = True) -> bool:
        """Ask for some ids at once; whether the server could be reached."""
        form = () if text else ("-F", "json")
        done = _with_history(*(("-t",) if subjobs else ()), "-f", *form, *ids)
        with suppress(ValueError):  # what is no JSON is asked for again as text
            self.jobs.update(read_text(done.stdout) if text else read_json(done.stdout))
        words = done.stderr.strip()
        for pattern in (r"Unknown Job Id(?: Error)?:? +(\S+)", r"(\S+):? Job has finished"):
            self.gone.update(dict.fromkeys(re.findall(pattern, words), words))
        if done.returncode not in (0, 35, 153):
            self.failures.append(_failed(done))
            return False
        return True

    def take_all(self, ids: Sequence[str], *, text: bool = False, subjobs: bool = True) -> None:
        """Ask for any number of ids, some at a time."""
        for start in range(0, len(ids), IDS_OF_A_CALL):
            self.take(ids[start : start + IDS_OF_A_CALL], text=text, subjobs=subjobs)

    def answered(self) -> dict[Parts, list[str]]:
        """The ids that something was said about, by number and index."""
        found = defaultdict(list)
        for id_ in (*self.jobs, *self.gone):
            if re.match(r"\d", id_):
                found[parse_id(id_).parts].append(id_)
        return found


def ask(ids: Iterable[str]) -> dict[str, JobInfo]:
    """Ask PBS about jobs, in one call where that is possible.

    Args:
        ids: Of jobs (``12.pbs01``), subjobs (``11[2].pbs01``), or arrays (``11[].pbs01``).

    Returns:
        One entry for every id that was asked for, and the subjobs of arrays that were asked for as a
        whole: of those that live, all, listed or not. A job that nothing was said about is UNKNOWN, never GONE.

    Raises:
        PipelineError: If the scheduler could not be asked at all, with its own words.
    """
    asked = list(dict.fromkeys(ids))
    answers = _Answers()
    _converse(answers, [parse_id(id_) for id_ in asked])
    if answers.failures and not answers.jobs and not answers.gone:
        raise PipelineError(f"PBS could not be asked: {answers.failures[-1]}", hint=NO_ANSWER)
    by_parts, now = answers.answered(), time.time()
    infos = {id_: _info(id_, by_parts, answers, now) for id_ in asked}
    arrays = {parse_id(id_).number for id_ in asked if parse_id(id_).index == ""}
    subjobs = [id_ for id_ in answers.jobs if re.match(r"\d+\[\d", id_) and parse_id(id_).number in arrays]
    subjobs += map(str, _unlisted(answers, [parse_id(id_) for id_ in asked]))
    return infos | {id_: _info(id_, by_parts, answers, now) for id_ in subjobs if id_ not in infos}


NO_HISTORY = 36
"""Exit status of ``qstat -x`` where ``job_history_enable`` is off, as it is unless a site sets it (error 15140)."""


def _converse(answers: _Answers, wanted: Sequence[JobId]) -> None:
    """Ask in JSON, then in text for what JSON left open, then for jobs and subjobs by their own ids."""
    for text in (False, True):
        answers.take_all(list(dict.fromkeys(str(id_.array) for id_ in _open(answers, wanted))), text=text)
    wanted = [*wanted, *_unlisted(answers, wanted)]
    if len(alone := [str(id_) for id_ in _open(answers, wanted)]) > 1:
        answers.take_all(alone, text=True, subjobs=False)
    for id_ in _open(answers, wanted):  # some versions answer for the first of several ids alone
        heard = len(answers.jobs) + len(answers.gone)
        if not answers.take([str(id_)], text=True, subjobs=False) or len(answers.jobs) + len(answers.gone) == heard:
            return


def _unlisted(answers: _Answers, wanted: Iterable[JobId]) -> list[JobId]:
    """The subjobs of living arrays that were asked for as a whole which ``qstat -t`` has not listed.

    OpenPBS 23.06.06 lists none while they run after ``qterm -t immediate`` and a new start, but knows each by its id.

    Returns:
        Their ids.
    """
    by_parts, found = answers.answered(), []
    for id_ in wanted:
        listed = _match(id_, by_parts) if id_.index == "" else None
        array = answers.jobs.get(listed or "", {})
        if array.get("job_state") not in (None, "F", "M"):
            every = indices(str(array.get("array_indices_submitted", "")))
            subjobs = [replace(parse_id(str(listed)), index=str(index)) for index in every]
            found += [subjob for subjob in subjobs if subjob.parts not in by_parts]
    return found


def indices(ranges: str) -> list[int]:
    """The indices of an array in ``0-79``, ``1-9:2`` or ``0,2-4``."""
    found = re.findall(r"(\d+)(?:-(\d+))?(?::(\d+))?", ranges)
    return [index for first, last, step in found for index in range(int(first), int(last or first) + 1, int(step or 1))]


def _open(answers: _Answers, wanted: Iterable[JobId]) -> Iterator[JobId]:
    by_parts = answers.answered()
    for id_ in wanted:
        if _match(id_, by_parts) is None and not (id_.index and _match(id_.array, by_parts) in answers.gone):
            yield id_


def _match(wanted: JobId, by_parts: Mapping[Parts, Sequence[str]]) -> str | None:
    """The id that was answered for one that was asked: of the same server, where both name it."""
    for id_ in by_parts.get(wanted.parts, ()):
        one, other = sorted((wanted.server, parse_id(id_).server), key=len)
        if not one or one == other or other.startswith(f"{one}."):
            return id_
    return None


def _info(asked: str, by_parts: Mapping[Parts, Sequence[str]], answers: _Answers, now: float) -> JobInfo:
    wanted = parse_id(asked)
    found = _match(wanted, by_parts) or (_match(wanted.array, by_parts) if wanted.index else None)
    if found in answers.jobs and parse_id(str(found)).index == wanted.index:
        job = answers.jobs[str(found)]
        state, status, comment = state_of(job, now)
        return JobInfo(str(found), state, status, comment, re.split("[/+]", str(job.get("exec_host", "")))[0])
    if found in answers.gone:
        return JobInfo(asked, "GONE", comment=answers.gone[str(found)])
    return JobInfo(asked, "UNKNOWN", comment=" ".join(answers.failures[-1:]))


def find_by_name(name: str) -> list[str]:
    """Find this user's jobs and arrays of some name, ended ones too where the server remembers them.

    Args:
        name: Of the job.

    Returns:
        Their full ids.

    Raises:
        PipelineError: If the scheduler could not be asked, or says nothing although it has jobs.
    """
    mine = [word for user in user_names()[:1] for word in ("-u", user)]
    found = _selected("-N", name, *mine)
    if found or _selected():  # that no job has the name is believed where others are listed
        return found
    return [
        id_
        for id_, job in _everything().items()
        if job.get("Job_Name") == name and str(job.get("Job_Owner", "")).split("@")[0] in user_names()
    ]


def _selected(*words: str) -> list[str]:
    """The ids that qselect prints; none too where it fails. All that a server remembers in full may be very much."""
    try:
        done = _with_history(*words, command="qselect")
    except SilenceError:  # and so would qstat be
        raise
    except PipelineError:
        return []
    return re.findall(r"^\d\S*", done.stdout, re.MULTILINE) if done.returncode == 0 else []


def _everything() -> dict[str, Attributes]:
    """All jobs of the server."""
    done = reached(_with_history("-f", "-F", "json"))
    if done.stdout.strip():
        try:
            return read_json(done.stdout)
        except ValueError:
            pass
    jobs = read_text(reached(_with_history("-f")).stdout)
    server = reached(run(["qstat", "-Bf"])).stdout if not jobs else ""
    if jobs or re.search(r"^ +total_jobs = 0$", server, re.MULTILINE):
        return jobs
    raise PipelineError("qstat printed nothing although the server has jobs", hint=NO_ANSWER)


def users_jobs() -> int:
    """Count the jobs that this user has queued and running, each subjob of an array counted.

    Returns:
        The number.

    Raises:
        PipelineError: If the scheduler could not be asked.
    """
    listed = reached(run(["qstat", "-t"])).stdout
    rows = re.findall(r"^\d+(\[\d*\])?\S* +\S+ +(\S+) +\S+ ([A-Z]) \S+ *$", listed, re.MULTILINE)
    return sum(index != "[]" and state not in "FX" and _is_me(user) for index, user, state in rows)


def user_names() -> list[str]:
    """Names of this user: of the account, which a uid in a container may not have, then of the shell."""
    names = [os.environ.get("LOGNAME", ""), os.environ.get("USER", "")]
    with suppress(KeyError):
        names.insert(0, pwd.getpwuid(os.getuid()).pw_name)
    return list(dict.fromkeys(name for name in names if name))


def _is_me(listed: str) -> bool:
    """Whether a name in the short list is this user's: 23.06.06 puts a star for what is beyond 16 letters."""
    if listed.endswith("*"):
        return any(user.startswith(listed[:-1]) for user in user_names())
    cut = len(listed) == OLD_WIDTH
    return any(user == listed or (cut and user[:OLD_WIDTH] == listed) for user in user_names())


def _with_history(*words: str, command: str = "qstat") -> subprocess.CompletedProcess[str]:
    """Run a command for ended jobs too where the server keeps them: one that does not refuses ``-x`` for any job."""
    done = run([command, "-x", *words])
    refused = done.returncode == NO_HISTORY or re.search("job.history", done.stderr)  # qselect then ends with 0
    return run([command, *words]) if refused else done


def reached(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Check that a command came to its server.

    Args:
        done: The command that has run.

    Returns:
        The same.

    Raises:
        PipelineError: If it did not, with its own words.
    """
    if done.returncode not in (0, 35, 153):
        raise PipelineError(f"PBS could not be asked: {_failed(done)}", hint=NO_ANSWER)
    return done


def _failed(done: subprocess.CompletedProcess[str]) -> str:
    """The error of a command in one line: with -F json it prints a document all the same, without any job."""
    return " ".join(done.stderr.split()) or f"{done.args[0]} ended with status {done.returncode}"
