"""Reading the named columns of a CSV, Parquet or NPZ file; nothing is repaired."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import reprlib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FieldError, PipelineError, nearest
from pipeline.problems.losses import Task

if TYPE_CHECKING:  # loaded where a table is read, because much that reads none must run where it is not installed
    import polars as pl

Matrix = NDArray[np.float64]
Split = tuple[Matrix, Matrix]
"""Inputs ``[P, D]`` and targets ``[P, K]``."""


@dataclass(frozen=True)
class Rows:
    """All rows of a table as numbers, not standardised yet: inputs ``[R, D]``, outputs ``[R, K]``."""

    source: str
    inputs_RD: Matrix
    outputs_RK: Matrix
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    task: Task

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, inputs and outputs."""
        return len(self.inputs_RD), self.inputs_RD.shape[1], self.outputs_RK.shape[1]

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        inputs = self._standardised(self.inputs_RD[train_rows], self.inputs_RD[test_rows], self.input_names)
        outputs = self.outputs_RK[train_rows], self.outputs_RK[test_rows]
        if self.task is Task.REGRESSION:
            outputs = self._standardised(*outputs, self.output_names)
        return (inputs[0], outputs[0]), (inputs[1], outputs[1])

    def _standardised(self, train_PC: Matrix, test_PC: Matrix, names: tuple[str, ...]) -> Split:
        low_C, span_C = train_PC.min(axis=0), np.ptp(train_PC, axis=0)
        for name, span in zip(names, span_C, strict=True):
            if span == 0:
                raise PipelineError(
                    f"column {name!r} is the same in all {len(train_PC)} training rows, so it cannot be standardised",
                    hint="raise inputs.train, take another inputs.seed, or leave the column out",
                    where=self.source,
                )
        # To [0, 1] first: a mean taken of 1e9 + small would lose the small, and a square of 1e-200 everything.
        train_PC, test_PC = (train_PC - low_C) / span_C, (test_PC - low_C) / span_C
        mean_C, deviation_C = train_PC.mean(axis=0), train_PC.std(axis=0)
        return (train_PC - mean_C) / deviation_C, (test_PC - mean_C) / deviation_C


@functools.lru_cache(maxsize=16)
def read_table(path: Path, sha256: str, inputs: tuple[str, ...], output: tuple[str, ...], task: Task) -> Rows:
    """Read and check a table, once per process; a worker that unpickles a ``Table`` checks the digest here."""
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
    columns = _READERS[path.suffix.lower()](path, content, names)
    of_inputs = [column for column in columns if column.field[0] == "inputs"]
    of_output = [column for column in columns if column.field[0] == "output"]
    for column in columns:
        if len(column.cells) != len(columns[0].cells):
            raise FieldError(
                column.field,
                f"{path.name}: {column.cells.name!r} has {len(column.cells)} rows, "
                f"but {columns[0].cells.name!r} has {len(columns[0].cells)}",
                hint="give every array one row for each point",
            )
    if len(columns[0].cells) < 2:
        what = f"{path} has {len(columns[0].cells)} rows, too few to train on some and test on others"
        raise FieldError(("path",), what, hint="give a table of at least 2 rows")
    inputs_RD = np.stack([column.numbers() for column in of_inputs], axis=-1)
    if task is Task.CLASSES:
        if len(of_output) > 1:
            what = f"classes are one column, not {len(of_output)}"
            raise FieldError(("output",), what, hint="for several yes-or-no columns, set outputs_are: labels")
        outputs_RK = of_output[0].classes()
    elif task is Task.LABELS:
        outputs_RK = np.stack([column.labels() for column in of_output], axis=-1)
    else:
        outputs_RK = np.stack([column.numbers() for column in of_output], axis=-1)
    input_names = tuple(column.cells.name for column in of_inputs)
    output_names = tuple(column.cells.name for column in of_output)
    return Rows(path.name, inputs_RD, outputs_RK, input_names, output_names, task)


Names = list[tuple[tuple[str, int], str]]
"""Names of columns, each with the field and position it was written at."""


