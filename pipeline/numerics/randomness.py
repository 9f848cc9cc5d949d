"""Named streams of random numbers: what a stream gives depends on its name alone.

A trial's numbers must not depend on the pack it was in, on the order of trials, or on
an interruption, so nothing here has a state that survives a call. The key of a stream
is the SHA-256 of its name, cut to the 128 bits that Philox takes: 32-bit seeds (all
that a Mersenne twister in torch keeps) would collide among 100,000 trials.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(*name: str | int) -> np.random.Generator:
    """A fresh generator for one purpose, such as ``stream(trial_id, "initial weights")``.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), for Philox.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key(*name), "little")))


def key(*name: str | int) -> bytes:
    """What Philox is given for a purpose: 16 bytes, the lowest first."""
    text = "\x1f".join(str(part) for part in name)
    return hashlib.sha256(text.encode()).digest()[:16]
