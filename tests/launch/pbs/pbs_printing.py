"""The formats of qstat: JSON with tabs, folded text, and the short table."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

WIDTH = 79


def as_json(jobs: Mapping[str, Mapping[str, Any]], server: str) -> str:
    lines = ["{", f'\t"timestamp":\t{int(time.time())},', '\t"pbs_version":\t"23.06.06",']
    lines.append(f'\t"pbs_server":\t"{server}"' + ("," if jobs else ""))
    if jobs:
        lines.append('\t"Jobs":\t' + _object(jobs, 2))
    return "\n".join([*lines, "}"]) + "\n"


def _object(values: Mapping[str, Any], depth: int) -> str:
    inner = [f'{chr(9) * depth}"{key}":\t{_value(value, depth + 1)}' for key, value in values.items()]
    return "{\n" + ",\n".join(inner) + "\n" + "\t" * (depth - 1) + "}"


def _value(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        return _object(value, depth)
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
        name, state, queue = job["Job_Name"][:15], job["job_state"], job["queue"]
        lines.append(f"{id_:<20} {name:<15}  {user[:15]:<15} {used:>9} {state} {queue:<16}")
    return "\n".join(lines) + "\n"


def defective(text: str, kind: str) -> str:
    """The JSON of versions that write it wrongly."""
    wrong = {
        "quotes": '"B":\t"say "x" \\ y",',
        "number": '"C":\t005,',
        "function": '"BASH_FUNC_ml()":\t"() {  eval $($LMOD_DIR/ml_cmd "$@")\n}",',
    }[kind]
    return text.replace('"PBS_O_HOME"', wrong + '\n\t\t\t\t"PBS_O_HOME"')