@dataclass(frozen=True)
class _Column:
    """One column of a file: its cells, and how to say where one of them is."""

    field: tuple[str, int]
    file: str
    cells: pl.Series
    line_R: NDArray[np.int64] | None = None

    def numbers(self) -> Matrix:
        """The cells in float64."""
        import polars as pl

        values = self.cells.cast(pl.Float64, strict=False)

        def wrong(row: int) -> str:
            cell, value = reprlib.repr(self.cells[row]), values[row]
            if value is None:
                return f"{cell} is not a number"
            return f"{cell} is a missing value" if np.isnan(value) else f"{cell} is not finite in float64"

        self._refuse(
            ~values.is_finite().fill_null(False), wrong, "write numbers like -1.5e3; nothing is filled in here"
        )
        self._refuse_constant(values)
        return values.to_numpy()

    def labels(self) -> Matrix:
        """The cells, 0 or 1 each, in float64."""
        import polars as pl

        cells = self.cells
        if cells.dtype == pl.String:
            cells = cells.str.to_lowercase().replace({"false": "0", "true": "1"})
        values = cells.cast(pl.Float64, strict=False)

        def wrong(row: int) -> str:
            return f"{reprlib.repr(self.cells[row])} is neither 0 nor 1"

        self._refuse(~values.is_in([0.0, 1.0]).fill_null(False), wrong, "write 0 or false, 1 or true")
        self._refuse_constant(values)
        return values.to_numpy()

    def classes(self) -> Matrix:
        """One column of 0 and 1 for each class, the classes sorted, ``[R, K]``."""
        import polars as pl

        hint = "classes are all integers or all words; for numbers, set outputs_are: regression"
        values, good = self.cells, self.cells.is_not_null()
        numbers = self.cells.cast(pl.Float64, strict=False)
        if numbers.is_not_null().any():  # then all of them are, and 'NA' among them is a mistake
            values, good = numbers, (numbers == numbers.floor()) & (numbers.abs() <= 2**53)

        def wrong(row: int) -> str:
            return f"{reprlib.repr(self.cells[row])} is not an integer"

        self._refuse(~good.fill_null(False), wrong, hint)
        self._refuse_constant(values)
        classes, which_R = np.unique(values.to_numpy(), return_inverse=True)
        return np.eye(len(classes))[which_R]

    def _refuse(self, bad: pl.Series, wrong: Callable[[int], str], hint: str) -> None:
        """Raise for the first of the bad rows, and say how many more there are."""
        rows = bad.arg_true()
        if rows.is_empty():
            return
        row = int(rows[0])
        place = f"row {row + 1}" if self.line_R is None else f"line {self.line_R[row]}"
        what = "the cell is empty" if self.cells[row] is None else wrong(row)
        more = f"; {len(rows) - 1} more of its cells are no better" if len(rows) > 1 else ""
        raise FieldError(self.field, f"{self.file}, {place}, column {self.cells.name!r}: {what}{more}", hint=hint)

    def _refuse_constant(self, values: pl.Series) -> None:
        if values.min() == values.max():
            what = f"{self.file}, column {self.cells.name!r}: every row holds {reprlib.repr(self.cells[0])}"
            raise FieldError(self.field, what, hint="a column that never changes tells nothing; leave it out")


def read_bytes(path: Path) -> bytes:
    """The content of a file of a known kind.

    Raises:
        FieldError: If its ending is unknown, or it cannot be read.
    """
    if path.suffix.lower() not in _READERS:
        what = f"{path} ends in {path.suffix!r}, which is no table that can be read"
        raise FieldError(("path",), what, hint=f"known: {', '.join(_READERS)}")
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise FieldError(("path",), f"{path} is a folder", hint="give the path of one file") from None
    except FileNotFoundError:
        raise FieldError(("path",), f"there is no file {path}", hint="look at the path") from None
    except OSError as error:
        raise FieldError(
            ("path",), f"{path} cannot be read: {error.strerror}", hint="look at its permissions"
        ) from None


def _unreadable(path: Path, why: object) -> FieldError:
    first_line = str(why).strip().split("\n")[0]
    kind = path.suffix.lower()
    return FieldError(("path",), f"{path} cannot be read as {kind}: {first_line}", hint=_WELL_FORMED[kind])


def _unknown(path: Path, where: tuple[str, int], name: str, known: list[str]) -> FieldError:
    hint = nearest(name, known)
    if len(known) == 1 and any(separator in known[0] for separator in ";\t|"):
        hint = "the header is not separated by commas; save the table with commas"
    return FieldError(where, f"{path.name} has no column {name!r}", hint=hint)


