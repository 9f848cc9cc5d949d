"""The formats of qstat: JSON with four spaces or with tabs, folded text, and the short table."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

WIDTH = 79


def as_json(jobs: Mapping[str, Mapping[str, Any]], server: str, *, tabs: bool = False) -> str:
    """What 23.06.06 prints; builds from after it indent with tabs."""
    indent, colon, end = ("\t", ":\t", "\n") if tabs else ("    ", ":", "")
    answer = {"timestamp": int(time.time()), "pbs_version": "23.06.06", "pbs_server": server}
    return _object({**answer, **({"Jobs": jobs} if jobs else {})}, 1, indent, colon) + end


def _object(values: Mapping[str, Any], depth: int, indent: str, colon: str) -> str:
    inner = [
        f'{indent * depth}"{key}"{colon}{_value(value, depth + 1, indent, colon)}' for key, value in values.items()
    ]
    return "{\n" + ",\n".join(inner) + "\n" + indent * (depth - 1) + "}"


def _value(value: Any, depth: int, indent: str, colon: str) -> str:
    if isinstance(value, Mapping):
        return _object(value, depth, indent, colon)
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return str(int(value))  # 005 comes back as 5
    return json.dumps(value)


def as_text(jobs: Mapping[str, Mapping[str, Any]]) -> str:
    return "".join(_text_of(id_, job) for id_, job in jobs.items())


def _text_of(id_: str, job: Mapping[str, Any]) -> str:
    lines = [f"Job Id: {id_}"]
    for key, value in job.items():
        if key == "Variable_List":
            value = ",".join(f"{name}={text}" for name, text in value.items())
        if isinstance(value, Mapping):
            lines += [f"    {key}.{name} = {text}" for name, text in value.items()]
        else:
            lines += _folded(f"    {key} = {value}")
    return "\n".join(lines) + "\n\n"


def _folded(line: str) -> list[str]:
    parts = [line[:WIDTH]]
    rest = line[WIDTH:]
    while rest:
        parts.append("\t" + rest[: WIDTH - 8])
        rest = rest[WIDTH - 8 :]
    return parts


def as_table(jobs: Mapping[str, Mapping[str, Any]]) -> str:
    if not jobs:
        return ""
    lines = [
        "Job id            Name             User              Time Use S Queue",
        "----------------  ---------------- ----------------  -------- - -----",
    ]
    for id_, job in jobs.items():
        used = job.get("resources_used", {}).get("cput", "0")
        user = str(job["Job_Owner"]).split("@")[0]
        name = job["Job_Name"] if len(job["Job_Name"]) < 16 else _cut(job["Job_Name"] + " ", 16)
        state, queue = job["job_state"], _cut(job["queue"], 16)
        lines.append(f"{_cut(id_, 17):<17} {name:<16} {_cut(user, 16):<16}  {used:>8} {state:>1} {queue:<16}")
    return "\n".join(lines) + "\n"


def _cut(word: str, most: int) -> str:
    """A word as a column of some letters shows it: a star stands for what does not fit (``qstat.c``)."""
    return word if len(word) <= most else f"{word[: most - 1]}*"


def defective(text: str, kind: str) -> str:
    """The JSON of versions that write it wrongly."""
    wrong = {
        "quotes": '"B":\t"say "x" \\ y",',
        "number": '"C":\t005,',
        "function": '"BASH_FUNC_ml()":\t"() {  eval $($LMOD_DIR/ml_cmd "$@")\n}",',
    }[kind]
    return text.replace('"PBS_O_HOME"', wrong + '\n"PBS_O_HOME"')
