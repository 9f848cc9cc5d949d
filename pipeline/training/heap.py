"""Memory that a pack leaves behind, returned to the system."""

from __future__ import annotations

import ctypes
import gc

import torch


def trim_heap() -> None:
    """Return freed memory to the system, where the C library can (``malloc_trim`` of glibc).

    Without it a pack of 2000 networks of width 2000, observed in chunks of 16 MiB, was seen to grow the
    process by 0.6 to 2.6 GiB: the allocator keeps pieces that the next chunk does not fit into.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def release_pack_memory() -> None:
    """Free what a pack leaves: a trainer and its module refer to each other until garbage is collected.

    The C library keeps what is freed, in pieces that the next pack does not fit into: ten packs of 4000 networks
    were seen to grow the process by 250 MiB, of which 170 came back at once.
    """
    gc.collect()
    trim_heap()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
