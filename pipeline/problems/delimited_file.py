"""Delimited text as columns: its rows are counted by themselves, and compared with a reader's.

Shape letters: R rows of a block.
"""

from __future__ import annotations

import codecs
import collections
import dataclasses
import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from pipeline.errors import FieldError, PipelineError, brief
from pipeline.problems.delimited_rows import RowBlock, row_blocks
from pipeline.problems.table_columns import Column
from pipeline.problems.table_formats import Layout, Names, TableFile

if TYPE_CHECKING:  # loaded where a table is read, because much that reads none must run where it is not installed
    import polars as pl

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "single spaces", ":": "colons"}
"""Separators that a header may have, in words."""

TAB = "tab"
"""A tab as it is written in a configuration."""

_FURTHER_BELOW = "if the header stands further below, set skip_rows to the number of lines before it"


def in_words(separator: str) -> str:
    """Separator in words, in the plural."""
    return SEPARATORS.get(separator, repr(separator))


def spelled(separator: str) -> str:
    """Separator as it is written in a configuration."""
    return TAB if separator == "\t" else separator


def separator_of(written: str) -> str:
    r"""Separator that is written in a configuration.

    Args:
        written: One character, ``tab`` or ``\t``.

    Returns:
        One character, or nothing for nothing.

    Raises:
        FieldError: If it cannot separate fields.
    """
    separator = "\t" if written in (TAB, r"\t") else written
    taken = separator.isalnum() or separator in ('"', "\n", "\r", ".", "+", "-") or not separator.isascii()
    if len(separator) > 1 or (separator and taken):
        what = f"{brief(written)!r} cannot separate fields"
        raise FieldError(("separator",), what, hint="take one character, such as ',' or ';' or '|', or tab")
    return separator


