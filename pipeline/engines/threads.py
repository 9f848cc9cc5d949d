"""How many cores one PyTorch operation uses.

Operations of packs are small, and several threads in one small operation spend their
time waiting for each other: on a busy two-core machine a run took 170 s with two
threads an operation and 6 s with one. So an operation gets one thread, chunks of a
pack get a core each, and only operations that are large by themselves use all cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

CORES = torch.get_num_threads()
"""Cores that PyTorch found, or what OMP_NUM_THREADS says."""


@contextmanager
def threads_of_operation(number: int) -> Iterator[None]:
    """Let each PyTorch operation inside the block use ``number`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def worker_pool(number: int) -> ThreadPoolExecutor:
    """A pool of worker threads, in each of which a PyTorch operation uses as many threads as in this one.

    A new thread takes that number over when it first asks PyTorch (2.13) for it. Linear algebra in a thread that
    has not asked uses all cores, and the last digits of its results depend on how many these are.

    Args:
        number: Worker threads.

    Returns:
        The pool, to be used as a context.
    """
    return ThreadPoolExecutor(number, initializer=torch.get_num_threads)
