"""Snapshots of small packs, made without training."""

from collections.abc import Callable, Iterator

import pytest

from pipeline.claims.small_packs import small_snapshot
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.numerics.threads import threads_of_operation


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As while training: on a busy machine two threads in one small operation wait for each other, 20 times as long."""
    with threads_of_operation(1):
        yield


@pytest.fixture
def snapshot_of() -> Callable[..., Snapshot]:
    """A pack of four trials with random weights, or with those given."""
    return small_snapshot
