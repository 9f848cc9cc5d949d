"""Two runs side by side: what differs in the question, in how trials ended, and in their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.experiment.written_fields import written_fields
from pipeline.plans import Plan, read_plan, read_provenance
from pipeline.records.store import read_outcomes
from pipeline.report.answer.best import best_models
from pipeline.report.tables.cells import PROBLEM, TRAINING
from pipeline.report.tables.damaged_files import NO_DAMAGE, Damage, despite_damage
from pipeline.report.tables.results import read_results

ORIGIN = ("version", "code", "engine", "device", "host")
"""Columns of outcomes that say where and with what trials were trained."""
AXES = ("model", *TRAINING, "width", "learning_rate", "seed")
"""Columns by which a person knows a trial; a table has those of ``TRAINING`` in which its trials differ."""


@dataclass(frozen=True)
class RecordedSweep:
    """A run as far as it is recorded.

    Args:
        plan: Of the run.
        outcomes: How its trials ended.
        results: One row for every trial.
        planned: Provenance of the plan.
        damage: What of it cannot be read.
    """

    plan: Plan
    outcomes: pl.DataFrame
    results: pl.DataFrame
    planned: dict[str, Any]
    damage: Damage = NO_DAMAGE


@dataclass(frozen=True)
class RunComparison:
    """What two runs have in common, and what not.

    Args:
        question: Fields of the experiment that differ: ``field``, ``first`` and ``second``, as JSON.
        origin: Where and with what each was planned and trained: ``what``, ``first`` and ``second``.
        both: How many trials are in both.
        numbers: For each diagnostic how many trials have one in both, how many of these differ, and the one that
            differs most.
        endings: Trials of both that ended otherwise.
        alone: Trials in one only.
        best: What did best in each run on each of its problems.
    """

    question: pl.DataFrame
    origin: pl.DataFrame
    both: int
    numbers: pl.DataFrame
    endings: pl.DataFrame
    alone: pl.DataFrame
    best: pl.DataFrame


def read_sweep(run: Path) -> RecordedSweep:
    """Read a run from its folder, without what is damaged.

    Args:
        run: The folder.

    Returns:
        Plan, outcomes and results.

    Raises:
        PipelineError: If it is not the folder of a run.
    """
    plan, provenance = read_plan(run), read_provenance(run)

    def read(damage: Damage) -> RecordedSweep:
        outcomes = read_outcomes(run, damage.packs)
        return RecordedSweep(plan, outcomes, read_results(run, plan, outcomes, damage), provenance, damage)

    return despite_damage(run, read)


def compare_runs(first: RecordedSweep, second: RecordedSweep) -> RunComparison:
    """Put two runs side by side; trials are the same if their ids are.

    Args:
        first: One run.
        second: Another, or the same.

    Returns:
        What differs. Two numbers differ if they are not equal, two NaN are.
    """
    runs = {"first": first, "second": second}
    others = second.results.select("trial", **{f"{name} there": name for name in second.results.columns[1:]})
    both = first.results.join(others, on="trial", maintain_order="left")
    return RunComparison(
        _side_by_side("field", *(written_fields(run.plan.experiment) for run in runs.values())),
        _side_by_side("what", *(_origin(run) for run in runs.values())),
        both.height,
        pl.DataFrame(list(_numbers(both, first.results, second.results)), schema=NUMBERS, orient="row"),
        _endings(both),
        _alone(first.results, second.results),
        _best(runs),
    )


def _origin(run: RecordedSweep) -> dict[str, str]:
    """Where a plan and its trials are from."""
    trained = {name: ", ".join(sorted(run.outcomes[name].drop_nulls().unique())) for name in ORIGIN}
    return {
        "planned": str(run.planned.get("date", "")),
        "planned on": str(run.planned.get("host", "")),
        **{f"trained by {name}": words for name, words in trained.items()},
        "trials": str(run.results.height),
        "ended": str(run.outcomes.height),
    }


def _side_by_side(name: str, first: dict[str, str], second: dict[str, str]) -> pl.DataFrame:
    """Rows of two mappings in which they differ; of what only one has, the other is null."""
    places = dict.fromkeys([*first, *second])
    rows = [(place, first.get(place), second.get(place)) for place in places if first.get(place) != second.get(place)]
    return pl.DataFrame(rows, schema={name: pl.String, "first": pl.String, "second": pl.String}, orient="row")


NUMBERS = {
    "diagnostic": pl.String,
    "trials": pl.UInt32,
    "differ": pl.UInt32,
    "in_one": pl.UInt32,
    "difference": pl.Float64,
    "trial": pl.String,
    "first": pl.Float64,
    "second": pl.Float64,
}
"""Columns of ``RunComparison.numbers``: ``in_one`` counts trials that have the number in one run only; ``difference``
is the largest, relative to the larger of the two numbers, and infinite where only one of them is finite."""


def _numbers(both: pl.DataFrame, *results: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    """A row of ``NUMBERS`` for each diagnostic that both runs know."""
    known = [_diagnostics(table) for table in results]
    for name in (name for name in known[0] if name in known[1]):
        pairs = both.select("trial", first=name, second=f"{name} there").with_columns(difference=_difference())
        measured = pairs.drop_nulls(["first", "second"])
        differing = measured.filter(pl.col("difference") > 0)
        in_one = pairs.filter(pl.col("first").is_null() != pl.col("second").is_null()).height
        most = differing.sort("difference", descending=True, maintain_order=True).select(list(NUMBERS)[4:]).head(1)
        equal = (0.0 if measured.height else None, None, None, None)
        yield name, measured.height, differing.height, in_one, *(most.row(0) if most.height else equal)


def _difference() -> pl.Expr:
    """How far two numbers lie apart, relative to the larger; NaN equals NaN, and infinity itself."""
    first, second = pl.col("first"), pl.col("second")
    relative = (first - second).abs() / pl.max_horizontal(first.abs(), second.abs())
    finite = first.is_finite() & second.is_finite()
    return pl.when(first == second).then(0.0).when(finite).then(relative).otherwise(math.inf)


def _diagnostics(results: pl.DataFrame) -> Sequence[str]:
    """The columns of numbers behind what is known of a trial before it is measured."""
    after = results.columns[results.columns.index("limit") + 1 :]
    return [name for name in after if results.schema[name].is_float()]


def _endings(both: pl.DataFrame) -> pl.DataFrame:
    """Trials that ended in another status, or at another step."""
    differ = pl.col("status").ne_missing(pl.col("status there")) | pl.col("step").ne_missing(pl.col("step there"))
    first, second = (
        pl.format("{} at step {}", f"status{which}", pl.col(f"step{which}").fill_null(0)) for which in ("", " there")
    )
    return both.filter(differ).select("trial", *_axes_of(both), first=first, second=second)


def _alone(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Trials that the other run does not have, ``run`` says whose they are."""
    parts = [
        one.join(other, on="trial", how="anti", maintain_order="left").select(
            pl.lit(run).alias("run"), "trial", *_axes_of(one), "status"
        )
        for one, other, run in ((first, second, "first"), (second, first, "second"))
    ]
    return pl.concat(parts, how="diagonal")


