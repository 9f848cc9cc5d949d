"""Query of a table: the rows that a condition in SQL lets through, some columns, an order, and how many."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.errors import ArgumentError, nearest

MOST_ROWS = 2**32 - 2
"""As many as polars counts."""
ORDERS = {"asc": False, "desc": True}


@dataclass(frozen=True)
class TableQuery:
    """What is asked of a table, in the words of SQL: ``SELECT ... WHERE ... ORDER BY ... LIMIT``.

    Args:
        where: A condition that polars' SQL reads, such as ``width >= 16 and status = 'done'``; empty: every row.
        select: Names of columns with commas in between, or a list of them; empty: all of them.
        sort: The same, each with ``desc`` behind it for the largest first; empty: the order of the table.
        top: How many rows at most; none: all.

    Raises:
        ArgumentError: If one is of another type, or ``top`` is negative.
    """

    where: str = ""
    select: str | Sequence[str] = ""
    sort: str | Sequence[str] = ""
    top: int | None = None

    def __post_init__(self) -> None:
        where: object = self.where  # a notebook knows no types
        if not isinstance(where, str):
            what, hint = f"{where!r} is no text", "write a condition in SQL, or filter the frame that is returned"
            raise ArgumentError("where", what, hint=hint)
        for argument, names in (("select", self.select), ("sort", self.sort)):
            if not isinstance(names, str) and not all(isinstance(name, str) for name in names):
                raise ArgumentError(argument, "not all are names of columns", hint="write 'trial, loss'")
        if self.top is not None and not (isinstance(self.top, int) and self.top >= 0):
            raise ArgumentError("top", f"{self.top!r} is not an integer of at least 0", hint="leave it out for all")

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """The answer of a table; what is not recorded or no number comes last in either order.

        Args:
            table: Any table.

        Returns:
            Rows and columns of it.

        Raises:
            ArgumentError: If the condition or the name of a column means nothing there.
        """
        return self.collect(self.lazily(table.lazy(), table.schema))

    def lazily(self, table: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """The same of a table that may not fit into memory.

        Args:
            table: The table, of which nothing is read yet.
            schema: Its columns and their types.

        Returns:
            Rows and columns of it, for ``collect``.

        Raises:
            ArgumentError: If the name of a column means nothing there, or the condition is none.
        """
        condition = self._condition(schema)
        rows = table if condition is None else table.filter(condition)
        keys = [_key(text) for text in _names(self.sort)]
        _check("sort", [name for name, _ in keys], schema)
        if keys:
            columns, descending = [_without_nan(schema, name) for name, _ in keys], [order for _, order in keys]
            rows = rows.sort(columns, descending=descending, nulls_last=True, maintain_order=True)
        rows = rows if self.top is None else rows.head(min(self.top, MOST_ROWS))
        selected = _names(self.select)
        _check("select", selected, schema)
        if twice := [name for name in selected if selected.count(name) > 1]:
            raise ArgumentError("select", f"{twice[0]!r} is named twice", hint="delete one of the two")
        return rows.select(selected) if selected else rows

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """The rows themselves.

        Args:
            rows: What ``lazily`` returns.

        Returns:
            A table.

        Raises:
            ArgumentError: If the condition cannot be computed, as where a text is compared with a number.
            PolarsError: If rows without a condition cannot, as where a file is damaged.
        """
        try:
            return rows.collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            if not self.where.strip():
                raise
            raise self._no_condition(error) from None

    def names(self) -> set[str]:
        """All that it asks about by name, columns that are not there among that.

        Returns:
            Names of columns.

        Raises:
            ArgumentError: If the condition is none.
        """
        condition = self._condition(None)
        asked = set() if condition is None else set(condition.meta.root_names())
        return asked | {_key(text)[0] for text in _names(self.sort)} | set(_names(self.select))

    def _condition(self, schema: Mapping[str, pl.DataType] | None) -> pl.Expr | None:
        if not self.where.strip():
            return None
        where = self.where if schema is None else _quoted(self.where, schema)
        try:
            condition = pl.sql_expr(where)
        except pl.exceptions.PolarsError as error:
            raise self._no_condition(error) from None
        if schema is not None:
            _check("where", condition.meta.root_names(), schema)
        return condition

    def _no_condition(self, error: Exception) -> ArgumentError:
        what = f"{self.where!r} is no condition: {str(error).splitlines()[0]}"
        hint = "write one as in SQL, such as \"width >= 16 and status = 'done'\""
        return ArgumentError("where", what, hint=hint)


def _quoted(where: str, schema: Iterable[str]) -> str:
    """A condition in which double quotes around what is no column are those of a text, as in Python and SQLite."""
    names = set(schema)

    def text(match: re.Match[str]) -> str:
        word = match["word"]
        return match[0] if word is None or word in names else "'" + word.replace("'", "''") + "'"

    return re.sub(r"'(?:[^']|'')*'|\"(?P<word>[^\"]*)\"", text, where)


def _names(text: str | Sequence[str]) -> list[str]:
    names = text.split(",") if isinstance(text, str) else text
    return [name.strip() for name in names if name.strip()]


def _key(text: str) -> tuple[str, bool]:
    """The name of a column to sort by, and whether its largest comes first."""
    name, _, order = text.rpartition(" ")
    return (name.strip(), ORDERS[order.lower()]) if name and order.lower() in ORDERS else (text, False)


def _without_nan(schema: Mapping[str, pl.DataType], name: str) -> pl.Expr:
    return pl.col(name).fill_nan(None) if schema[name].is_float() else pl.col(name)


def _check(argument: str, names: Sequence[str], columns: Collection[str]) -> None:
    """Refuse the first name that no column of a table has."""
    for name in names:
        if name not in columns:
            raise ArgumentError(argument, f"there is no column {name!r}", hint=nearest(name, columns))
