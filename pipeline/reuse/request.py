"""What a person asks about reuse; apart from what does it, which imports Polars and PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reuse:
    """Where finished trials are taken from: by default the runs beside the folder of the run.

    Args:
        fresh: Whether none is taken, and all are trained.
        folders: More folders of runs, or single runs.
    """

    fresh: bool = False
    folders: tuple[Path, ...] = ()


REUSE = Reuse()
"""As nobody has said otherwise."""
