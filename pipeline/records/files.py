"""Files that another process may read appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes the name if the block succeeds."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")  # same folder: the rename stays atomic
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