@final
class DelimitedFile(TableFile):
    """Delimited text: lines of fields with a separator between them; the first after the skipped ones is a header."""

    def __init__(self, path: Path, kind: str, content: bytes, layout: Layout) -> None:
        super().__init__(path, kind, content.removeprefix(codecs.BOM_UTF8), layout)
        self._refuse_other_kinds()
        self._skip()

    def _skip(self) -> None:
        """Leave out the lines before the header.

        Raises:
            FieldError: If the file has too few lines.
        """
        start = 0
        for number in range(self.layout.skip_rows):
            end = self.content.find(b"\n", start) + 1
            if end in (0, len(self.content)):
                lines = number + (start < len(self.content))
                what = f"{self.path} has {lines} line{'s' * (lines != 1)}, of which {self.layout.skip_rows} are to be"
                raise FieldError(("skip_rows",), f"{what} skipped", hint="lower skip_rows")
            start = end
        self.content = self.content[start:]

    def _refuse_other_kinds(self) -> None:
        """Refuse UTF-16, gzip and ZIP files by their first bytes.

        Raises:
            FieldError: For each of them.
        """
        if self.content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise self.unreadable("it is UTF-16, as some programs write for 'Unicode text'")
        if self.content.startswith(b"\x1f\x8b"):
            raise self.unreadable("it is gzipped", f"name it {self.path.name}.gz")
        if self.content.startswith(b"PK\x03\x04"):
            raise self.unreadable("it is a ZIP archive, as the workbooks of Excel are", "save the sheet as CSV (UTF-8)")

    def names(self) -> list[str]:
        for first in self._row_blocks():
            header = self._read(self.content[: first.ends_R[0] + 1], None)
            return [(name or "").strip() for name in header.row(0)]
        raise self.unreadable("the file is empty")

    def columns(self, names: Names) -> list[Column]:
        known = self.names()
        counts = collections.Counter(known)
        for where, name in names:
            if counts[name] > 1:
                what = f"{self.path.name} has {counts[name]} columns {brief(name)!r}"
                raise FieldError(where, what, hint="rename all but one")
            if name not in counts:
                raise self.unknown(where, name)
        found = self._checked(len(known))
        number_of = {name: number for number, name in enumerate(known)}
        places = sorted(number_of[name] for _, name in names)
        frame = self._read(self.content, places)
        if len(frame) != found.num_rows:
            raise self.unreadable(f"{len(frame)} rows were read, but {found.num_rows} are there")
        series = dict(zip((known[place] for place in places), frame.get_columns(), strict=True))
        if_comma = "if its comma stands before a fraction, set decimal: ','" if self.layout.separator != "," else ""
        columns = []
        for where, name in names:
            cells = series[name].slice(1, found.last_filled).alias(name)
            column = self.column(where, cells)
            column = dataclasses.replace(column, decimal=self.layout.decimal, line_of=self._line_of, if_comma=if_comma)
            columns.append(column)
        if found.short is not None and all(column.cells[found.short[0] - 1] is not None for column in columns):
            raise self.unreadable(found.short[1])  # else a column is about to say which of its cells is missing
        return columns

    def _read(self, content: bytes, columns: list[int] | None) -> pl.DataFrame:
        """Rows as text, so that a cell which is no number can be shown; the header as a row: blank lines then count.

        Returns:
            A frame of columns of text.

        Raises:
            FieldError: If the reader cannot read them.
        """
        import polars as pl

        try:
            return pl.read_csv(
                io.BytesIO(content),
                has_header=False,
                infer_schema=False,
                separator=self.layout.separator,
                columns=columns,
            )
        except pl.exceptions.NoDataError:
            raise self.unreadable("the file is empty") from None
        except pl.exceptions.PolarsError as error:
            raise self.unreadable(error) from None

    def _checked(self, num_fields: int) -> _Counted:
        """Count the rows, and refuse those that have more fields than the header.

        Returns:
            Numbers of rows.

        Raises:
            FieldError: If a row is too wide.
        """
        num_rows, last_filled, short = 0, 0, None
        for found in self._row_blocks():
            for row in np.flatnonzero(found.fields_R > num_fields)[:1]:
                raise self._too_wide(found.first_row + int(row), int(found.fields_R[row]), num_fields)
            for row in np.flatnonzero(found.filled_R & (found.fields_R < num_fields))[: 1 if short is None else 0]:
                number = found.first_row + int(row)
                short = number, self._width_in_words(number, int(found.fields_R[row]), num_fields)
            num_rows += len(found.ends_R)
            filled = np.flatnonzero(found.filled_R)
            last_filled = found.first_row + int(filled[-1]) if len(filled) else last_filled
        return _Counted(num_rows, last_filled, short)

    def _too_wide(self, row: int, fields: int, num_fields: int) -> FieldError:
        hint = self._other_separator()
        if row == 1 and not hint:
            hint = _FURTHER_BELOW
        return self.unreadable(self._width_in_words(row, fields, num_fields), hint)

    def _width_in_words(self, row: int, fields: int, num_fields: int) -> str:
        plural = "s" if fields > 1 else ""
        return f"line {self._line_of(row - 1)} has {fields} field{plural}, the header has {num_fields}"

    def _line_of(self, row: int) -> int:
        """Line that a row begins in; rows are counted from 0 after the header.

        Returns:
            From 1.

        Raises:
            AssertionError: If there is no such row.
        """
        for found in self._row_blocks():
            inside = row + 1 - found.first_row
            if inside < len(found.ends_R):
                begin = found.start if inside == 0 else int(found.ends_R[inside - 1]) + 1
                return found.first_line + self.content.count(b"\n", found.start, begin)
        raise AssertionError(f"row {row} is beyond the end")

    def _row_blocks(self) -> Iterable[RowBlock]:
        try:
            yield from row_blocks(self.content, self.layout.separator, self.layout.skip_rows + 1)
        except PipelineError as error:
            raise self.unreadable(f"{error.where}: {error.what}", error.hint) from None

    def unreadable(self, why: object, hint: str = "") -> FieldError:
        if "invalid utf-8" in str(why):
            why = _not_utf8(self.content, self.layout.skip_rows + 1) or why
        between = in_words(self.layout.separator)
        well_formed = f"write UTF-8 text: a header, then lines of as many fields, separated by {between}"
        return super().unreadable(why, hint or well_formed)

    def unknown(self, where: tuple[str, int], name: str) -> FieldError:
        error = super().unknown(where, name)
        further = f"{error.hint}; {_FURTHER_BELOW}" if len(self.names()) == 1 else error.hint
        return FieldError(where, error.what, hint=self._other_separator() or further)

    def _other_separator(self) -> str:
        """Hint for a header of one field, if there is a separator of another kind in it."""
        (only, *others) = self.names()
        for separator in () if others else SEPARATORS:
            if separator in only and separator not in (" ", ":"):  # which stand in names, too
                is_not = f"the header is not separated by {in_words(self.layout.separator)}"
                return f"{is_not} but by {in_words(separator)}: set separator: {spelled(separator)!r}"
        return ""


@dataclass(frozen=True)
class _Counted:
    """Number of rows, the last that holds anything, and the first with fewer fields than the header, with a message."""

    num_rows: int
    last_filled: int
    short: tuple[int, str] | None


def _not_utf8(content: bytes, first_line: int) -> str:
    """Message on where a text is not UTF-8."""
    start = 0
    for line in itertools.count(first_line):
        end = content.find(b"\n", start) + 1 or len(content)
        try:
            content[start:end].decode()
        except UnicodeDecodeError as error:
            return f"line {line}: byte {content[start + error.start]:#04x} is not UTF-8"
        if end == len(content):
            return ""
        start = end
    return ""
