"""Table files: reading the named columns of delimited text, Parquet or NPZ; nothing is repaired.

Shape letters: R rows of a table.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import FieldError, brief, reason_of
from pipeline.problems.delimited_file import DelimitedFile
from pipeline.problems.losses import Task
from pipeline.problems.table_columns import Column
from pipeline.problems.table_formats import Layout, NpzFile, ParquetFile, TableFile
from pipeline.problems.table_rows import Rows

GZIPPED = ".gz"
"""Ending of a gzipped file."""

READERS: dict[str, type[TableFile]] = {
    ".csv": DelimitedFile,
    f".csv{GZIPPED}": DelimitedFile,
    ".npz": NpzFile,
    ".parquet": ParquetFile,
    ".tsv": DelimitedFile,
    f".tsv{GZIPPED}": DelimitedFile,
}
"""Readers by the ending of a file."""


@functools.lru_cache(maxsize=16)
def read_table(
    path: Path, sha256: str, inputs: tuple[str, ...], output: tuple[str, ...], task: Task, layout: Layout
) -> Rows:
    """Rows of a table, read and checked once per process.

    A worker that unpickles a ``Table`` checks the digest here.

    Args:
        path: The file.
        sha256: Digest that its bytes must have, in hexadecimal.
        inputs: Names of the input columns, in order.
        output: Names of the output columns, in order.
        task: What the outputs mean.
        layout: Layout of delimited text.

    Returns:
        Inputs and outputs as numbers, not standardised yet.

    Raises:
        FieldError: If the file has changed, cannot be read, lacks a column, or has a cell that cannot be used.
    """
    content = read_bytes(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise FieldError(
            ("sha256",),
            f"the table {path} changed since its sha256 was written down: it was {sha256}, it is {digest}",
            hint="leave sha256 out to take the table as it is now; its trials are then other trials",
        )
    names = [(("inputs", position), name) for position, name in enumerate(inputs)]
    names += [(("output", position), name) for position, name in enumerate(output)]
    columns = _opened(path, content, layout).columns(names)
    of_inputs = [column for column in columns if column.field[0] == "inputs"]
    of_output = [column for column in columns if column.field[0] == "output"]
    _check_lengths(path, columns)
    inputs_RD = np.stack([column.numbers() for column in of_inputs], axis=-1)
    output_names = tuple(column.cells.name for column in of_output)
    if task is Task.CLASSES:
        if len(of_output) > 1:
            what = f"classes are one column, not {len(of_output)}"
            raise FieldError(("output",), what, hint="for several yes-or-no columns, set outputs_are: labels")
        outputs_RK, output_names = of_output[0].classes()
    elif task is Task.LABELS:
        outputs_RK = np.stack([column.labels() for column in of_output], axis=-1)
    else:
        outputs_RK = np.stack([column.numbers() for column in of_output], axis=-1)
    input_names = tuple(column.cells.name for column in of_inputs)
    return Rows(path.name, inputs_RD, outputs_RK, input_names, output_names, task)


def _check_lengths(path: Path, columns: Sequence[Column]) -> None:
    """Refuse columns that are not of the same rows, and too few rows.

    Raises:
        FieldError: If columns differ in length, or there are fewer than 2 rows.
    """
    first, *others = columns
    rows = len(first.cells)
    for column in others:
        if len(column.cells) != rows:
            differs = f"{brief(column.cells.name)!r} has {len(column.cells)} rows, but {brief(first.cells.name)!r} has"
            hint = "give every array one row for each point"
            raise FieldError(column.field, f"{path.name}: {differs} {rows}", hint=hint)
    if rows < 2:
        what = f"{path} has {rows} row{'s' * (rows != 1)}, too few to train on some and test on others"
        raise FieldError(("path",), what, hint="give a table of at least 2 rows")


def read_bytes(path: Path) -> bytes:
    """Content of a file of a known format, unpacked if it is gzipped.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        FieldError: If its ending is unknown, or it cannot be read.
    """
    kind = file_ending(path)
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise FieldError(("path",), f"{path} is a folder", hint="give the path of one file") from None
    except FileNotFoundError:
        raise FieldError(("path",), f"there is no file {path}", hint="look at the path") from None
    except OSError as error:
        raise FieldError(
            ("path",), f"{path} cannot be read: {reason_of(error)}", hint="look at its permissions"
        ) from None
    if not kind.endswith(GZIPPED):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        what = f"{path} cannot be read as {kind}: {error}"
        hint = "gzip the file again; if it is not gzipped, take .gz from its name"
        raise FieldError(("path",), what, hint=hint) from None


def file_ending(path: Path) -> str:
    """Ending of a file that names its format, such as ``.csv.gz``.

    Args:
        path: The file.

    Returns:
        A key of ``READERS``.

    Raises:
        FieldError: If no format has it.
    """
    endings = [ending.lower() for ending in path.suffixes]
    kind = "".join(endings[-2:] if endings[-1:] == [GZIPPED] else endings[-1:])
    if kind not in READERS:
        what = f"{path} ends in {path.suffix!r}, which is no table that can be read"
        raise FieldError(("path",), what, hint=f"known: {', '.join(READERS)}")
    return kind


def default_separator(path: Path) -> str | None:
    """Default separator of the fields of a file; ``None`` if it is no text."""
    kind = file_ending(path)
    if READERS[kind] is not DelimitedFile:
        return None
    return "\t" if kind.startswith(".tsv") else ","


def table_file(path: Path, layout: Layout) -> TableFile:
    """Table file of a known format, opened.

    Args:
        path: The file.
        layout: Layout of delimited text.

    Returns:
        Its columns by name, to be read.

    Raises:
        FieldError: If its ending is unknown, or it cannot be read.
    """
    return _opened(path, read_bytes(path), layout)


def _opened(path: Path, content: bytes, layout: Layout) -> TableFile:
    kind = file_ending(path)
    return READERS[kind](path, kind, content, layout)
