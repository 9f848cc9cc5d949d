"""qsub, qstat, qselect, qdel and qsig of the stand-in, as an ordinary user sees them."""

from __future__ import annotations

import getopt
import os
import pwd
import re
import sys
import time
from pathlib import Path
from typing import Any

from pbs_printing import as_json, as_table, as_text, defective
from pbs_state import SERVER, Job, here, host, is_parent, opened, root_of, stamp, switches

USAGE = """usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version"""


def fail(words: str, status: int) -> None:
    print(words, file=sys.stderr)
    sys.exit(status)


def qsub(folder: Path, args: list[str]) -> None:
    faults = switches(folder)
    options, rest = getopt.getopt(args, "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:W:v:Vz")
    given = dict(options)
    resources: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for name, value in options:
        target = {"-l": resources, "-W": attributes}.get(name)
        if target is not None:
            target.update(part.split("=", 1) for part in re.split(r",(?=\w+=)", value))
    _check(given, resources, faults)
    first, last, most = _range(given, faults)
    script = Path(rest[0]).read_text()
    user = pwd.getpwuid(os.getuid()).pw_name
    with opened(folder) as state:
        number, state["next"] = state["next"], state["next"] + 1
        brackets = "[]" if "-J" in given else ""
        id_ = f"{number}{brackets}.{SERVER}"
        name = given.get("-N", Path(rest[0]).name)
        job = {
            "Job_Name": name,
            "Job_Owner": f"{user}@{host()}",
            "job_state": "H" if "-h" in given or "depend" in attributes else "Q",
            "queue": given.get("-q", "workq"),
            "server": SERVER,
            "Checkpoint": "u",
            "ctime": stamp(),
            "Error_Path": f"{host()}:{given.get('-e', f'{Path.cwd()}/{name}.e{number}')}",
            "Hold_Types": "s" if "depend" in attributes else ("u" if "-h" in given else "n"),
            "Join_Path": given.get("-j", "n"),
            "Keep_Files": "n",
            "Mail_Points": given.get("-m", "a"),
            "mtime": stamp(),
            "Output_Path": f"{host()}:{given.get('-o', f'{Path.cwd()}/{name}.o{number}')}",
            "Priority": 0,
            "qtime": stamp(),
            "Rerunable": "True",
            "Resource_List": {"ncpus": 1, "nodect": 1, "place": "free", **resources},
            "substate": 22 if "depend" in attributes else 10,
            "Variable_List": _variables(given),
            "Submit_arguments": " ".join(args),
            "project": given.get("-P", "_pbs_project_default"),
            "Submit_Host": host(),
            "_script": script,
            "_environment": {name: value for name, _, value in (v.partition("=") for v in _listed(given))},
            "_walltime": _seconds(resources.get("walltime", "")),
            "_after": attributes.get("depend", "").removeprefix("afterany:"),
            "_out": given.get("-o", f"{Path.cwd()}/{name}.o{number}"),
            "_signals": [],
        }
        if "depend" in attributes:
            job["depend"] = f"{attributes['depend']}@{SERVER}"
        state["jobs"][id_] = job
        if brackets:
            job |= {"array": "True", "array_indices_submitted": f"{first}-{last}"}
            job |= {"max_run_subjobs": most} if most else {}
            for index in range(first, last + 1):
                child = {key: value for key, value in job.items() if not key.startswith(("array", "max_run"))}
                state["jobs"][f"{number}[{index}].{SERVER}"] = child | {"_signals": []}
        if any(after not in state["jobs"] for after in _dependencies(job)):
            _reject(state["jobs"], id_)
    print(id_)


def _dependencies(job: Job) -> list[str]:
    return [id_ if "." in id_ else f"{id_}.{SERVER}" for id_ in job["_after"].split(":") if id_]


def _reject(jobs: dict[str, Job], id_: str) -> None:
    """What a server does with a job that waits for one it does not know; qsub has its id and status 0 all the same."""
    for other in [other for other in jobs if root_of(other) == id_]:
        jobs[other] |= {"job_state": "F", "substate": 92, "comment": "Dependency request for job rejected"}


