"""Counter-based random streams: the numbers of a stream depend on its name alone.

A trial's numbers must not depend on the pack it was in, on the order of trials, or on
an interruption, so nothing here has a state that survives a call. The key of a stream
is the SHA-256 of its name, cut to the 128 bits that Philox takes: 32-bit seeds (all
that a Mersenne twister in torch keeps) would collide among 100,000 trials.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import numpy as np

TRIAL: Final = "trial"
"""In place of a seed: that of each trial."""
Seed = int | Literal["trial"]
"""A seed that is the same for all trials, or that of each."""


def stream(*name: str | int) -> np.random.Generator:
    """Random generator of one purpose, keyed by its name, such as ``stream(trial_id, "initial weights")``.

    Args:
        name: Words and integers that together name the purpose.

    Returns:
        A fresh Philox generator; equal names give equal numbers.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), for Philox.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key(*name), "little")))


def key(*name: str | int) -> bytes:
    """Philox key of a purpose: the first 16 bytes of the SHA-256 of its name, the lowest first."""
    text = "\x1f".join(str(part) for part in name)
    return hashlib.sha256(text.encode()).digest()[:16]
