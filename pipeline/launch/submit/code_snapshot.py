"""Snapshot of the code for jobs to run, so that editing the checkout does not change what waits in the queue."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

from pipeline.records.atomic_writes import replacing

PACKAGE = Path(__file__).parents[2]


def take_snapshot(run: Path) -> Path:
    """Copy the package into ``code/<hash>/`` of a run, unless the same is there already.

    Returns:
        The folder that has the package in it.
    """
    folder = snapshot_folder(run)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder) as part:
            try:
                _copy(part / PACKAGE.name)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)  # it would fill a disk that is full already
                raise
    return folder


def snapshot_folder(run: Path) -> Path:
    """Where the snapshot of the code as it is now lies, or would lie: named by a hash of its content."""
    digest = hashlib.sha256()
    for path in _files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE)} {len(content)}\n".encode())
        digest.update(content)
    return run / "code" / digest.hexdigest()[:16]


def _copy(package: Path) -> None:
    for path in _files():
        copy = package / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    for path in _compiled():
        copy = package / path.relative_to(PACKAGE)
        copy.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # replaced at this moment, by a Python that has just compiled it
            shutil.copy2(path, copy)


def _compiled() -> list[Path]:
    """What this Python has compiled of the files, so that the first job need not; it looks at their times and sizes."""
    compiled = (Path(cache_from_source(str(path))) for path in _files() if path.suffix == ".py")
    return [path for path in compiled if path.is_relative_to(PACKAGE) and path.exists()]


def _files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