def _axes_of(table: pl.DataFrame) -> list[str]:
    return [name for name in AXES if name in table.columns]


def _best(runs: dict[str, RecordedSweep]) -> pl.DataFrame:
    """What did best in each run on each problem, by the rule of ``best``."""
    parts = []
    for name, run in runs.items():
        best = best_models(run.results).filter("best")
        setting = (name for name in ("model", *TRAINING, "width", "rate") if name in best.columns)
        parts.append(best.select(pl.lit(name).alias("run"), *PROBLEM, *setting, "median", "seeds"))
    return pl.concat(parts, how="diagonal")


def first_ranks(best: pl.DataFrame) -> list[str]:
    """Whether the same model ranks first in both runs, in a sentence; seeds may not tell it from the next.

    Args:
        best: As ``RunComparison.best``.

    Returns:
        At most one sentence: none where a run has no best model yet.
    """
    first, second = ({row[:-1]: row[-1] for row in part.rows()} for part in _first_of_each(best))
    if not first or not second:
        return []
    problems = [problem for problem in first if problem in second]
    same = [problem for problem in problems if first[problem] == second[problem]]
    if not problems:
        return ["no problem is in both, so that their answers are to different questions"]
    if len(problems) == 1:
        (here,), (there,) = ([models[problem] for problem in problems] for models in (first, second))
        return [f"{here} ranks first in both" if same else f"{here} ranks first in the first, {there} in the second"]
    return [f"on {len(same)} of the {len(problems)} problems that are in both, the same model ranks first in both"]


def _first_of_each(best: pl.DataFrame) -> list[pl.DataFrame]:
    """Of each run its problems, each with the model that ranks first."""
    return [best.filter(pl.col("run") == run).select(*PROBLEM, "model") for run in ("first", "second")]
