"""Problems that are not the same have labels that are not the same."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from synthetic_run import results_of

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.plans import make_plan
from pipeline.problems.datasets import Digits, Table
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.cells import TRAINING, curve_labels, curve_of, relative_rates, with_curve_labels
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


def test_ways_of_training_are_columns_and_cells_where_they_differ_and_nothing_elsewhere():
    ways = {"optimizer": (Adam(), Momentum(0.5)), "batch_size": ("full", 8), "dtype": ("float32",), "steps": (5, 10)}
    experiment = replace(ABSOLUTE, **ways, learning_rates={"adam": (0.5,), "momentum": (0.5, 1.0)})

    def error(trial):
        return {None: 1, 8: 2}[trial.shape.batch_size] * trial.shape.steps * (1 + trial.learning_rate)

    table = results_of(experiment, lambda trial: [(trial.shape.steps, "test_error", error(trial))])
    assert curve_of(table)[-3:] == ["optimizer", "batch_size", "steps"]
    assert set(table["optimizer"]) == {"adam", "momentum(momentum=0.5)"}
    assert set(table["batch_size"]) == {"full", "8"}
    cells = summary(table)
    assert cells.height == 8
    best = dict(cells.select(pl.concat_str("optimizer", "batch_size", "steps"), "median_test_error").iter_rows())
    assert best["adamfull5"] == best["momentum(momentum=0.5)full5"] == 7.5
    assert best["adam810"] == 30
    alone = results_of(ABSOLUTE, lambda trial: [(10, "test_error", 0.1)])
    assert not set(TRAINING) & set(alone.columns)


def test_the_label_of_a_curve_says_what_differs_in_training(tmp_path):
    experiment = replace(ABSOLUTE, optimizer=(Adam(), Momentum()), dtype=("float64", "float32"))
    plan = make_plan("test", experiment)
    named = [f"linear(legendre), {rule}, {dtype}" for rule in ("adam", "momentum") for dtype in ("float64", "float32")]
    assert curve_labels(plan) == named
    table = results_of(experiment, lambda trial: [(10, "test_error", 0.1)])
    assert with_curve_labels(plan, table)["name"].unique(maintain_order=True).to_list() == named
    assert curve_labels(make_plan("test", ABSOLUTE)) == ["linear(legendre)"]


def test_rates_are_relative_only_where_all_of_them_are():
    mixed = replace(
        ABSOLUTE, optimizer=(Adam(), Momentum()), learning_rates={"adam": (0.5,), "momentum": TimesLimits((0.5,))}
    )
    every = replace(ABSOLUTE, learning_rates=TimesLimits((0.5,)))
    tables = [results_of(made, lambda trial: [(10, "test_error", 0.1)]) for made in (mixed, every, ABSOLUTE)]
    assert [relative_rates(table) for table in tables] == [False, True, False]


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
