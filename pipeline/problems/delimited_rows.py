r"""Rows of delimited text as its quotes and line ends make them (RFC 4180), counted before a reader is trusted.

Readers join lines across a quote that is not paired, and say nothing: polars 2.1.0 and Python's csv read ten lines of
``"3""`` (inches, quoted by hand) or of ``"3\" pipe"`` (as Spark and MySQL escape) as five rows. Here such a quote is
refused with its line. The text is read in blocks of whole rows, in the memory of one of them.

Shape letters: B bytes of a block, R rows of a block.

Source: RFC 4180, section 2.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PipelineError

Positions = NDArray[np.int64]
"""Byte positions."""

BLOCK_BYTES = 1 << 19
"""Bytes of a block, few enough that its masks stay in the cache of a core."""

LARGEST_ROW = 16 << 20
"""Bytes of a row; a quote that is never closed would make all that follows one row."""

QUOTE, NEWLINE, RETURN = b'"\n\r'

_PAIRED = 'within quotes, write a quote twice (""); in a cell that begins without one, write none'
_BACKSLASHED = (
    'quotes are escaped by backslashes; write each twice instead ("" for \\"), as Spark does with escape=\'"\''
)

_UNIX = "end every line by a line feed, with or without a carriage return before it"


@dataclass(frozen=True)
class RowBlock:
    """Whole rows of a text, one after another.

    Args:
        start: Position of the first byte of the first row.
        first_row: Rows before it.
        first_line: Line it begins in, from 1.
        ends_R: Position of the line end of each row.
        fields_R: Number of fields of each row.
        filled_R: Whether a row holds anything but separators.
    """

    start: int
    first_row: int
    first_line: int
    ends_R: Positions
    fields_R: Positions
    filled_R: NDArray[np.bool_]


def row_blocks(text: bytes, separator: str, first_line: int = 1, size: int = BLOCK_BYTES) -> Iterator[RowBlock]:
    """Blocks of the rows of a text, blank lines among them.

    Args:
        text: Without a byte order mark.
        separator: One ASCII character.
        first_line: Line that the text begins in.
        size: Bytes of a block, more where a row has more.

    Yields:
        Blocks in the order of the text.

    Raises:
        PipelineError: If quotes or line ends are malformed, with the line as ``where``.
    """
    start, row, taken = 0, 0, size
    while start < len(text):
        stop = min(start + taken, len(text))
        piece = _Block(text, start, stop, ord(separator), first_line)
        piece.check()
        if not piece.length:
            if taken > LARGEST_ROW:
                what = f"the row that begins here has more than {LARGEST_ROW >> 20} MiB"
                raise PipelineError(what, where=f"line {first_line}", hint=_PAIRED)
            taken *= 2
            continue
        found = piece.rows(row)
        yield found
        first_line += text.count(b"\n", start, start + piece.length)
        start, row, taken = start + piece.length, row + len(found.ends_R), size


class _Block:
    """Bytes of a text from the start of a row on; ``length`` of them are whole rows."""

    def __init__(self, text: bytes, start: int, stop: int, separator: int, first_line: int) -> None:
        self.text, self.start, self.separator, self.first_line = text, start, separator, first_line
        self.is_last = stop == len(text)
        self.bytes_B = np.frombuffer(text, np.uint8, stop - start, start)
        is_quote_B = self.bytes_B == QUOTE
        self.quotes = np.flatnonzero(is_quote_B)
        self.marks = np.flatnonzero((self.bytes_B == separator) | (self.bytes_B == NEWLINE))
        self.is_within_B = np.bitwise_xor.accumulate(is_quote_B.view(np.uint8)).view(np.bool_)
        self.outside = self.marks[~self.is_within_B[self.marks]] if len(self.quotes) else self.marks
        newlines = self.outside[self.bytes_B[self.outside] == NEWLINE]
        self.length = stop - start if self.is_last else int(newlines[-1]) + 1 if len(newlines) else 0

    def rows(self, first_row: int) -> RowBlock:
        """Line ends, fields and blanks of the whole rows."""
        marks = self.outside[self.outside < self.length]
        if self.bytes_B[self.length - 1] != NEWLINE:  # the last row may have no line end
            marks = np.append(marks, self.length)
        ends_in_marks = np.flatnonzero(self._byte(marks) != self.separator)
        ends_R, fields_R = marks[ends_in_marks], np.diff(ends_in_marks, prepend=-1)
        sizes_R = np.diff(ends_R, prepend=-1) - 1
        returns_R = (sizes_R > 0) & (self._byte(ends_R - 1) == RETURN)
        filled_R = sizes_R - returns_R > fields_R - 1
        return RowBlock(self.start, first_row, self.first_line, ends_R + self.start, fields_R, filled_R)

    def check(self) -> None:
        """Refuse what is malformed first.

        Raises:
            PipelineError: If anything is, with its line.
        """
        found = [*self._bad_quotes(), *self._bad_returns()]
        if found:
            begins, ends, what, hint = min(found)
            line = self.first_line + self.text.count(b"\n", self.start, self.start + begins)
            shown = reprlib.repr(self.text[self.start + begins : self.start + ends].decode(errors="replace"))
            raise PipelineError(f"{what}: {shown}", where=f"line {line}", hint=hint)

    def _byte(self, positions: Positions) -> NDArray[np.uint8]:
        """Bytes at some positions; a line end where the text ends."""
        return np.where(positions < len(self.bytes_B), self.bytes_B[positions % len(self.bytes_B)], NEWLINE)

    def _bad_quotes(self) -> Iterator[tuple[int, int, str, str]]:
        """First cell whose quotes do not pair, and first with a quote in its middle.

        Yields:
            Begin and end, message and hint.
        """
        if not len(self.quotes):
            return
        opening, closing = self.quotes[::2], self.quotes[1::2]
        follows = np.append(False, opening[1:] == closing[: len(opening) - 1] + 1)  # the second of two quotes
        before = np.where(opening > 0, self.bytes_B[opening - 1], NEWLINE)
        run = np.maximum.accumulate(np.where(follows, 0, np.arange(len(opening))))  # where the cell has its first
        is_quoted = ((before == self.separator) | (before == NEWLINE))[run]
        paired = slice(len(closing))
        after, then = self._byte(closing + 1), self._byte(closing + 2)
        ends_cell = (after == self.separator) | (after == NEWLINE) | (after == QUOTE)
        ends_cell |= (after == RETURN) & (then == NEWLINE)
        for number in np.flatnonzero(is_quoted[paired] & ~ends_cell)[:1]:
            yield self._unpaired(int(opening[run[number]]), int(closing[number]) + 2)
        loose = np.flatnonzero(~is_quoted[paired])
        ends = np.flatnonzero(np.isin(self.bytes_B, (self.separator, NEWLINE, RETURN))) if len(loose) else loose
        crosses = np.searchsorted(ends, opening[loose]) != np.searchsorted(ends, closing[loose])
        for number in loose[crosses][:1]:
            yield self._in_the_middle(int(opening[number]))
        if self.is_last and len(opening) > len(closing):
            if is_quoted[-1]:
                yield self._unpaired(int(opening[run[-1]]), self.length)
            else:
                yield self._in_the_middle(int(opening[-1]))

    def _unpaired(self, begins: int, ends: int) -> tuple[int, int, str, str]:
        cell = self.text[self.start + begins : self.start + ends]
        hint = _BACKSLASHED if b'\\"' in cell else _PAIRED
        return begins, ends, "the quotes of a cell do not pair", hint

    def _in_the_middle(self, quote: int) -> tuple[int, int, str, str]:
        before, after = self.marks[self.marks < quote][-1:], self.marks[self.marks > quote][:1]
        begins, ends = int(before[0]) + 1 if len(before) else 0, int(after[0]) if len(after) else len(self.bytes_B)
        return begins, ends, "a quote lies in the middle of a cell", _PAIRED

    def _bad_returns(self) -> Iterator[tuple[int, int, str, str]]:
        """First carriage return outside quotes after which no line ends.

        Yields:
            Begin and end, message and hint.
        """
        returns = np.flatnonzero(self.bytes_B == RETURN)
        after = self._byte(returns + 1)
        alone = returns[(after != NEWLINE) & ~self.is_within_B[returns]]
        for position in alone[alone + 1 < len(self.bytes_B)][:1]:
            yield int(position), int(position) + 2, "a carriage return ends no line", _UNIX
