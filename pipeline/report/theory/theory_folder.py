"""The folder ``theory`` of a run: what theory needed long for is kept there, and read again by the next report.

What the records of large packs say is kept there, too. A file is named by what its numbers are made from: the problem,
the network or the parts of the records, the version of this package and of the method. A changed plan or version so
never reads numbers that are not its own. Nothing there is a record: what is missing or damaged is computed again.
A file is a table in Parquet behind its own SHA-256: Parquet alone does not tell that a number has changed on the disk.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl

from pipeline import __version__
from pipeline.numerics.threads import CORES, on_cores, threads_of_operation
from pipeline.records.atomic_writes import replacing

FOLDER = "theory"
DIGEST_BYTES = hashlib.sha256().digest_size

Task = TypeVar("Task")


def kept(
    run: Path | None,
    name: str,
    content: object,
    compute: Callable[[], pl.DataFrame],
    is_whole: Callable[[], bool] = lambda: True,
) -> pl.DataFrame:
    """A table that is read if it was kept, and computed and kept if not.

    Args:
        run: Folder of the run; ``None``: nothing is kept.
        name: What the numbers are, and the version of the method, such as ``best_network_1``.
        content: All that the table depends on, as plain JSON types.
        compute: Computes it.
        is_whole: Whether all that it depends on was there; asked once it is computed.

    Returns:
        The table; one that is empty, or not whole, is not kept.
    """
    if run is None:
        return compute()
    text = json.dumps([__version__, name, content], sort_keys=True)
    path = run / FOLDER / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.table"
    found = _read(path)
    if found is not None:
        return found
    table = compute()
    if not table.is_empty() and is_whole():
        _write(path, table)
    return table


def _read(path: Path) -> pl.DataFrame | None:
    """The table of a file; ``None`` where there is none, or it is not as it was written."""
    try:
        content = path.read_bytes()
        digest, table = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        return pl.read_parquet(table) if hashlib.sha256(table).digest() == digest else None
    except (OSError, pl.exceptions.PolarsError):
        return None


def _write(path: Path, table: pl.DataFrame) -> None:
    """Keep a table, unless the run may only be read or the disk is full: the next report computes it again."""
    content = io.BytesIO()  # Polars would not say "disk full" as an OSError
    table.write_parquet(content)
    try:
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    except OSError:
        pass


def on_all_cores(work: Callable[[Task], pl.DataFrame], tasks: Iterable[Task]) -> Sequence[pl.DataFrame]:
    """Tables of several tasks, as many at a time as there are cores, which a few large tasks share among them.

    Args:
        work: Makes the table of a task.
        tasks: The tasks.

    Returns:
        A table for each, in their order.
    """
    of_one = list(tasks)
    with threads_of_operation(max(1, CORES // max(1, len(of_one)))):
        return on_cores(work, of_one, most_threads=CORES)