def _cells(path: Path, where: tuple[str, int], cells: pl.Series) -> pl.Series:
    """Numbers as they are, text stripped, with an empty text for a missing value."""
    import polars as pl

    if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
        return cells
    if cells.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        what = f"{path.name}, column {cells.name!r}: {cells.dtype} is neither a number nor a text"
        raise FieldError(where, what, hint="write it as numbers")
    text = cells.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _read_csv(path: Path, content: bytes, names: Names) -> list[_Column]:
    import polars as pl

    try:
        # All as text, so that a cell which is no number can be shown; the header as a row, so that blank lines count.
        frame = pl.read_csv(io.BytesIO(content), has_header=False, infer_schema=False)
    except pl.exceptions.NoDataError:
        raise _unreadable(path, "the file is empty") from None
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, _broken_line(content) or error) from None
    header = [(name or "").strip() for name in frame.row(0)]
    newlines = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n").fill_null(0)))
    newlines_R = newlines.to_series().to_numpy().astype(np.int64)
    line_R = 1 + np.arange(len(frame)) + np.cumsum(newlines_R) - newlines_R
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    frame = frame[1 : max(filled, default=0) + 1]  # blank lines at the end are no rows
    columns = []
    for where, name in names:
        if header.count(name) > 1:
            raise FieldError(where, f"{path.name} has {header.count(name)} columns {name!r}", hint="rename all but one")
        if name not in header:
            raise _unknown(path, where, name, header)
        cells = frame.to_series(header.index(name)).alias(name)
        columns.append(_Column(where, path.name, _cells(path, where, cells), line_R[1:]))
    return columns


def _broken_line(content: bytes) -> str:
    """Say which line has more fields than the header, or a quote out of place, if that is what is wrong."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""), strict=True)
    width = None
    try:
        for fields in reader:
            width = len(fields) if width is None else width
            if len(fields) > width:
                return f"line {reader.line_num} has {len(fields)} fields, the header has {width}"
    except csv.Error as error:
        return f"line {reader.line_num}: {error}"
    return ""


def _read_parquet(path: Path, content: bytes, names: Names) -> list[_Column]:
    import polars as pl

    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, error) from None
    for where, name in names:
        if name not in frame.columns:
            raise _unknown(path, where, name, frame.columns)
    return [_Column(where, path.name, _cells(path, where, frame[name])) for where, name in names]


# What NumPy, zipfile and zlib raise for a broken file: an encrypted member is a RuntimeError, a lone .npy an
# AttributeError.
_BROKEN = (OSError, ValueError, EOFError, AttributeError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error)


def _read_npz(path: Path, content: bytes, names: Names) -> list[_Column]:
    import polars as pl

    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        known = list(archive.files)
        arrays = {name: archive[name] for _, name in names if name in known}
    except _BROKEN as error:
        raise _unreadable(path, error) from None
    columns = []
    for where, name in names:
        if name not in arrays:
            raise _unknown(path, where, name, known)
        array = arrays[name]
        if array.dtype.kind not in "biufU" or array.ndim not in (1, 2):
            what = f"{path.name}: {name!r} is {array.ndim}-dimensional, of {array.dtype}"
            raise FieldError(where, what, hint="a column has one axis, a block of columns two; of numbers or str")
        block = array.astype(np.float64) if array.dtype.kind == "f" else array  # polars has no long double
        parts = {f"{name}.{i}": block[:, i] for i in range(block.shape[1])} if block.ndim == 2 else {name: block}
        for part, values in parts.items():
            cells = pl.Series(part, np.ascontiguousarray(values))
            columns.append(_Column(where, path.name, _cells(path, where, cells)))
    return columns


_READERS: dict[str, Callable[[Path, bytes, Names], list[_Column]]] = {
    ".csv": _read_csv,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
}

_WELL_FORMED = {
    ".csv": "write UTF-8 text: a header, then lines of as many fields, separated by commas",
    ".npz": "write the file again with numpy.savez; if it is no NPZ file, give it the ending it should have",
    ".parquet": "write the file again; if it is no Parquet file, give it the ending it should have",
}
