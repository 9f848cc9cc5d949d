"""File formats of tables, and the two that are not text: Parquet and NPZ."""

from __future__ import annotations

import io
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from pipeline.errors import FieldError, brief, nearest
from pipeline.problems.table_columns import Column, Decimal

if TYPE_CHECKING:  # loaded where a table is read, because much that reads none must run where it is not installed
    import polars as pl

Names = list[tuple[tuple[str, int], str]]
"""Names of columns, each with the field and position it was written at."""


@dataclass(frozen=True)
class Layout:
    """Layout of delimited text.

    Args:
        separator: What stands between two fields.
        decimal: What stands before the fraction of a number.
        skip_rows: Lines before the header.
    """

    separator: str = ","
    decimal: Decimal = "."
    skip_rows: int = 0


class TableFile(ABC):
    """Content of a table file, with its columns by name.

    Args:
        path: Where it is, for complaints.
        kind: The ending that names its format.
        content: Its bytes, unpacked.
        layout: Its layout, if it is text.
    """

    well_formed: ClassVar[str]
    """Hint for a file that cannot be read."""

    def __init__(self, path: Path, kind: str, content: bytes, layout: Layout) -> None:
        self.path, self.kind, self.content, self.layout = path, kind, content, layout

    @abstractmethod
    def names(self) -> list[str]:
        """Names of all columns, or arrays, in their order."""

    @abstractmethod
    def columns(self, names: Names) -> list[Column]:
        """Columns by name; an array of two axes is a block of them.

        Args:
            names: Names, each with the place it was written at.

        Returns:
            Columns in the order of the names.

        Raises:
            FieldError: If the file is broken, or has no such column.
        """

    def unreadable(self, why: object, hint: str = "") -> FieldError:
        """Error for a file that is not what its ending says.

        Args:
            why: What its reader said.
            hint: What to do; ``well_formed`` if empty.

        Returns:
            The error, to be raised.
        """
        first_line = str(why).strip().split("\n")[0]
        what = f"{self.path} cannot be read as {self.kind}: {brief(first_line, 300)}"
        return FieldError(("path",), what, hint=hint or self.well_formed)

    def unknown(self, where: tuple[str, int], name: str) -> FieldError:
        """Error for a column that is not there, to be raised."""
        return FieldError(where, f"{self.path.name} has no column {brief(name)!r}", hint=nearest(name, self.names()))

    def column(self, where: tuple[str, int], cells: pl.Series) -> Column:
        """Column of cells: numbers as they are, text stripped, null for a missing value.

        Args:
            where: Field and position that the column was named at.
            cells: The cells.

        Returns:
            The column.

        Raises:
            FieldError: If the cells are neither numbers nor text.
        """
        import polars as pl

        if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
            return Column(where, self.path.name, cells)
        if cells.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
            kind = brief(str(cells.dtype))
            what = f"{self.path.name}, column {brief(cells.name)!r}: {kind} is neither a number nor a text"
            raise FieldError(where, what, hint="write it as numbers")
        text = cells.cast(pl.String).str.strip_chars()
        return Column(where, self.path.name, text.set(text == "", None))


@final
class ParquetFile(TableFile):
    """Parquet file."""

    well_formed: ClassVar[str] = "write the file again; if it is no Parquet file, give it the ending it should have"

    def names(self) -> list[str]:
        import polars as pl

        try:
            return list(pl.read_parquet_schema(io.BytesIO(self.content)))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise self.unreadable(error) from None

    def columns(self, names: Names) -> list[Column]:
        import polars as pl

        known = set(self.names())
        for where, name in names:
            if name not in known:
                raise self.unknown(where, name)
        try:
            frame = pl.read_parquet(io.BytesIO(self.content), columns=[name for _, name in names])
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise self.unreadable(error) from None
        return [self.column(where, frame[name]) for where, name in names]


# What NumPy, zipfile and zlib raise for a broken file: an encrypted member is a RuntimeError, a lone .npy an
# AttributeError.
_BROKEN = (OSError, ValueError, EOFError, AttributeError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error)


@final
class NpzFile(TableFile):
    """NumPy archive: arrays of one axis, which are columns, and of two, which are blocks of columns."""

    well_formed: ClassVar[str] = (
        "write the file again with numpy.savez; if it is no NPZ file, give it the ending it should have"
    )

    def names(self) -> list[str]:
        return list(self._archive())

    def _archive(self) -> Mapping[str, object]:
        """Arrays by name, each read when it is asked for.

        Returns:
            A lazy mapping.

        Raises:
            FieldError: If the file is no archive.
        """
        try:
            archive = np.load(io.BytesIO(self.content), allow_pickle=False)
        except _BROKEN as error:
            raise self.unreadable(error) from None
        if isinstance(archive, np.ndarray):
            raise self.unreadable("it is one array without a name, as numpy.save writes it", "name it by numpy.savez")
        return archive

    def columns(self, names: Names) -> list[Column]:
        archive = self._archive()
        known = set(archive)
        for where, name in names:
            if name not in known:
                raise self.unknown(where, name)
        return [column for where, name in names for column in self._columns_of(where, name, archive)]

    def _columns_of(self, where: tuple[str, int], name: str, archive: Mapping[str, object]) -> list[Column]:
        """Columns of one array: one of an array of one axis, all of those of a block.

        Returns:
            Columns in their order.

        Raises:
            FieldError: If the array has another dtype or number of axes.
        """
        import polars as pl

        try:
            array = archive[name]
        except _BROKEN as error:
            if "allow_pickle" not in str(error):
                raise self.unreadable(error) from None
            what = f"{self.path.name}: {brief(name)!r} is an array of Python objects"
            hint = "take .astype(float) or .astype(str) of it before numpy.savez"
            raise FieldError(where, what, hint=hint) from None
        if not isinstance(array, np.ndarray):
            raise FieldError(where, f"{self.path.name}: {brief(name)!r} is no array", hint="write it with numpy.savez")
        if array.dtype.kind not in "biufU" or array.ndim not in (1, 2):
            what = f"{self.path.name}: {brief(name)!r} is {array.ndim}-dimensional, of {brief(str(array.dtype))}"
            raise FieldError(where, what, hint="a column has one axis, a block of columns two; of numbers or str")
        if array.ndim == 2 and array.shape[1] == 0:
            what = f"{self.path.name}: {brief(name)!r} is a block of {len(array)} rows and no columns"
            raise FieldError(where, what, hint="give it at least one column, or leave it out")
        block = array.astype(np.float64) if array.dtype.kind == "f" else array  # polars has no long double
        parts = {f"{name}.{i}": block[:, i] for i in range(block.shape[1])} if block.ndim == 2 else {name: block}
        series = (pl.Series(part, np.ascontiguousarray(values)) for part, values in parts.items())
        return [self.column(where, cells) for cells in series]
