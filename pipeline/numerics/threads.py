"""How many cores one PyTorch operation uses.

Operations of packs are small, and several threads in one small operation spend their
time waiting for each other: on a busy two-core machine a run took 170 s with two
threads an operation and 6 s with one. So an operation gets one thread, chunks of a
pack get a core each, and only operations that are large by themselves use all cores.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
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


def on_cores(work: Callable[[Item], Result], items: Sequence[Item], *, most_threads: int) -> list[Result]:
    """Do work on each item, in this thread and in others beside it, each of which takes an item until none is left.

    The others are kept: to start one takes as long as a hundred steps of a small pack.

    Args:
        work: What is done to an item; it may share out work itself.
        items: Any number.
        most_threads: Threads at most, this one included.

    Returns:
        What each item gave, in their order.
    """
    found: dict[int, Result] = {}
    left = iter(list(enumerate(items)))

    def worker() -> None:
        for number, item in left:  # the iterator of a list gives each of its elements to one thread only
            found[number] = work(item)

    num_others = min(most_threads, len(items)) - 1
    others = [_other_threads(torch.get_num_threads()).submit(worker) for _ in range(num_others)]
    try:
        worker()
    finally:
        for other in others:
            if not other.cancel():  # one that has not begun would find nothing left
                other.result()
    return [found[number] for number in range(len(items))]


@functools.cache
def _other_threads(threads_of_operation: int) -> ThreadPoolExecutor:
    """Threads for the cores that the caller leaves, in each of which a PyTorch operation uses as many threads as there.

    A new thread takes that number over when it first asks PyTorch (2.13) for it. Linear algebra in a thread that
    has not asked uses all cores, and the last digits of its results depend on how many these are.

    Returns:
        The pool, all of whose threads have asked.
    """
    number = max(1, CORES - 1)
    everyone = threading.Barrier(number)
    pool = ThreadPoolExecutor(number, initializer=torch.get_num_threads)
    for started in [pool.submit(everyone.wait) for _ in range(number)]:
        started.result()
    return pool


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

    on_cores(worker, scratch[: min(len(scratch), num_parts)], most_threads=len(scratch))
