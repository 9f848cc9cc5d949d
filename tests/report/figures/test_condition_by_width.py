"""A condition number is drawn as far as float64 can tell it."""

from __future__ import annotations

import json
import math

from synthetic_run import drawn, rows_with, tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.problems.targets import AbsoluteValue, Sine


def test_a_condition_number_beyond_float64_is_drawn_at_its_limit(run):
    spec = drawn("condition_by_width", run.tables)
    shown = {(row["name"], row["width"]): row["value"] for row in rows_with(spec, "name", "value")}
    assert shown["linear(monomial)", 4] == 1e15
    assert shown["linear(legendre)", 4] == 1e15
    assert shown["linear(legendre)", 2] == 10.0
    assert "float64 limit" in json.dumps(spec)


def test_condition_numbers_of_one_width_stand_in_a_row_for_each_model():
    models = (Linear(), Linear(Monomial()))
    experiment = Experiment("?", models, (4,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    numbers = {models[0]: 10.0, models[1]: math.inf}
    tables = tables_of(experiment, lambda trial: [(0, "condition_number", numbers[trial.shape.model])])
    spec = drawn("condition_by_width", tables)
    points = spec["layer"][0]["encoding"]
    assert (points["x"]["field"], points["y"]["field"]) == ("value", "name")
    shown = {row["name"]: row["value"] for row in rows_with(spec, "name", "value")}
    assert shown == {"linear(legendre)": 10.0, "linear(monomial)": 1e15}
    rule = next(layer["encoding"] for layer in spec["layer"] if layer["mark"]["type"] == "rule")
    assert list(rule) == ["x"]


def test_one_number_is_not_drawn():
    experiment = Experiment("?", (Linear(),), (4,), target=(AbsoluteValue(), Sine()), learning_rates=(0.1,))
    assert drawn("condition_by_width", tables_of(experiment, lambda trial: [(0, "condition_number", 3.0)])) is None
