"""The tables and figures of a run in which every trial recorded given numbers, without training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.plans import Plan, make_plan
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

BY_NAME = {figure.name: figure for figure in FIGURES}
UNSHOWN = ("phases_by_rate_and_width", "feature_change_by_width")
OF_RATES = tuple(figure for figure in FIGURES if figure.name not in UNSHOWN)
"""Figures of a run without hidden units whose learning rates are numbers, not multiples of a limit."""

Numbers = Callable[[Trial], Iterable[tuple[int, str, float]]]
"""Rows of step, diagnostic and value that a trial recorded."""


def records_of(plan: Plan, numbers: Numbers) -> pl.DataFrame:
    rows = [(trial.id, *row, "pack") for trial in plan.trials.values() for row in numbers(trial)]
    return pl.DataFrame(rows, schema=RECORDS, orient="row")


def outcomes_of(plan: Plan, status: str) -> pl.DataFrame:
    """Every trial ended at step 10, at the learning rate that was planned as a number."""
    rows = [
        (
            *(trial.id, status, 10, "", trial.learning_rate if isinstance(trial.learning_rate, float) else None),
            *(0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", ""),
        )
        for trial in plan.trials.values()
    ]
    return pl.DataFrame(rows, schema=OUTCOMES, orient="row")


def tables_of(experiment: Experiment, numbers: Numbers, status: str = "done") -> RunTables:
    plan = make_plan("test", experiment)
    records = records_of(plan, numbers)
    table = results(plan, records, outcomes_of(plan, status))
    return RunTables(plan, table, records, pl.DataFrame(schema=FITTED_SAMPLES))


def results_of(experiment: Experiment, numbers: Numbers, status: str = "done") -> pl.DataFrame:
    return tables_of(experiment, numbers, status).results


def drawn(name: str, tables: RunTables) -> Any:
    """The specification of a figure as a browser reads it; fails on numbers that JSON does not have."""
    chart = BY_NAME[name].draw(tables)
    return None if chart is None else json.loads(json.dumps(chart.to_dict(), allow_nan=False))


def rows_with(spec: dict[str, Any], *columns: str) -> list[dict[str, Any]]:
    """Rows of the data sets of a figure that have all of these columns."""
    return [row for rows in spec["datasets"].values() for row in rows if set(columns) <= set(row)]
