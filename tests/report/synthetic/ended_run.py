"""A run in which every trial ended with a given test error, without training; infinite is diverged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import polars as pl
from synthetic_run import outcomes_of, records_of

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records.schema import FITTED_SAMPLES
from pipeline.report.answer.answer import Answer, answer_of
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

LAST = 2000


def ended(
    error: Callable[[Trial], float],
    models: tuple[Model, ...] = (Shallow(),),
    widths: tuple[int, ...] = (2,),
    rates: Any = (0.1,),
    also: Callable[[Trial], list[tuple[int, str, float]]] = lambda trial: [],
    settles: Callable[[Trial], int] = lambda trial: 10,
    **fields: Any,
) -> tuple[RunTables, pl.DataFrame]:
    """Tables and outcomes of the run: the error falls to its last value at the step that ``settles`` says."""
    axes: dict[str, Any] = {"target": (AbsoluteValue(),), "seeds": 5, "learning_rates": rates} | fields
    plan = make_plan("ended", Experiment("?", models, widths, **axes))

    def numbers(trial: Trial) -> list[tuple[int, str, float]]:
        last = error(trial)
        steps = {0: last + 1, settles(trial): last, LAST: last}
        return [*((step, "test_error", value) for step, value in steps.items()), *also(trial)]

    diverged = [trial.id for trial in plan.trials.values() if math.isinf(error(trial))]
    status = pl.when(pl.col("trial").is_in(diverged)).then(pl.lit("diverged")).otherwise("status")
    outcomes = outcomes_of(plan, "done").with_columns(status.alias("status"))
    records = records_of(plan, numbers)
    return RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame(schema=FITTED_SAMPLES)), outcomes


def answered(error: Callable[[Trial], float], **fields: Any) -> Answer:
    """What such a run answers."""
    return answer_of(*ended(error, **fields))
