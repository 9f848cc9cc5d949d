"""Identity: which fields of an experiment its records do not depend on, and the ids of packs.

A module of its own, because a login node reads it to send a plan and should not wait for PyTorch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HOW_IT_RUNS = ("accelerator", "engine", "pack_memory_gib", "checkpoint_seconds", "parallel", "tracking", "answers")
"""Fields of an experiment that say how it is computed, shown and told; no record depends on them."""


def id_of_pack(trials: Iterable[str]) -> str:
    """Id of a pack: the first 16 hexadecimal digits of the SHA-256 of its trials' ids, joined in their order.

    Args:
        trials: Ids of the trials, in the order in which they are stacked.

    Returns:
        The id.
    """
    return hashlib.sha256("".join(trials).encode()).hexdigest()[:16]
