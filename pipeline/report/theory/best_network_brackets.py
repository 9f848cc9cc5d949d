"""Brackets of the error of the best ReLU network of one input, for the problems and widths of a run."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipeline.models.best_networks import ErrorBracket, best_networks, has_best_network, held_out_points
from pipeline.plans import Plan
from pipeline.problems.problem import Problem
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.theory_folder import kept, on_all_cores

METHOD = "best_network_1"
"""Raise the number when other numbers come out."""
SCHEMA = {"width": pl.Int64, "lower": pl.Float64, "upper": pl.Float64, "scale": pl.Float64}

Brackets = Mapping[str, "BestNetworks"]
"""By the identity of a problem."""


@dataclass(frozen=True)
class BestNetworks:
    """The best ReLU networks of a problem.

    Args:
        by_width: Brackets of their errors; empty where none is known.
        scale: Largest held-out value, which roundings are relative to.
    """

    by_width: Mapping[int, ErrorBracket] = field(default_factory=dict)
    scale: float = 0.0


NONE_KNOWN: BestNetworks = BestNetworks()
"""Of a problem of which nothing is known."""


def brackets_of_plan(plan: Plan, run: Path | None) -> Brackets:
    """Brackets of every problem of a plan, at the widths of its experiment; each is computed once.

    Args:
        plan: Of the run.
        run: Its folder, where they are kept; ``None`` to keep nothing.

    Returns:
        Of problems of several inputs, outputs or classes none, nor of points that cannot be read any more.
    """
    problems = {pack.shape.problem.identity: pack.shape.problem for pack in plan.packs}
    known = [problem for problem in problems.values() if has_best_network(problem)]
    work = functools.partial(_table, sorted({pack.shape.width for pack in plan.packs}), run)
    tables = dict(zip((problem.identity for problem in known), on_all_cores(work, known), strict=True))
    return {identity: _brackets(table) for identity, table in tables.items()}


def _table(widths: Sequence[int], run: Path | None, problem: Problem) -> pl.DataFrame:
    content = {"problem": problem.identity, "widths": list(widths)}
    return kept(run, METHOD, content, functools.partial(_computed, problem, widths))


def _computed(problem: Problem, widths: Sequence[int]) -> pl.DataFrame:
    dataset = dataset_of(problem)
    if dataset is None:
        return pl.DataFrame(schema=SCHEMA)
    scale = float(dataset.test_targets_PK.abs().max())
    found = best_networks(held_out_points(dataset), widths)
    rows = [(width, bracket.lower, bracket.upper, scale) for width, bracket in found.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _brackets(table: pl.DataFrame) -> BestNetworks:
    by_width = {width: ErrorBracket(lower, upper) for width, lower, upper, _ in table.iter_rows()}
    return BestNetworks(by_width, max(table["scale"], default=0.0))
