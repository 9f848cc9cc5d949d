"""Processes that train a pack together are at least one."""

import pytest

from pipeline.experiment.parallelism import Parallel


def test_world_size_is_nodes_times_devices():
    assert Parallel().processes == 1
    assert Parallel(nodes=2, devices=3).processes == 6


@pytest.mark.parametrize("fields", [{"nodes": 0}, {"devices": -1}])
def test_fewer_than_one_is_refused(refuses, fields):
    ((field, value),) = fields.items()
    with refuses((field,), f"{field} must be positive, not {value}") as refused:
        Parallel(**fields)
    assert refused.value.hint == "take an integer from 1"
