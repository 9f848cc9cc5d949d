"""The folder ``theory`` of a run: what theory needed long for is kept there, and read again by the next report.

What the records of large packs say is kept there, too. A file is named by what its numbers are made from: the problem,
the network or the parts of the records, the version of this package and of the method. A changed plan or version so
never reads numbers that are not its own. Nothing there is a record: what is missing or damaged is computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl

from pipeline import __version__
from pipeline.numerics.threads import CORES, on_cores, threads_of_operation
from pipeline.records.atomic_writes import replacing

FOLDER = "theory"

Task = TypeVar("Task")


def kept(run: Path | None, name: str, content: object, compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """A table that is read if it was kept, and computed and kept if not.

    Args:
        run: Folder of the run; ``None``: nothing is kept.
        name: What the numbers are, and the version of the method, such as ``best_network_1``.
        content: All that the table depends on, as plain JSON types.
        compute: Computes it.

    Returns:
        The table; an empty one is not kept.
    """
    if run is None:
        return compute()
    text = json.dumps([__version__, name, content], sort_keys=True)
    path = run / FOLDER / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        table = compute()
    if table.is_empty():
        return table
    try:
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as part:
            table.write_parquet(part)
    except OSError:
        pass  # of a run that may only be read: the next report computes it again
    return table


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
