"""Files that another process may read appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes the name if the block succeeds.

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
def naming(name: Path | str, instead_of: str | None = None) -> Iterator[None]:
    """Have what goes wrong with an open file in the block name it: only what goes wrong when it is opened does so.

    Args:
        name: What to name.
        instead_of: A name for which it is said, too.

    Raises:
        OSError: What went wrong.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, instead_of):
            raise
        raise OSError(error.errno, error.strerror, str(name)) from error
