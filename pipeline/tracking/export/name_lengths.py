"""The longest names of a run on W&B; longer ones are truncated, with a hash that tells them apart.

W&B refuses the whole run ("64 limit exceeded for JobType") and does not say whether it counts letters or bytes, so
bytes are counted here.

Source: https://github.com/wandb/wandb/issues/6402 (job type); https://github.com/NVIDIA-NeMo/Skills/issues/842
(name, group, project); wandb 0.31.0, ``Settings.validate_run_tags`` and ``Settings.validate_project``.
"""

from __future__ import annotations

import hashlib

LONGEST_JOB_TYPE = LONGEST_TAG = 64
LONGEST_NAME = 128
"""Of runs, groups and projects; and of the titles of our own pages."""
HASH_DIGITS = 8


def shortened(text: str, longest: int) -> str:
    """A text of at most ``longest`` bytes: itself, or its beginning with the hash of all of it.

    Args:
        text: Any.
        longest: In bytes of UTF-8, above 9.

    Returns:
        The text; two that are cut become the same with a probability of 2**-32.
    """
    whole = text.encode()
    if len(whole) <= longest:
        return text
    beginning = whole[: longest - HASH_DIGITS - 1].decode(errors="ignore")
    return f"{beginning}~{hashlib.sha256(whole).hexdigest()[:HASH_DIGITS]}"
