"""The server, scheduler and execution host of the stand-in: starts jobs, watches their walltime, ends them.

As on a real host, a login shell reads the path of the script, every process of its session gets the
signals, and what is left when the shell has ended is killed. A job that the server has told to end stays R until
the moment of SIGKILL, however soon its processes have ended (23.06.06: 10 s, and up to 3 s until it is looked at).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pbs_state import SERVER, Job, host, is_parent, opened, root_of, short_stamp, stamp, switches

KILL_DELAY = 3.0
running: dict[str, subprocess.Popen[bytes]] = {}


def serve(folder: Path) -> NoReturn:
    """Go round until killed; SIGTERM ends all jobs first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    try:
        while True:
            with opened(folder) as state:
                faults = switches(folder)
                _reap(folder, state["jobs"], faults)
                _signal(folder, state["jobs"], faults)
                _bring_out(folder, state["jobs"], faults)
                _close_arrays(state["jobs"], faults)
                _release(state["jobs"])
                _start(folder, state["jobs"], faults)
                _forget(state["jobs"], faults)
            time.sleep(0.05)
    finally:
        for process in running.values():
            to_session(process.pid, signal.SIGKILL)


def session_of(leader: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def to_session(leader: int, number: int) -> None:
    """Send a signal to every process of a session."""
    for pid in session_of(leader):
        with suppress(OSError):
            os.kill(pid, number)


def _release(jobs: dict[str, Job]) -> None:
    """Let jobs wait no longer whose dependency has ended."""
    for job in jobs.values():
        if job["job_state"] == "H" and job["_after"] and "u" not in job["Hold_Types"]:
            ids = [id_ if "." in id_ else f"{id_}.{SERVER}" for id_ in job["_after"].split(":")]
            if all(id_ not in jobs or jobs[id_]["job_state"] == "F" for id_ in ids):
                job |= {"job_state": "Q", "Hold_Types": "n", "substate": 10}


def _start(folder: Path, jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    for id_, job in jobs.items():
        if is_parent(id_) or job["job_state"] != "Q" or len(running) >= faults.get("slots", 4):
            continue
        match = re.search(r"ngpus=(\d+)", str(job["Resource_List"].get("select", "")))
        if match and int(match[1]) > 2:
            job["comment"] = f"Can Never Run: Insufficient amount of resource: ngpus (R: {match[1]} A: 2 T: 2)"
            continue
        if "[" in id_:
            parent = jobs[root_of(id_)]
            siblings = [other for other in running if root_of(other) == root_of(id_)]
            if len(siblings) >= parent.get("max_run_subjobs", 10**6):
                continue
            parent |= {"job_state": "B", "substate": 41, "comment": f"Job Array Began at {short_stamp()}"}
            parent["stime"] = parent.get("stime", stamp())
        running[id_] = _launched(folder, id_, job, faults)
        ran = f"Job run at {short_stamp()} on ({host()}:ncpus=1)"
        job |= {"job_state": "R", "substate": 42, "stime": stamp(), "_began": time.time(), "comment": ran}
        job |= {"exec_host": f"{host()}/0", "session_id": running[id_].pid, "etime": stamp()}
        job["run_count"] = job.get("run_count", 0) + 1


def _launched(folder: Path, id_: str, job: Job, faults: dict[str, Any]) -> subprocess.Popen[bytes]:
    spool = folder / "spool"
    script = spool / f"{id_}.SC"
    script.write_text(job["_script"])
    script.chmod(0o700)
    nodes = spool / f"{id_}.nodes"
    nodes.write_text(f"{host()}\n{host()}\n")
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PATH", "LANG", "LOGNAME", "USER") if name in os.environ},
        **job["Variable_List"],
        **job["_environment"],
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": id_,
        "PBS_JOBNAME": job["Job_Name"],
        "PBS_NODEFILE": str(nodes),
        "PBS_NODENUM": "0",
        "PBS_QUEUE": job["queue"],
        "NCPUS": "1",
        "OMP_NUM_THREADS": "1",
    }
    if "[" in id_:
        environment |= {"PBS_ARRAY_ID": root_of(id_), "PBS_ARRAY_INDEX": re.findall(r"\[(\d+)\]", id_)[0]}
    if gpus := faults.get("cuda_visible_devices"):
        environment["CUDA_VISIBLE_DEVICES"] = gpus
    with (spool / f"{id_}.OU").open("ab") as out:
        out.write((faults.get("noise") or "").encode())  # of the login shell
        out.flush()
        process = subprocess.Popen(
            ["/bin/sh"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=environment["HOME"],
            env=environment,
            umask=0o077,
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(f"{script}\n".encode())
    process.stdin.close()
    return process


LIMITS = {
    "walltime": (-29, "walltime {used} exceeded limit {limit}"),
    "mem": (-27, "mem 577916kb exceeded limit 460800kb"),
}
"""Exit status and words of a job that is killed for going over a limit."""


def _signal(folder: Path, jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    """Pass on signals, and end what is over a limit, deleted or to be run again."""
    for id_, job in jobs.items():
        names, job["_signals"] = job["_signals"], []
        if id_ not in running:
            if job.get("_deleted") and job["job_state"] in "QH" and not is_parent(id_):
                _delete_waiting(id_, job)
            continue
        limit = None if job.get("_over") else _limit_passed(id_, job, faults)
        if limit is not None:
            job["_over"] = limit
            with (folder / "spool" / f"{id_}.OU").open("a") as out:
                used = round(time.time() - job["_began"])
                out.write(f"=>> PBS: job killed: {LIMITS[limit][1].format(used=used, limit=job['_walltime'])}\n")
        if limit is not None or job.get("_again") == "asked":
            names.append("TERM")
        job["_again"] = job.get("_again") and "told"
        for name in names:
            _to_job(job, running[id_].pid, name)
            if name == "TERM" and (job.get("_deleted") or job.get("_over") or job["_again"]):
                job["_ending"] = job.get("_ending", time.time())
        if job.get("_deleted") and "terminated by" not in job["comment"]:
            job["comment"] += f" and terminated by {job['Job_Owner']}"
        if time.time() - job.get("_ending", time.time()) > (faults.get("kill_after") or KILL_DELAY):
            to_session(running[id_].pid, signal.SIGKILL)


def _limit_passed(id_: str, job: Job, faults: dict[str, Any]) -> str | None:
    """The limit that a job is over; a walltime is looked at only now and then."""
    late = faults.get("late") or 0.0
    over = job["_walltime"] is not None and time.time() - job["_began"] > job["_walltime"] + late
    return "walltime" if over else ("mem" if id_ in (faults.get("over_memory") or ()) else None)


def _to_job(job: Job, leader: int, name: str) -> None:
    """Send one of the signals that qsig knows; two are the server's own."""
    if name in ("suspend", "resume"):
        to_session(leader, signal.SIGSTOP if name == "suspend" else signal.SIGCONT)
        job |= {"job_state": "S", "substate": 43} if name == "suspend" else {"job_state": "R", "substate": 42}
    else:
        to_session(leader, getattr(signal, f"SIG{name}"))


def _delete_waiting(id_: str, job: Job) -> None:
    job |= {"job_state": "F", "mtime": stamp(), "history_timestamp": int(time.time())}
    if "[" in id_:
        job |= {"job_state": "X", "comment": "Subjob finished"}  # what else is shown of it is the array's
    else:
        job |= {"substate": 91, "comment": f"{job.get('comment', '')} and terminated"}


def _reap(folder: Path, jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    for id_, process in list(running.items()):
        code = process.poll()
        job = jobs[id_]
        if code is None or time.time() - job.get("_ending", 0.0) < KILL_DELAY:
            continue
        to_session(process.pid, signal.SIGKILL)
        del running[id_]
        if job.get("_again"):
            _queue_again(job)
            continue
        status = LIMITS[job["_over"]][0] if job.get("_over") else (256 - code if code < 0 else code)
        job |= {"job_state": "E", "substate": 50, "obittime": stamp(), "_ended": time.time()}
        if not faults.get("no_exit_status"):
            job["Exit_status"] = status
            if "[" in id_:  # that of the array is that of whichever subjob has ended last, while it still is B
                jobs[root_of(id_)]["Exit_status"] = 1 if status > 0 else (2 if status < 0 else 0)


def _queue_again(job: Job) -> None:
    """What ``qrerun`` makes of a job: the same id waits again, and what it has put out so far is kept."""
    job |= {"job_state": "Q", "substate": 10, "Exit_status": -11, "_again": None}
    for name in ("_ending", "exec_host", "session_id", "comment"):
        job.pop(name, None)


def _bring_out(folder: Path, jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    """Copy the output of jobs that have ended, which takes over a minute where scp has to fail first."""
    for id_, job in jobs.items():
        if job["job_state"] != "E" or time.time() - job["_ended"] < (faults.get("exiting") or 0.0):
            continue
        over, deleted = job.get("_over"), bool(job.get("_deleted"))
        good = job.get("Exit_status", 0) == 0
        job |= {"job_state": "X" if "[" in id_ else "F", "mtime": stamp(), "Stageout_status": 1}
        job |= {"substate": 91 if deleted else (92 if good else 93), "history_timestamp": int(time.time())}
        ended = f" and exceeded resource {over}" if over else (" and finished" if good else " and failed")
        job["comment"] += "" if deleted else ended
        out = Path(job["_out"])
        if str(job["_out"]).endswith("/"):
            out = out / f"{id_}.OU"
        with suppress(OSError):  # the folder may be gone
            shutil.copy(folder / "spool" / f"{id_}.OU", out)


def _close_arrays(jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    """End an array when all its subjobs have; only then do they show F.

    After ``qterm -t immediate`` and a start the server counts more subjobs that wait than there are, and never does.
    """
    if faults.get("listed") is False:
        return
    for id_, job in jobs.items():
        children = [other for other in jobs if is_parent(id_) and other != id_ and root_of(other) == id_]
        if job["job_state"] == "F" or not children or any(jobs[child]["job_state"] != "X" for child in children):
            continue
        for child in children:
            jobs[child]["job_state"] = "X" if faults.get("version") == "old" else "F"
        failed = bool(job.setdefault("Exit_status", 1))
        job |= {"job_state": "F", "substate": 93 if failed else 92, "mtime": stamp()}
        job["history_timestamp"] = int(time.time())
        for child in children:
            if jobs[child]["comment"] == "Subjob finished":
                shown = {name: job[name] for name in ("Exit_status", "substate")}
                jobs[child] |= {"Stageout_status": 1, **shown}
        job["comment"] = job.get("comment", "Job Array") + (" and failed" if failed else " and finished")


def _forget(jobs: dict[str, Job], faults: dict[str, Any]) -> None:
    if faults.get("history") is False:
        for id_ in [id_ for id_ in jobs if jobs[root_of(id_)]["job_state"] == "F"]:
            del jobs[id_]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
