"""Out of memory: first smaller packs, then more memory. Out of time: a longer job."""

from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import Node, WalltimeTier
from pipeline.launch.state.history import Incident
from pipeline.launch.submit.retry_policy import apply_out_of_memory_policy, longer_walltimes
from pipeline.records.packs import times_halved


def profile(**fields):
    given = {"description": "a cluster", "scheduler": "slurm", "folder": "runs", "bands": (WalltimeTier(1.0),)}
    return Profile(**given | {"gpus": 0, "memory_gib": 8.0} | fields)


def out_of_memory(pack, memory_gib=8.0, kind="out of memory"):
    return Incident(kind, "no memory", 0.0, "xor-0a1b2c-1", 0, "12", pack, memory_gib, Path())


def test_pack_that_did_not_run_out_of_memory_stays_as_it_is(tmp_path):
    packs = {"p1": ("a", "b"), "p2": ("c",)}
    found = [out_of_memory("p1", kind="exception"), out_of_memory("p1", kind="node failure"), out_of_memory("p3")]
    assert apply_out_of_memory_policy(tmp_path, packs, packs, found, profile()) == ({}, {})


def test_pack_is_halved_twice_and_then_gets_more_memory(tmp_path):
    packs = {"p1": tuple("abcdefgh")}
    halved, memory = apply_out_of_memory_policy(tmp_path, packs, ["p1"], [out_of_memory("p1")], profile())
    assert memory == {}
    half = halved["p1"][0]
    packs[half] = tuple("abcd")
    halved, memory = apply_out_of_memory_policy(
        tmp_path, packs, [half], [out_of_memory("p1"), out_of_memory(half)], profile()
    )
    quarter = halved[half][1]
    packs[quarter] = tuple("cd")
    assert times_halved(tmp_path)[quarter] == 2
    assert apply_out_of_memory_policy(tmp_path, packs, [quarter], [out_of_memory(quarter)], profile()) == (
        {},
        {quarter: 16.0},
    )
    again = [out_of_memory(quarter), out_of_memory(quarter, 16.0)]
    assert apply_out_of_memory_policy(tmp_path, packs, [quarter], again, profile(node=Node(0, 8, 64.0))) == (
        {},
        {quarter: 32.0},
    )


def test_pack_of_two_trials_is_halved_into_one_and_one(tmp_path):
    halved, memory = apply_out_of_memory_policy(tmp_path, {"p1": ("a", "b")}, ["p1"], [out_of_memory("p1")], profile())
    assert (halved.keys(), memory) == ({"p1"}, {})
    assert len(halved["p1"]) == 2


def test_pack_of_one_trial_gets_more_memory_up_to_what_a_node_has(tmp_path):
    packs = {"p1": ("a",)}
    node = Node(gpus=0, cpus=8, memory_gib=12.0)
    assert apply_out_of_memory_policy(tmp_path, packs, ["p1"], [out_of_memory("p1")], profile(node=node)) == (
        {},
        {"p1": 12.0},
    )
    with pytest.raises(PipelineError, match=r"pack p1 ran out of memory with 12 GiB, all that a node has"):
        apply_out_of_memory_policy(tmp_path, packs, ["p1"], [out_of_memory("p1", 12.0)], profile(node=node))


def test_memory_that_the_profile_does_not_name_cannot_be_doubled(tmp_path):
    with pytest.raises(PipelineError, match=r"does not say how much a job gets\n  hint: --set cluster\.memory_gib"):
        apply_out_of_memory_policy(
            tmp_path, {"p1": ("a",)}, ["p1"], [out_of_memory("p1", None)], profile(memory_gib=None)
        )


def test_pack_of_a_job_that_died_before_it_began_one_gets_more_memory_at_once(tmp_path):
    packs = {"p1": ("a", "b"), "p2": ("c", "d")}
    before = Incident("out of memory", "mem", 0.0, "xor-0a1b2c-1", 0, "12", "", 8.0, Path(), 30, ("p1", "p2"))
    assert apply_out_of_memory_policy(tmp_path, packs, ["p1"], [before], profile()) == ({}, {"p1": 16.0})
    assert apply_out_of_memory_policy(tmp_path, packs, packs, [before], profile()) == ({}, {"p1": 16.0, "p2": 16.0})


def out_of_time(pack, minutes, waiting=()):
    return Incident("time limit", "walltime", 0.0, "xor-0a1b2c-1", 0, "12", pack, 8.0, Path(), minutes, waiting)


def test_pack_whose_job_was_killed_at_its_walltime_gets_twice_the_time_up_to_the_longest():
    found = [out_of_time("p1", 10), out_of_time("p1", 20), out_of_time("", 50, ("p2",)), out_of_memory("p3")]
    assert longer_walltimes(["p1", "p2", "p3"], found, profile()) == {"p1": 40, "p2": 60}
    assert longer_walltimes(["p3"], found, profile()) == {}


def test_walltime_that_was_asked_for_by_name_stays():
    assert longer_walltimes(["p1"], [out_of_time("p1", 10)], profile(walltime_minutes=10)) == {}
