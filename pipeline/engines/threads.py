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
    """Let each operation use so many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def worker_pool(number: int) -> ThreadPoolExecutor:
    """So many threads, in each of which an operation uses as many threads as in this one.

    PyTorch tells a new thread of that number when it asks for it. Linear algebra of one that has not asked uses all
    cores, and what it finds depends, in its last digits, on how many these are.
    """
    return ThreadPoolExecutor(number, initializer=torch.get_num_threads)
