"""What is left of a run is what is neither finished nor in flight nor kept back."""

from __future__ import annotations

import dataclasses

from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.launch.submit.submission_plan import PackStates

CLUSTER = Cluster("somewhere", Profile("A cluster.", "slurm", "runs", gpus=0, bands=(WalltimeTier(1.0),)))


def states(**changes: object) -> PackStates:
    (sent,) = plan_submissions(SubmissionRequest(CLUSTER, {"p1": 60.0, "p2": 30.0}, {}), "code", "xor-0a1b2c-1")
    sent = dataclasses.replace(sent, job="12")
    fields = {"finished": {"p1"}, "in_flight": {"p2"}, "quarantined": {"p3"}, "submissions": [sent], "held": {"12"}}
    return PackStates(**fields | changes)  # type: ignore[arg-type]


def test_packs_are_left_that_nothing_else_looks_after() -> None:
    assert states().left(["p1", "p2", "p3", "p4"]) == ["p4"]


def test_packs_are_expected_to_take_what_they_were_on_the_same_cluster() -> None:
    halves = {"h1": "p1", "h2": "p1", "h3": "p3"}
    assert states().expected_seconds(CLUSTER, halves) == {"p1": 60.0, "p2": 30.0, "h1": 30.0, "h2": 30.0}
    assert states().expected_seconds(CLUSTER, {}) == {"p1": 60.0, "p2": 30.0}
    assert states().expected_seconds(dataclasses.replace(CLUSTER, name="elsewhere"), {}) == {}


def test_a_chain_in_flight_lacks_links_on_its_own_cluster_only() -> None:
    (lacking,) = states().missing_links(["p1", "p2"], CLUSTER, 3)
    assert (lacking.links, lacking.tasks) == (range(1, 3), (("p2",),))
    assert states().missing_links(["p1", "p2"], dataclasses.replace(CLUSTER, name="elsewhere"), 3) == []
    assert states(held=set()).missing_links(["p1", "p2"], CLUSTER, 3) == []
