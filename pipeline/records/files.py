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
        yield part
        part.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(part)):
            raise
        # A write that fails names no file, an open the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)
