"""What the tests of claims share."""

from collections.abc import Iterator

import pytest

from pipeline.numerics.threads import threads_of_operation


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As while training: on a busy machine two threads in one small operation wait for each other, 20 times as long."""
    with threads_of_operation(1):
        yield
