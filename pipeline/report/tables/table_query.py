"""Query of a table: the rows that a condition in SQL lets through, some columns, an order, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.errors import PipelineError, nearest

ORDERS = {"asc": False, "desc": True}


@dataclass(frozen=True)
class TableQuery:
    """What is asked of a table, in the words of SQL: ``SELECT ... WHERE ... ORDER BY ... LIMIT``.

    Args:
        where: A condition that polars' SQL reads, such as ``width >= 16 and status = 'done'``; empty: every row.
        select: Names of columns with commas in between; empty: all of them.
        sort: Names of columns, each with ``desc`` behind it for the largest first; empty: the order of the table.
        top: How many rows at most; none: all.
    """

    where: str = ""
    select: str = ""
    sort: str = ""
    top: int | None = None

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """The answer of a table; what is not recorded or no number comes last in either order.

        Args:
            table: Any table.

        Returns:
            Rows and columns of it.

        Raises:
            PipelineError: If the condition or the name of a column means nothing there.
        """
        rows = self._ordered(self._filtered(table))
        rows = rows if self.top is None else rows.head(min(self.top, rows.height))
        columns = _names(self.select)
        _check("--select", columns, table)
        if twice := [name for name in columns if columns.count(name) > 1]:
            raise PipelineError(f"{twice[0]!r} is named twice", where="--select", hint="delete one of the two")
        return rows.select(columns) if columns else rows

    def _filtered(self, table: pl.DataFrame) -> pl.DataFrame:
        if not self.where.strip():
            return table
        try:
            condition = pl.sql_expr(self.where)
            _check("--where", condition.meta.root_names(), table)
            return table.filter(condition)
        except pl.exceptions.PolarsError as error:
            what = f"{self.where!r} is no condition: {str(error).splitlines()[0]}"
            hint = "write one as in SQL, such as \"width >= 16 and status = 'done'\""
            raise PipelineError(what, where="--where", hint=hint) from None

    def _ordered(self, rows: pl.DataFrame) -> pl.DataFrame:
        keys = [_key(text) for text in _names(self.sort)]
        _check("--sort", [name for name, _ in keys], rows)
        if not keys:
            return rows
        columns = [_without_nan(rows, name) for name, _ in keys]
        return rows.sort(columns, descending=[order for _, order in keys], nulls_last=True, maintain_order=True)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _key(text: str) -> tuple[str, bool]:
    """The name of a column to sort by, and whether its largest comes first."""
    name, _, order = text.rpartition(" ")
    return (name.strip(), ORDERS[order.lower()]) if name and order.lower() in ORDERS else (text, False)


def _without_nan(rows: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).fill_nan(None) if rows.schema[name].is_float() else pl.col(name)


def _check(option: str, names: Sequence[str], table: pl.DataFrame) -> None:
    """Refuse the first name that no column of a table has."""
    for name in names:
        if name not in table.columns:
            raise PipelineError(f"there is no column {name!r}", where=option, hint=nearest(name, table.columns))
