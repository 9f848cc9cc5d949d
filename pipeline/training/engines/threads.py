"""How many cores one PyTorch operation uses.

Operations of packs are small, and several threads in one small operation spend their
time waiting for each other: on a busy two-core machine a run took 170 s with two
threads an operation and 6 s with one. So an operation gets one thread, chunks of a
pack get a core each, and only operations that are large by themselves use all cores.
"""

from __future__ import annotations

from collections.abc import Iterator
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
