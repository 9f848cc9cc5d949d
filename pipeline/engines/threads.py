"""How many cores one PyTorch operation uses.

Operations of packs are small, and several threads in one small operation spend their
time waiting for each other: on a busy two-core machine a run took 170 s with two
threads an operation and 6 s with one. So an operation gets one thread, chunks of a
pack get a core each, and only operations that are large by themselves use all cores.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Scratch = TypeVar("Scratch")

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


def share_out(
    work: Callable[[Scratch, int, int], None],
    scratch: Sequence[Scratch],
    num_trials: int,
    *,
    together: int,
    most_parts: int,
) -> None:
    """Do work on all trials, in parts: each worker takes one at a time until none is left.

    Args:
        work: What is done to the trials from one to another, in the memory of a worker.
        scratch: The memory of each worker.
        num_trials: T.
        together: Trials that are worked on at a time; no part but the last ends between them.
        most_parts: Parts at most; a single one stays in this thread.
    """
    num_groups = -(-num_trials // together)
    num_parts = min(num_groups, most_parts)
    bounds = [num_groups * number // max(1, num_parts) * together for number in range(num_parts)] + [num_trials]
    left = iter(list(itertools.pairwise(bounds)))

    def worker(own: Scratch) -> None:
        for first, last in left:  # the iterator of a list gives each of its elements to one thread only
            work(own, first, last)

    busy = scratch[: min(len(scratch), num_parts)]
    if len(busy) == 1:
        worker(busy[0])
    elif busy:
        with ThreadPoolExecutor(len(busy)) as pool:
            list(pool.map(worker, busy))
