"""Networks beside their limit of infinite width, at the greatest width that ran, at the end and on the way."""

from __future__ import annotations

import json

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.initialisations import Glorot, Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.error_by_width import error_by_width
from pipeline.report.tables.infinite_widths import SINGULAR, infinite_widths, infinite_widths_on_the_way
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

LIMIT, NONE = Shallow(Tanh(), Lecun()), Shallow(Tanh(), Glorot())


def tables_of(*models, diagnostic="test_error", diverged=0):
    """A run in which trials have a test error of 1 at first and of a half at last; the first ones diverge at once."""
    arguments = {"target": (Sine(),), "learning_rates": (1e-3,), "seeds": 3, "steps": (20,)}
    plan = make_plan("test", Experiment("?", models, (4, 8), **arguments))
    gone = {trial.id for trial in plan.trials.values() if trial.seed < diverged}
    rows = [(trial, step, diagnostic, error, "pack") for trial in plan.trials for step, error in ((0, 1.0), (20, 0.5))]
    rows = [row for row in rows if row[0] not in gone or row[1] == 0]
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [
        (trial.id, *(("diverged", 1) if trial.id in gone else ("done", 20)), "", trial.learning_rate, *where)
        for trial in plan.trials.values()
    ]
    table = results(plan, records, pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    return RunTables(plan, table, records, pl.DataFrame(schema=FITTED_SAMPLES))


def test_the_widest_network_stands_beside_its_limit_and_what_has_none_says_why():
    tables = tables_of(LIMIT, NONE, Linear())
    first, second = infinite_widths(tables).iter_rows(named=True)
    assert (first["width"], first["test_error"], first["limit"]) == (8, 0.5, SINGULAR)
    assert first["ratio"] == pytest.approx(0.5 / first["infinite_width_error"])
    assert second["infinite_width_error"] is None
    assert second["limit"].startswith("none from glorot")


@pytest.mark.parametrize(
    ("model", "diagnostic"), [(NONE, "test_error"), (Linear(), "test_error"), (LIMIT, "loss")], ids=str
)
def test_there_is_no_table_where_nothing_has_a_limit_or_a_test_error(model, diagnostic):
    tables = tables_of(model, diagnostic=diagnostic)
    assert infinite_widths(tables).is_empty()
    assert infinite_widths_on_the_way(tables).is_empty()


@pytest.mark.parametrize("diverged", [0, 1])
def test_on_the_way_both_errors_stand_beside_each_other_at_recorded_steps(diverged):
    tables = tables_of(LIMIT, NONE, Linear(), diverged=diverged)
    rows = infinite_widths_on_the_way(tables)
    assert rows.select("step", "test_error").rows() == [(0, 1.0), (20, 0.5)]
    assert set(rows["width"]) == {8}
    assert rows["ratio"].to_list() == pytest.approx((rows["test_error"] / rows["infinite_width_error"]).to_list())
    end = infinite_widths(tables)["infinite_width_error"][0]
    assert rows["infinite_width_error"].to_list()[1] == end != rows["infinite_width_error"][0]


def test_the_limit_is_a_line_in_the_figure_of_the_error():
    tables = tables_of(LIMIT)
    chart = json.dumps(error_by_width(tables).to_dict())
    assert "theory: infinite width" in chart
    assert "theory: infinite width" not in json.dumps(error_by_width(tables_of(NONE)).to_dict())


def test_most_seeds_that_diverged_leave_no_error_on_the_way():
    assert infinite_widths_on_the_way(tables_of(LIMIT, diverged=2))["step"].to_list() == [0]
