"""Every model has columns that tell it from every other, and numbers among them are numbers."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import polars as pl
import pytest
from synthetic_run import results_of

from pipeline.config.registry import TABLES
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import ACTIVATIONS, LeakyRelu
from pipeline.models.bases import BASES
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.axis_columns import LABEL, with_axis_columns

MODELS: tuple[Model, ...] = (
    *(Shallow(activation()) for activation in ACTIVATIONS.values()),
    Shallow(LeakyRelu(slope=0.2)),
    *(Linear(basis()) for basis in BASES.values()),
    Greedy(),
    Greedy(size=64),
)
WAYS = ("loss_function", "optimizer", "batch_size", "dtype", "steps")


def table_of(models: tuple[Model, ...], **fields: Any) -> pl.DataFrame:
    asked = Experiment("?", models, (8,), (AbsoluteValue(),), learning_rates=(0.1,), seeds=1, **fields)
    return with_axis_columns(make_plan("test", asked), results_of(asked, lambda trial: [(0, "loss", 1.0)]))


def test_each_model_has_columns_that_no_other_has() -> None:
    table = table_of(MODELS)
    before = table.columns.index(LABEL)
    columns = table.columns[table.columns.index("model") : before]
    assert columns[0] == "model"
    assert {"activation", "basis", "dictionary", "size", "activation_slope"} <= set(columns)
    rows = table.select(columns).rows()
    assert len(set(rows)) == len(MODELS)
    assert table[LABEL].to_list() == [model.label() for model in MODELS]
    assert set(table["model"]) <= TABLES["models"].keys()


def test_columns_are_typed_by_what_is_in_them() -> None:
    schema = table_of(MODELS).schema
    expected = {"size": pl.Int64, "activation_slope": pl.Float64, "batch_size": pl.Int64, "steps": pl.Int64}
    assert {name: schema[name] for name in expected} == expected


@pytest.mark.parametrize("model", [Linear(), Greedy(), Shallow()], ids=Model.label)
def test_parts_are_there_and_defaults_of_numbers_are_not(model: Model) -> None:
    table = table_of((model,))
    (first, *others) = dataclasses.fields(model)  # type: ignore[arg-type]
    assert first.name in table.columns
    assert not {field.name for field in others if getattr(model, field.name) is None} & set(table.columns)


def test_ways_of_training_are_columns_in_every_run() -> None:
    one = table_of((Shallow(),))
    assert one.select(WAYS).rows() == [("half_mean_square", "gradient_descent", None, "float32", 2000)]
    ways = {"optimizer": (GradientDescent(), Adam(beta2=0.9)), "batch_size": ("full", 8), "steps": (5, 10)}
    several = table_of((Shallow(),), **ways)
    expected = itertools.product(["gradient_descent", "adam(beta2=0.9)"], [None, 8], [5, 10])
    assert sorted(map(str, several.select("optimizer", "batch_size", "steps").rows())) == sorted(map(str, expected))
    assert several.select(WAYS).schema == one.select(WAYS).schema


def test_columns_of_the_results_stay_as_they_are() -> None:
    asked = Experiment("?", (Shallow(), Linear()), (2, 4), (AbsoluteValue(),), learning_rates=(0.1, 0.2), seeds=2)
    results = results_of(asked, lambda trial: [(0, "loss", 0.5)])
    table = with_axis_columns(make_plan("test", asked), results)
    kept = [name for name in results.columns if name != "model"]
    assert table.select(kept).equals(results.select(kept))
    assert table[LABEL].equals(results["model"].alias(LABEL))
    assert with_axis_columns(make_plan("test", asked), results.clear()).columns == table.columns
