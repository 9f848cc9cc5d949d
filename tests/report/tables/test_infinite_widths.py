"""Networks beside their limit of infinite width, at the greatest width that ran."""

from __future__ import annotations

import json

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.initialisations import Glorot, Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plan import make_plan
from pipeline.problems.targets import Sine
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.error_by_width import error_by_width
from pipeline.report.tables.infinite_widths import infinite_widths
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

LIMIT, NONE = Shallow(Tanh(), Lecun()), Shallow(Tanh(), Glorot())


def tables_of(*models, diagnostic="test_error"):
    """A run in which every trial ended with a test error of a half."""
    arguments = {"target": (Sine(),), "learning_rates": (1e-3,), "seeds": 2, "steps": (20,)}
    plan = make_plan("test", Experiment("?", models, (4, 8), **arguments))
    rows = [(trial, 20, diagnostic, 0.5, "pack") for trial in plan.trials]
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "")
    ended = [(trial.id, "done", 20, "", trial.learning_rate, *where) for trial in plan.trials.values()]
    table = results(plan, records, pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    return RunTables(plan, table, records, pl.DataFrame(schema=FITTED_SAMPLES))


def test_the_widest_network_stands_beside_its_limit_and_what_has_none_says_why():
    tables = tables_of(LIMIT, NONE, Linear())
    first, second = infinite_widths(tables).iter_rows(named=True)
    assert (first["width"], first["test_error"], first["limit"]) == (8, 0.5, "exists")
    assert first["ratio"] == pytest.approx(0.5 / first["infinite_width_error"])
    assert second["infinite_width_error"] is None
    assert second["limit"].startswith("none from glorot")


@pytest.mark.parametrize("tables", [tables_of(NONE), tables_of(Linear()), tables_of(LIMIT, diagnostic="loss")])
def test_there_is_no_table_where_nothing_has_a_limit_or_a_test_error(tables):
    assert infinite_widths(tables).is_empty()


def test_the_limit_is_a_line_in_the_figure_of_the_error():
    tables = tables_of(LIMIT)
    chart = json.dumps(error_by_width(tables).to_dict())
    assert "theory: infinite width" in chart
    assert "theory: infinite width" not in json.dumps(error_by_width(tables_of(NONE)).to_dict())
