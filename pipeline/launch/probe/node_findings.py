"""Comparison of a profile with the inventory of a node."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.launch.clusters.profile import Profile
from pipeline.launch.probe.findings import AGREES, INFORMATION, NEAR, Finding


def node_findings_of(profile: Profile, answers: Mapping[str, Any]) -> list[Finding]:
    """Compare a profile with what a job has seen from its node.

    Args:
        profile: The profile.
        answers: What the job has written.

    Returns:
        The findings, line by line.
    """
    commands = answers["commands"]
    found = [
        Finding("host", "", f"{answers['host']}, {answers['free_gib']:g} GiB free in the folder", "jobs write there"),
        _python(answers["python"]),
        _seen_gpus(profile, answers),
        _at_least("cpus", profile.cpus or 1, answers["cpus"]),
        _at_least("memory_gib", profile.memory_gib_of_job or 0.0, answers["memory_gib"]),
        *_internet(profile, answers["internet"]),
        *_proxies(profile, answers["proxies"]),
        Finding("commands", "", ", ".join(commands) or "none", INFORMATION),
        Finding("scratch", "", ", ".join(f"{k} ({v:g} GiB)" for k, v in answers["scratch"].items()), INFORMATION),
    ]
    if profile.requeue and profile.scheduler == "slurm" and "scontrol" not in commands:
        verdict = "a job cannot requeue itself: set requeue: false; submit --chain goes on instead"
        found.append(Finding("requeue", "true", "no scontrol on the node", verdict))
    return found


def _python(theirs: str) -> Finding:
    mine = platform.python_version()
    same = mine.split(".")[:2] == theirs.split(".")[:2]
    return Finding("python", mine, theirs, AGREES if same else "another Python than here: set python")


def _seen_gpus(profile: Profile, answers: Mapping[str, Any]) -> Finding:
    visible, shown = answers["visible_gpus"], answers["gpus"]
    number = len([part for part in visible.split(",") if part]) if visible is not None else len(shown)
    names = ", ".join(dict.fromkeys(shown))
    said = f"{number}: {names}" if names else str(number)
    if number >= profile.gpus and (shown or not profile.gpus):
        return Finding("gpus", str(profile.gpus), said, AGREES if number == profile.gpus else "the job sees more")
    if number >= profile.gpus:
        return Finding("gpus", str(profile.gpus), said, "set apart for the job, but no driver shows them")
    return Finding("gpus", str(profile.gpus), said, "fewer than asked for: check gpu_type and queue")


def _at_least(name: str, asked: float, theirs: float) -> Finding:
    verdict = AGREES if theirs >= asked * (1 - NEAR) else f"the job has less than it asked for: {theirs:g}"
    return Finding(name, f"{asked:g}", f"{theirs:g}", verdict)


def _internet(profile: Profile, reached: Mapping[str, str]) -> Iterator[Finding]:
    for host, how in reached.items():
        verdict = INFORMATION
        if "wandb" in host:
            online, can = profile.wandb == "online", how == "yes"
            verdict = AGREES if online == can else ("set wandb: offline" if online else "could be online: set wandb")
        yield Finding(f"reaches {host}", profile.wandb if "wandb" in host else "", how, verdict)


def _proxies(profile: Profile, names: list[str]) -> Iterator[Finding]:
    kept = [name for name in profile.keep_env if name.lower().endswith("_proxy")]
    missing = [name for name in names if name not in kept]
    if names or kept:
        verdict = f"add to keep_env: {', '.join(missing)}" if missing else AGREES
        if kept and not names:
            verdict = "the site sets none of them"
        yield Finding("keep_env", ", ".join(kept), ", ".join(names), verdict)
