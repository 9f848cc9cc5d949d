"""Copies that a run keeps of the files it uses, so that its jobs and its report run what was planned."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.extensions.extension import Extension
from pipeline.extensions.loading import loaded, read_files
from pipeline.extensions.neighbours import digest_of

FOLDER = "definitions"
"""Folder of the copies in that of the run."""


def copies_for(extensions: Iterable[Extension]) -> dict[str, bytes]:
    """The files that a run has to keep, by name.

    Args:
        extensions: All that an experiment uses.

    Returns:
        The source of each file, and of those that it imports from beside it; of a package nothing is kept but its
        version and digest.

    Raises:
        PipelineError: If two files have one name.
    """
    copies: dict[str, bytes] = {}
    for extension in extensions:
        for name, source in loaded(extension).files.items():
            if copies.setdefault(name, source) != source:
                what = f"two files that are used are called {name}"
                raise PipelineError(what, hint="a run keeps a copy of each under its name: rename one")
    return copies


def changed_since(extension: Extension, others: Iterable[Path]) -> Path | None:
    """The last of some runs that keeps another file under the name of an extension.

    Args:
        extension: As it is now.
        others: Folders of runs.

    Returns:
        The folder; none where every copy is the same, or there is none.
    """
    changed: list[tuple[float, Path]] = []
    for run in others:
        with suppress(OSError, PipelineError):  # no copy, or gone since
            copy = copies_folder(run) / extension.name
            if extension.is_file and digest_of(read_files(copy)) != extension.sha256:
                changed.append((copy.stat().st_mtime, run))
    return max(changed)[1] if changed else None


def copies_folder(run: Path) -> Path:
    """Where a run keeps them."""
    return run / FOLDER