def _check(given: dict[str, str], resources: dict[str, str], faults: dict[str, Any]) -> None:
    if re.search(r"^[^A-Za-z]|\s", given.get("-N", "x")):
        fail(f"qsub: illegal -N value\n{USAGE}", 2)
    if "-J" in given and given.get("-r") == "n":
        fail(f"qsub:  cannot submit non-rerunable Array Job\n{USAGE}", 2)
    if given.get("-q", "workq") != "workq":
        fail("qsub: Unknown queue", 170)
    for chunk in resources.get("select", "1").split("+"):
        for part in chunk.split(":")[1:]:
            if (name := part.split("=")[0]) not in ("ncpus", "ngpus", "mem", "mpiprocs"):
                fail(f"qsub: Unknown resource: {name}", 187)
    if faults.get("qsub") == "refused":
        fail(f"qsub: cannot connect to server {SERVER} (errno=15010)", 162)


def _range(given: dict[str, str], faults: dict[str, Any]) -> tuple[int, int, int | None]:
    if "-J" not in given:
        return 0, 0, None
    match = re.fullmatch(r"(\d+)-(\d+)(?:%(\d+))?", given["-J"])
    if match is None or int(match[1]) >= int(match[2]) or (match[3] and faults.get("version") == "old"):
        fail(f"qsub: illegal -J value\n{USAGE}", 2)
    assert match is not None
    if int(match[2]) >= faults.get("max_array_size", 10000):
        fail("qsub: Array job exceeds server or queue size limit", 3)
    return int(match[1]), int(match[2]), int(match[3]) if match[3] else None


def _listed(given: dict[str, str]) -> list[str]:
    return [part for part in given.get("-v", "").split(",") if part]


def _variables(given: dict[str, str]) -> dict[str, str]:
    names = {"HOME": "/", "LANG": "C.UTF-8", "LOGNAME": "user", "PATH": "/bin", "SHELL": "/bin/sh"}
    variables = {f"PBS_O_{name}": os.environ.get(name, default) for name, default in names.items()}
    given_ones = {name: value.strip('"') for name, _, value in (v.partition("=") for v in _listed(given))}
    return variables | {
        "PBS_O_WORKDIR": str(Path.cwd()),
        "PBS_O_SYSTEM": "Linux",
        **given_ones,
        "PBS_O_QUEUE": "workq",
        "PBS_O_HOST": host(),
    }


def _seconds(text: str) -> int | None:
    seconds = 0
    for part in text.split(":") if text else ():
        seconds = 60 * seconds + int(part)
    return seconds if text else None


def qstat(folder: Path, args: list[str]) -> None:
    if args == ["--version"]:
        print("pbs_version = 23.06.06")
        return
    faults = switches(folder)
    fault = faults.get("qstat")
    if fault == "slow":
        time.sleep(2)
    if fault == "refused":
        fail(f"Connection refused\nqstat: cannot connect to server {SERVER} (errno=15010)", 162)
    if fault == "empty":
        return
    options, ids = getopt.getopt(args, "xtfF:BQ")
    given = dict(options)
    with opened(folder) as state:
        jobs = {id_: dict(job) for id_, job in state["jobs"].items()}
    if "-B" in given:
        print(f"Server: {SERVER}\n    server_state = Active\n    total_jobs = {len(jobs)}\n")
        return
    tabs = faults.get("json") == "tabs"
    if "-x" in given and faults.get("history") is False:
        words = [f"qstat: PBS is not configured to maintain job history {id_}" for id_ in ids or [""]]
        sys.stdout.write(as_json({}, SERVER, tabs=tabs) if given.get("-F") == "json" else "")
        fail("\n".join(words), 0)
    shown, errors, status = _chosen(jobs, ids, given, listed=faults.get("listed") is not False)
    shown = {id_: {key: value for key, value in job.items() if not key.startswith("_")} for id_, job in shown.items()}
    if "-f" not in given:
        sys.stdout.write(as_table(shown))
    elif given.get("-F") == "json":
        if fault == "first" and len(ids) > 1:
            shown = dict(list(shown.items())[:1])
        text = as_json(shown, SERVER, tabs=tabs)
        sys.stdout.write(defective(text, fault) if fault in ("quotes", "number", "function") else text)
    else:
        sys.stdout.write(as_text(shown))
    for words in errors:
        print(words, file=sys.stderr)
    sys.exit(status)


