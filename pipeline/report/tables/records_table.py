"""The records of a run as a tidy table: one number a row, beside the trial, the step and the diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import polars as pl

from pipeline.errors import PipelineError, nearest
from pipeline.records.schema import Records
from pipeline.report.tables.table_query import TableQuery

EVERYTHING = TableQuery()
TIDY = ("trial", "step", "diagnostic", "value")
"""Columns of a record; those of the results can be asked for by name."""


def records_table(
    planned: Callable[[], Collection[str]],
    records: Records,
    results: Callable[[], pl.DataFrame],
    diagnostics: Sequence[str] = (),
    query: TableQuery = EVERYTHING,
) -> pl.DataFrame:
    """The records that a query lets through, in the order in which they are stored: pack by pack.

    Args:
        planned: Gives the names of what the run records; called only if diagnostics are named.
        records: Its records, which need not fit into memory; what the query lets through has to.
        results: Makes one row for each trial; called only if the query names one of its columns, such as ``width`` or
            ``standing``. A name that both have, such as ``step``, is that of the record.
        diagnostics: Names of those wanted; none for all.
        query: Condition, columns, order and number of rows.

    Returns:
        Columns ``trial``, ``step`` (updates done), ``diagnostic`` and ``value`` (float64; infinite and NaN are values),
        without ``diagnostic`` where one was named; or those that the query selects.

    Raises:
        PipelineError: If nothing is recorded by such a name, or the query means nothing.
    """
    tidy = records.lazy().select(TIDY)
    if diagnostics:
        _check(set(planned()), tidy, diagnostics)
        tidy = tidy.filter(pl.col("diagnostic").is_in(list(diagnostics)))
    schema = dict(tidy.collect_schema())
    if query.names() - schema.keys():
        of_trial = results().drop(TIDY[1:], strict=False)
        tidy = tidy.join(of_trial.lazy(), on="trial", maintain_order="left")
        schema |= dict(of_trial.schema)
    rows = query.lazily(tidy, schema)
    if not query.select:
        rows = rows.select(TIDY).drop("diagnostic") if len(diagnostics) == 1 else rows.select(TIDY)
    return query.collect(rows)


def _check(planned: set[str], records: pl.LazyFrame, diagnostics: Sequence[str]) -> None:
    """Refuse the first name of which nothing is recorded, and nothing is going to be."""
    if planned >= set(diagnostics):
        return
    recorded = set(records.select(pl.col("diagnostic").unique()).collect(engine="streaming")["diagnostic"])
    for name in diagnostics:
        if name not in planned | recorded:
            raise PipelineError(f"no diagnostic {name!r} is recorded", hint=nearest(name, planned | recorded))
