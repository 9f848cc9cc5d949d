"""Atomic writes: files that another process may read appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which is renamed to it if the block succeeds.

    Args:
        path: The file to write or replace.

    Raises:
        OSError: If it cannot be written, as on a disk that is full; it names ``path``.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")  # same folder: the rename stays atomic
    try:
        with naming(path, instead_of=str(part)):
            yield part
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def creating(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which gets its name if the block succeeds and nobody else had it.

    Args:
        path: The file to make.

    Raises:
        FileExistsError: If somebody has made it meanwhile; it stays as it is.
        OSError: If it cannot be written, as on a disk that is full; it names ``path``.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with naming(path, instead_of=str(part)):
            yield part
            try:
                path.hardlink_to(part)  # unlike a rename it fails where there is a file
            except FileExistsError:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            except OSError:  # a file system without hard links
                part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def naming(name: Path | str, instead_of: str | None = None) -> Iterator[None]:
    """Name the file in errors of the block that name none: Python names it when opening fails, not when writing does.

    Args:
        name: The file.
        instead_of: Another name that is replaced by it, of a temporary file.

    Raises:
        OSError: What went wrong, with the name.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, instead_of):
            raise
        raise OSError(error.errno, error.strerror, str(name)) from error