def qselect(folder: Path, args: list[str]) -> None:
    faults = switches(folder)
    given = dict(getopt.getopt(args, "xN:u:")[0])
    if faults.get("qstat") == "refused":
        fail(f"Connection refused\nqselect: cannot connect to server {SERVER} (errno=15010)", 162)
    if faults.get("qstat") == "empty":
        return
    if "-x" in given and faults.get("history") is False:
        fail("qselect: PBS is not configured to maintain job history", 0)
    with opened(folder) as state:
        jobs = dict(state["jobs"])
    for id_, job in jobs.items():
        over = job["job_state"] == "F" and "-x" not in given
        named = job["Job_Name"] == given.get("-N", job["Job_Name"])
        owned = job["Job_Owner"].split("@")[0] == given.get("-u", job["Job_Owner"].split("@")[0])
        if named and owned and not over and ("[" not in id_ or is_parent(id_)):
            print(id_)


def _chosen(
    jobs: dict[str, Job], ids: list[str], given: dict[str, str], *, listed: bool
) -> tuple[dict[str, Job], list[str], int]:
    """The jobs to show, and what is wrong with the others; without ``listed``, ``-t`` only shows subjobs that wait."""
    shown: dict[str, Job] = {}
    errors, status = [], 0
    for id_ in [id_ if "." in id_ else f"{id_}.{SERVER}" for id_ in ids]:
        if id_ not in jobs:
            errors, status = [*errors, f"qstat: Unknown Job Id {id_}"], 153
        elif jobs[id_]["job_state"] in "FX" and jobs[root_of(id_)]["job_state"] == "F" and "-x" not in given:
            words = f"qstat: {id_} Job has finished, use -x or -H to obtain historical job information"
            errors, status = [*errors, words], 35
        else:
            shown[id_] = jobs[id_]
            if is_parent(id_) and "-t" in given and listed:
                shown |= {other: job for other, job in jobs.items() if root_of(other) == id_ and other != id_}
            elif is_parent(id_) and "-t" in given:
                queued = [other for other, job in jobs.items() if root_of(other) == id_ and job["job_state"] == "Q"]
                shown |= {other: jobs[other] for other in queued}
    if not ids:
        shown = {
            id_: job
            for id_, job in jobs.items()
            if ("-x" in given or jobs[root_of(id_)]["job_state"] != "F")
            and (("-t" in given and (listed or job["job_state"] == "Q")) or "[" not in id_ or is_parent(id_))
        }
    return shown, errors, status


def qdel(folder: Path, args: list[str]) -> None:
    options, ids = getopt.getopt(args, "W:")
    if ("-W", "force") in options:
        with opened(folder) as state:
            for other in [other for other in state["jobs"] if root_of(other) in ids]:
                state["jobs"][other] |= {"job_state": "F", "substate": 91}
    else:
        _each(folder, "qdel", ids, "TERM", deleted=True)


def qsig(folder: Path, args: list[str]) -> None:
    options, ids = getopt.getopt(args, "s:")
    _each(folder, "qsig", ids, dict(options).get("-s", "TERM").removeprefix("SIG"))


def _each(folder: Path, command: str, ids: list[str], signal: str, *, deleted: bool = False) -> None:
    status = 0
    with opened(folder) as state:
        for id_ in [id_ if "." in id_ else f"{id_}.{SERVER}" for id_ in ids]:
            job = state["jobs"].get(id_)
            if job is None:
                print(f"{command}: Unknown Job Id {id_}", file=sys.stderr)
                status = 153
                continue
            if job["job_state"] in "FX":
                over = state["jobs"][root_of(id_)]["job_state"] == "F"
                words, status = ("Job has finished", 35) if over else ("Request invalid for finished array subjob", 55)
                print(f"{command}: {words} {id_}", file=sys.stderr)
                continue
            concerned = [id_] + [other for other in state["jobs"] if is_parent(id_) and root_of(other) == id_]
            for other in dict.fromkeys(concerned):
                if state["jobs"][other]["job_state"] not in "FX":
                    state["jobs"][other]["_signals"].append(signal)
                    state["jobs"][other]["_deleted"] = deleted or state["jobs"][other].get("_deleted", False)
    sys.exit(status)


if __name__ == "__main__":
    name = sys.argv[1]
    {"qsub": qsub, "qstat": qstat, "qselect": qselect, "qdel": qdel, "qsig": qsig}[name](
        here(sys.argv[0]), sys.argv[2:]
    )
