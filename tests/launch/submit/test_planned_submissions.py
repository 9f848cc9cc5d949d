"""Submissions as they would be sent: every pack, in arrays that the site takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions


def cluster(**fields):
    usual = {
        "description": "a cluster",
        "scheduler": "slurm",
        "folder": "runs",
        "bands": (WalltimeTier(1.0), WalltimeTier(24.0)),
    }
    return Cluster("somewhere", Profile(**usual | {"gpus": 0, "memory_gib": 8.0, "job_minutes": 1} | fields))


def packs_of(submissions):
    return sorted(pack for one in submissions for task in one.tasks for pack in task)


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=60), st.integers(1, 9), st.integers(1, 3))
def test_every_link_has_every_pack_once_in_arrays_no_longer_than_allowed(seconds, longest, links):
    costs = {f"pack{position}": second for position, second in enumerate(seconds)}
    found = plan_submissions(SubmissionRequest(cluster(max_array=longest), costs, {}, links), "code", "xor-0a1b2c-1")
    for link in range(links):
        assert packs_of([one for one in found if one.link == link]) == sorted(costs)
    assert all(len(one.tasks) <= longest for one in found)
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert all(one.costs.keys() == {pack for task in one.tasks for pack in task} for one in found)


def test_each_link_waits_for_the_one_before_and_is_sent_after_it():
    found = plan_submissions(
        SubmissionRequest(cluster(max_array=2), {f"p{i}": 60.0 for i in range(4)}, {}, 3), "code", "xor-0a1b2c-5"
    )
    assert [one.name for one in found] == [f"xor-0a1b2c-{number}" for number in range(5, 11)]
    assert [one.link for one in found] == [0, 1, 2, 0, 1, 2]
    assert [one.after for one in found] == [None, found[0].name, found[1].name, None, found[3].name, found[4].name]
    assert [one.tasks for one in found[:3]] == [found[0].tasks] * 3


def test_job_queues_itself_again_only_where_nothing_is_chained_to_it():
    costs = {"p1": 60.0}
    for links, requeues in ((1, True), (2, False)):
        for one in plan_submissions(SubmissionRequest(cluster(requeue=True), costs, {}, links), "code", "xor-0a1b2c-1"):
            assert one.requeue is requeues
    assert not plan_submissions(SubmissionRequest(cluster(), costs, {}, 1), "code", "xor-0a1b2c-1")[0].requeue


def test_packs_that_need_more_memory_go_into_an_array_of_their_own():
    costs = {"small": 60.0, "large": 60.0}
    small, large = plan_submissions(SubmissionRequest(cluster(), costs, {"large": 32.0}), "code", "xor-0a1b2c-1")
    assert (small.tasks, small.memory_gib) == ((("small",),), 8.0)
    assert (large.tasks, large.memory_gib) == ((("large",),), 32.0)


def test_packs_that_need_more_time_go_into_an_array_of_their_own():
    costs = {"short": 60.0, "long": 60.0}
    short, long = plan_submissions(
        SubmissionRequest(cluster(), costs, {}, minutes={"long": 50}), "code", "xor-0a1b2c-1"
    )
    assert (short.tasks, short.minutes) == ((("short",),), 10)
    assert (long.tasks, long.minutes) == ((("long",),), 50)


def test_all_links_of_all_arrays_count_as_jobs_of_the_user():
    costs = {f"p{i}": 600.0 for i in range(40)} | {"large": 600.0}
    found = plan_submissions(
        SubmissionRequest(cluster(max_jobs=20), costs, {"large": 32.0}, links=2, load=4), "code", "xor-0a1b2c-1"
    )
    assert sum(len(one.tasks) for one in found) <= 20 - 4


@pytest.mark.parametrize("scheduler", ["local", "debug"])
def test_machine_without_a_scheduler_gets_single_jobs_no_more_at_a_time_than_asked_for(scheduler):
    costs = {f"p{i}": 60.0 for i in range(10)}
    alone = cluster(scheduler=scheduler, bands=())
    assert [
        len(one.tasks) for one in plan_submissions(SubmissionRequest(alone, costs, {}), "code", "xor-0a1b2c-1")
    ] == [1]
    three = cluster(scheduler=scheduler, bands=(), max_running=3)
    assert [
        len(one.tasks) for one in plan_submissions(SubmissionRequest(three, costs, {}), "code", "xor-0a1b2c-1")
    ] == [1, 1, 1]
