"""Comparison of a profile with the limits that a scheduler reports."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.probe.findings import AGREES, INFORMATION, NEAR, NOT_REPORTED, WITHIN, Finding
from pipeline.launch.probe.live_cluster import LiveCluster, LiveQueue


def cluster_findings_of(profile: Profile, live: LiveCluster) -> list[Finding]:
    """Compare a profile with what the scheduler reports.

    Args:
        profile: The profile.
        live: What is reported.

    Returns:
        The findings, line by line.
    """
    known = Finding("scheduler", profile.scheduler, live.scheduler, AGREES)
    if not profile.on_cluster:
        return [known, *(Finding(name, "", said, means) for name, said, means in live.remarks)]
    found = [known, *_tiers(profile, live), *_other_queues(profile, live), *_gpu_type(profile, live)]
    found += _node(profile, live)
    found.append(_limit("max_array", profile.max_array, live.max_array))
    found.append(_limit("max_jobs", profile.max_jobs, live.max_jobs))
    for name, known_names in (("account", live.accounts), ("qos", live.qos)):
        found += _named(name, getattr(profile, name), known_names)
    found += _history(profile, live)
    if profile.requeue and live.requeue is False:
        found.append(Finding("requeue", "true", "off", "set requeue: false; submit --chain goes on instead"))
    return [*found, *(Finding(name, "", said, means) for name, said, means in live.remarks)]


def _tiers(profile: Profile, live: LiveCluster) -> Iterator[Finding]:
    for tier in profile.bands:
        asked = tier.queue or profile.queue
        queue = live.queue(asked)
        name = f"band of {_tier_name(tier, asked)}"
        written = f"{tier.hours:g} h" + (f", {tier.running} running" if tier.running else "")
        if queue is None:
            there = ", ".join(queue.name for queue in live.queues)
            what = "there is no such queue" if asked else "there is no default queue: set queue"
            rest = f"; there are {there} (a queue may be another server's)" if there else ""
            yield Finding(name, written, "", what + rest)
            continue
        yield Finding(name, written, *_granted(tier, live, queue))


def _tier_name(tier: WalltimeTier, queue: str | None) -> str:
    least, most = tier.gpus
    gpus = f"{least} GPUs" if least == most else f"{least} to {most} GPUs"
    return f"{queue or 'the default queue'}, {gpus}"


def _granted(tier: WalltimeTier, live: LiveCluster, queue: LiveQueue) -> tuple[str, str]:
    """The walltime that a queue allows jobs of a tier, and the verdict."""
    taking = [there for there in live.behind(queue) if there.takes(tier.gpus[0])]
    granted = max(taking, key=lambda there: there.hours or 0.0, default=None)
    if granted is None:
        return queue.name, f"it takes no jobs of {tier.gpus[0]} GPUs"
    hours = queue.hours if granted.hours is None else granted.hours
    running = "" if granted.running is None else f", {granted.running} running"
    said = ("no limit" if hours == math.inf else "not told" if hours is None else f"{hours:g} h") + running
    if queue.closed:
        return said, f"it takes no jobs now: {queue.closed}"
    if hours is None:
        return said, NOT_REPORTED
    if tier.hours > hours * 1.01:
        return said, f"too long: set hours: {hours:g}"
    if granted.running is not None and (tier.running or math.inf) > granted.running:
        return said, f"set running: {granted.running}"
    return said, AGREES if math.isclose(tier.hours, hours, rel_tol=0.01) else WITHIN


def _other_queues(profile: Profile, live: LiveCluster) -> Iterator[Finding]:
    known = {tier.queue for tier in profile.bands}
    if known == {None}:
        known.add(next((queue.name for queue in live.queues if queue.default), None))
    others = [queue.name for queue in live.queues if queue.name not in known and not queue.closed and not queue.hidden]
    behind = {name for queue in live.queues for name in queue.leads_to}
    others = [name for name in others if name not in behind]
    if others:
        yield Finding("other queues", "", ", ".join(others), INFORMATION)


def _gpu_type(profile: Profile, live: LiveCluster) -> Iterator[Finding]:
    asked = {tier.queue or profile.queue for tier in profile.bands}
    queues = [queue for queue in live.queues if queue.name in asked or (queue.default and None in asked)]
    types: dict[str, int] = {}
    for queue in queues:
        types |= {name: max(number, types.get(name, 0)) for name, number in queue.gpu_types.items()}
    reported = ", ".join(f"{name} ({number} a node)" for name, number in types.items() if name)
    if not reported:
        return
    if profile.gpu_type is None:
        yield Finding("gpu_type", "any", reported, INFORMATION)
    elif profile.gpu_type not in types:
        yield Finding("gpu_type", profile.gpu_type, reported, f"there is no {profile.gpu_type}: set gpu_type")
    else:
        of_node = types[profile.gpu_type]
        yield Finding("gpu_type", profile.gpu_type, reported, AGREES)
        yield _limit("per_node" if profile.gpu_types else "node.gpus", profile.gpus_of_node, of_node)
    for gpu in profile.gpu_types:
        if gpu.name != profile.gpu_type and types.get(gpu.name) != gpu.per_node:
            there = types.get(gpu.name)
            verdict = "there is none: take it out" if there is None else f"set per_node: {there}"
            yield Finding(f"gpu_types {gpu.name}", str(gpu.per_node), _text(there), verdict)


def _node(profile: Profile, live: LiveCluster) -> Iterator[Finding]:
    if not live.nodes:
        return
    largest = max(live.nodes, key=lambda node: (node.gpus, node.cpus, node.memory_gib))
    kinds = "; ".join(f"{node.gpus} GPUs, {node.cpus} CPUs, {node.memory_gib:.0f} GiB" for node in live.nodes[:6])
    if profile.node is None:
        yield Finding("node", "", kinds, INFORMATION)
        return
    mine = profile.node
    written = f"{mine.gpus} GPUs, {mine.cpus} CPUs, {mine.memory_gib:.0f} GiB"
    if not any(mine.gpus <= node.gpus and mine.cpus <= node.cpus for node in live.nodes):
        yield Finding(
            "node", written, kinds, f"no node has as much: set node.gpus: {largest.gpus}, {largest.cpus} CPUs"
        )
    elif not any(mine.memory_gib <= node.memory_gib * (1 + NEAR) for node in live.nodes):
        yield Finding("node", written, kinds, f"no node has as much: set node.memory_gib: {largest.memory_gib:.0f}")
    else:
        same = any((mine.gpus, mine.cpus) == (node.gpus, node.cpus) for node in live.nodes)
        yield Finding("node", written, kinds, AGREES if same else WITHIN)


def _limit(name: str, mine: int | None, theirs: int | None) -> Finding:
    """A number of the profile against the most that is granted."""
    if theirs is None:
        verdict = NOT_REPORTED
    elif mine is None or mine > theirs:
        verdict = f"set {name}: {theirs}"
    else:
        verdict = AGREES if mine == theirs else WITHIN
    return Finding(name, _text(mine), _text(theirs), verdict)


def _named(name: str, mine: str | None, known: tuple[str, ...] | None) -> Iterator[Finding]:
    """A name of the profile against those that this user may give."""
    if known is None:
        return
    reported = ", ".join(known)
    if not known and name == "account":
        yield Finding(name, _text(mine), "", "you have none: ask the site for one")
    elif mine is None:
        yield Finding(name, "the default", reported, INFORMATION)
    else:
        yield Finding(name, mine, reported, AGREES if mine in known else f"not yours: set {name} to one of these")


def _history(profile: Profile, live: LiveCluster) -> Iterator[Finding]:
    if live.history_hours is None:
        return
    reported = live.history_hours
    mine = "" if profile.history_hours is None else f"{profile.history_hours:g} h"
    near = profile.history_hours is not None and math.isclose(profile.history_hours, reported, rel_tol=NEAR)
    verdict = AGREES if near else f"set history_hours: {reported:.3g}"
    if not reported:
        verdict = "jobs are forgotten as they end; how they ended is in their own files"
    yield Finding("history_hours", mine, f"{reported:.3g} h", verdict)


def _text(value: object) -> str:
    return "" if value is None else str(value)
