"""Problems that are not the same have labels that are not the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_run import results_of

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.plan import make_plan
from pipeline.problems.datasets import Digits, Table
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.plan_table import plan_table
from pipeline.report.tables.summary import summary

ABSOLUTE = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.5, 1.0), seeds=1)


def test_a_problem_with_several_losses_is_shown_with_each():
    experiment = Experiment(
        "?", (Linear(),), (2,), data=(Digits(),), loss=(SoftmaxCrossEntropy(), HalfMeanSquare()),
        learning_rates=(0.5,), seeds=1,
    )  # fmt: skip
    errors = {"softmax_cross_entropy": 0.1, "half_mean_square": 0.2}
    table = results_of(experiment, lambda trial: [(10, "test_error", errors[trial.shape.loss.name()])])
    shown = dict(summary(table).select("problem", "median_test_error").iter_rows())
    assert shown == {f"digits by {loss}": error for loss, error in errors.items()}
    assert plan_table(make_plan("test", experiment))["problem"].to_list() == list(shown)


def test_two_tables_with_one_label_are_two_problems(tmp_path):
    tables = []
    for folder, slope in (("a", 1), ("b", 2), ("c", 3)):
        path = tmp_path / folder / "t.csv"
        path.parent.mkdir()
        path.write_text("x,y\n" + "".join(f"{x},{slope * x}\n" for x in range(20)))
        tables.append(Table(path, inputs=("x",), output=("y",)))
    experiment = Experiment("?", (Linear(),), (2,), data=tuple(tables), learning_rates=(0.5,), seeds=1)
    errors = {table: 0.1 * (number + 1) for number, table in enumerate(tables)}
    table = results_of(experiment, lambda trial: [(10, "test_error", errors[trial.shape.problem.data])])
    label = tables[0].label()
    assert summary(table)["problem"].to_list() == [label, f"{label} #2", f"{label} #3"]
    assert summary(table)["median_test_error"].to_list() == pytest.approx([0.1, 0.2, 0.3])
    assert plan_table(make_plan("test", experiment))["problem"].to_list() == [label, f"{label} #2", f"{label} #3"]


def test_problems_that_a_column_tells_apart_keep_their_label():
    inputs = Inputs(noise=(0.0, 0.1), train=(64, 128))
    table = results_of(replace(ABSOLUTE, inputs=inputs), lambda trial: [(10, "test_error", 0.1)])
    assert set(table["problem"]) == {"absolute_value"}
