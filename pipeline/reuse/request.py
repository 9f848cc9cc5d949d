"""What a person asks about reuse; apart from what does it, which imports Polars and PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
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

    @classmethod
    def of(cls, fresh: bool, folders: Sequence[str | os.PathLike[str]] | str | os.PathLike[str]) -> Reuse:
        """As Python is asked: one folder may stand for a list of it."""
        several = [folders] if isinstance(folders, str | os.PathLike) else folders
        return cls(fresh, tuple(map(Path, several)))


REUSE = Reuse()
"""As nobody has said otherwise."""
