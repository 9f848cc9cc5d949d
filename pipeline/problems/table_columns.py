"""Columns of a table as numbers, labels or classes; a cell that is none is refused with its place.

Shape letters: R rows of a table.
"""

from __future__ import annotations

import dataclasses
import decimal
import itertools
import math
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pipeline.errors import FieldError, brief
from pipeline.problems.table_rows import Matrix

if TYPE_CHECKING:  # loaded where a table is read, because much that reads none must run where it is not installed
    import polars as pl

Decimal = Literal[".", ","]
"""What stands before the fraction in a number."""

FIRST_UNSURE = 2**53
"""The first integer whose neighbour float64 cannot tell from it."""

MOST_ONE_HOT = 1 << 28
"""Rows times classes: 2 GiB of zeros and ones."""


@dataclass(frozen=True)
class Column:
    """Cells of one column, and how to name the place of one.

    Args:
        field: Field and position that the column was named at.
        file: Name of the file.
        cells: Numbers as they are, text stripped, null where there is nothing.
        decimal: What stands before the fraction in a number that is text.
        line_of: Line of a row counted from 0, where the file has lines.
        if_comma: Hint for a cell that is no number and has a comma in it.
    """

    field: tuple[str, int]
    file: str
    cells: pl.Series
    decimal: Decimal = "."
    line_of: Callable[[int], int] | None = None
    if_comma: str = ""

    def numbers(self) -> Matrix:
        """Numbers: the cells in float64.

        Returns:
            Shape ``[R]``.

        Raises:
            FieldError: If a cell is no finite number, two numbers are one in float64, or the column is constant.
        """
        import polars as pl

        values = self._floats()

        def wrong(row: int) -> str:
            cell, value = reprlib.repr(self.cells[row]), values[row]
            if value is None:
                return f"{cell} is not a number"
            return f"{cell} is a missing value" if np.isnan(value) else f"{cell} is not finite in float64"

        good = values.is_finite().fill_null(False)
        hint = f"write numbers like -1{self.decimal}5e3; nothing is filled in here"
        if self.decimal == "." and self.if_comma and "," in str(self.cells.filter(~good).slice(0, 1).to_list()):
            hint = self.if_comma
        self._refuse(~good, wrong, hint)
        large = values.abs() >= FIRST_UNSURE
        if large.any():
            integers = self.cells.cast(pl.String).str.extract(r"^[+-]?0*(\d+)(?:\.0*)?$")
            self._refuse_merged(
                values.set(~large, None),
                integers,
                "is {} in float64, which cannot tell them apart",
                "take off what all of them share, for float64 holds 53 bits; or leave the column out",
            )
        self._refuse_constant(values)
        return values.to_numpy()

    def labels(self) -> Matrix:
        """Labels: the cells, 0 or 1 each, in float64.

        Returns:
            Shape ``[R]``.

        Raises:
            FieldError: If a cell is neither 0 nor 1, or the column is constant.
        """
        import polars as pl

        column = self
        if self.cells.dtype == pl.String:
            digits = self.cells.str.to_lowercase().replace({"false": "0", "true": "1"})
            column = dataclasses.replace(self, cells=digits)
        values = column._floats()

        def wrong(row: int) -> str:
            return f"{reprlib.repr(self.cells[row])} is neither 0 nor 1"

        self._refuse(~values.is_in([0.0, 1.0]).fill_null(False), wrong, "write 0 or false, 1 or true")
        self._refuse_constant(values)
        return values.to_numpy()

    def classes(self) -> tuple[Matrix, tuple[str, ...]]:
        """Classes, one-hot: one column of 0 and 1 for each class, the classes sorted.

        Returns:
            Shape ``[R, K]``, float64, and the names of the classes.

        Raises:
            FieldError: If a cell is no class, the column is constant, or there are too many classes.
        """
        import polars as pl

        hint = "classes are all integers or all words; for numbers, set outputs_are: regression"
        values, good = self.cells, self.cells.is_not_null()
        numbers = self._floats()
        is_text = self.cells.dtype == pl.String
        # If one is a number then all of them are, and 'NA' among them is a mistake; inf and nan alone are words.
        if not is_text or numbers.is_finite().any():
            values, good = numbers, (numbers == numbers.floor()) & (numbers.abs() < FIRST_UNSURE)

        def wrong(row: int) -> str:
            value = numbers[row]
            is_large = value is not None and FIRST_UNSURE <= abs(value) < math.inf
            what = "is larger than the integers that float64 tells apart" if is_large else "is not an integer"
            return f"{reprlib.repr(self.cells[row])} {what}"

        self._refuse(~good.fill_null(False), wrong, hint)
        if is_text and values is numbers:
            plain = self.cells.str.replace(rf"\{self.decimal}0*$", "")
            apart = "write every class in one way; where these are several, give codes a letter, such as 'c007'"
            self._refuse_merged(values, plain, "is the integer {} in other digits", apart)
        elif is_text:
            truths = self.cells.str.to_lowercase()
            truths = truths.set(~truths.is_in(["false", "true"]), None)
            self._refuse_merged(truths, self.cells, "is {} in other letters", "write each truth value in one way")
        self._refuse_constant(values)
        classes, which_R = np.unique(values.to_numpy(), return_inverse=True)
        if len(classes) * len(which_R) > MOST_ONE_HOT:
            what = f"{self.file}, column {brief(self.cells.name)!r}: {len(classes)} classes in {len(which_R)} rows"
            raise FieldError(self.field, what, hint="a class has many rows; for numbers, set outputs_are: regression")
        names = tuple(f"{name:.0f}" if isinstance(name, float) else str(name) for name in classes.tolist())
        return np.eye(len(classes))[which_R], names

    def _floats(self) -> pl.Series:
        """Cells in float64, null where one is no number."""
        import polars as pl

        cells = self.cells
        if cells.dtype == pl.String and self.decimal == ",":
            cells = cells.set(cells.str.contains(".", literal=True), None).str.replace(",", ".", literal=True)
        return cells.cast(pl.Float64, strict=False)

    def _refuse(self, bad: pl.Series, wrong: Callable[[int], str], hint: str) -> None:
        """Refuse the first of the bad rows, with the number of others.

        Raises:
            FieldError: If there are bad rows.
        """
        rows = bad.arg_true()
        if rows.is_empty():
            return
        row = int(rows[0])
        what = "the cell is empty" if self.cells[row] is None else wrong(row)
        others = len(rows) - 1
        more = f"; {others} more of its cells {'is' if others == 1 else 'are'} no better" if others else ""
        raise FieldError(self.field, f"{self._place(row)}: {what}{more}", hint=hint)

    def _refuse_merged(self, values: pl.Series, texts: pl.Series, how: str, hint: str) -> None:
        """Refuse the first row whose value is that of a row before, though its text is not.

        Raises:
            FieldError: If there is one.
        """
        import polars as pl

        frame = pl.DataFrame({"value": values, "text": texts}).with_row_index("row").drop_nulls()
        first = frame.unique("text", keep="first", maintain_order=True)
        merged = first.filter(~pl.col("value").is_first_distinct())
        if merged.is_empty():
            return
        row, value, _ = merged.row(0)
        before = first.filter(pl.col("value") == value)["row"][0]
        cell, same = (reprlib.repr(self.cells[number]) for number in (row, before))
        raise FieldError(self.field, f"{self._place(row)}: {cell} {how.format(same)}", hint=hint)

    def _refuse_constant(self, values: pl.Series) -> None:
        if values.min() != values.max():
            return
        holds = f"every row holds {reprlib.repr(self.cells[0])}"
        if len({_exact(str(cell)) for cell in itertools.islice(self.cells.unique(), 1000)}) > 1:
            holds = f"every row is {values[0]!r} in float64"
        what = f"{self.file}, column {brief(self.cells.name)!r}: {holds}"
        raise FieldError(self.field, what, hint="a column that never changes tells nothing; leave it out")

    def _place(self, row: int) -> str:
        place = f"row {row + 1}" if self.line_of is None else f"line {self.line_of(row)}"
        return f"{self.file}, {place}, column {brief(self.cells.name)!r}"


def _exact(text: str) -> decimal.Decimal | str:
    """A number that is written out, to its last digit."""
    truths = {"true": "1", "false": "0"}
    try:
        number = decimal.Decimal(truths.get(text.lower(), text).replace(",", "."))
    except decimal.InvalidOperation:
        return text
    return number if number.is_finite() else text
