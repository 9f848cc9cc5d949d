"""Packs over jobs: all of them, once, and about as even as it goes."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FieldError, PipelineError
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.submit.assignment import MARGIN_SHARE, lay_out, margin_seconds, number_of_jobs, walltime


def profile(**fields):
    given = {
        "description": "a cluster",
        "scheduler": "slurm",
        "folder": "runs",
        "bands": (WalltimeTier(1.0), WalltimeTier(24.0)),
    }
    return Profile(**given | {"gpus": 0} | fields)


costs_of_packs = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=40).map(
    lambda seconds: {f"pack{position}": second for position, second in enumerate(seconds)}
)


@given(costs_of_packs, st.integers(1, 12))
def test_every_pack_is_in_one_job_and_no_job_is_empty(costs, number):
    jobs = lay_out(costs, number)
    assert sorted(pack for job in jobs for pack in job.packs) == sorted(costs)
    assert len(jobs) == min(number, len(costs))
    assert all(job.packs for job in jobs)


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=7), st.integers(1, 3))
def test_longest_job_is_within_a_third_of_the_best_layout(seconds, number):
    """Graham (1969): the longest first is at most 4/3 - 1/(3 m) of the best; the best is found by trying all."""
    placings = itertools.product(range(number), repeat=len(seconds))
    best = min(
        max(sum(s for s, j in zip(seconds, jobs, strict=True) if j == k) for k in range(number)) for jobs in placings
    )
    costs = {f"pack{position}": second for position, second in enumerate(seconds)}
    assert lay_out(costs, number)[0].seconds <= (4 / 3 - 1 / (3 * number)) * best * (1 + 1e-12)


@given(costs_of_packs, st.integers(1, 12))
def test_jobs_come_the_longest_first(costs, number):
    seconds = [job.seconds for job in lay_out(costs, number)]
    assert seconds == sorted(seconds, reverse=True)
    assert math.isclose(sum(seconds), sum(costs.values()))


def test_workers_of_a_job_share_its_packs_but_not_one_pack():
    (job,) = lay_out({"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}, 1, workers=4)
    assert job.seconds == 10
    (job,) = lay_out({"a": 10.0, "b": 2.0}, 1, workers=4)
    assert job.seconds == 10


def test_jobs_take_about_as_long_as_the_profile_means_them_to():
    costs = {f"pack{i}": 60.0 for i in range(100)}
    assert number_of_jobs(costs, profile(job_minutes=10), links=1, load=0) == 10
    assert number_of_jobs(costs, profile(job_minutes=1000), links=1, load=0) == 1
    assert number_of_jobs(costs, profile(job_minutes=0.01), links=1, load=0) == 100  # a pack is not divided


def test_jobs_stay_within_what_a_user_may_have():
    costs = {f"pack{i}": 60.0 for i in range(100)}
    asked = profile(job_minutes=1, max_jobs=50)
    assert number_of_jobs(costs, asked, links=1, load=0) == 50
    assert number_of_jobs(costs, asked, links=1, load=20) == 30
    assert number_of_jobs(costs, asked, links=3, load=20) == 10
    with pytest.raises(PipelineError, match=r"you have 50 jobs there, and 50 are allowed\n  hint: wait"):
        number_of_jobs(costs, asked, links=1, load=50)
    with pytest.raises(PipelineError, match=r"hint: take a shorter --chain"):
        number_of_jobs(costs, asked, links=3, load=48)


def test_walltime_leaves_room_for_an_estimate_that_is_wrong_by_a_half():
    for seconds in (1.0, 600.0, 3600.0, 30_000.0):
        minutes = walltime(seconds, profile())
        assert 60 * minutes - margin_seconds(minutes, profile()) >= 1.5 * seconds


def test_walltime_is_the_longest_band_where_none_is_long_enough():
    assert walltime(1e9, profile()) == 24 * 60


def test_walltime_that_a_person_gives_is_taken():
    assert walltime(1e9, profile(walltime_minutes=90)) == 90
    with pytest.raises(FieldError, match="a walltime of 1500 minutes is above the 24 hours"):
        profile(walltime_minutes=1500)


def test_margin_leaves_a_part_of_a_short_walltime():
    assert margin_seconds(1, profile()) == 60 * MARGIN_SHARE
    assert MARGIN_SHARE < 1
    assert margin_seconds(10_000, profile()) == profile().stop_margin_seconds
