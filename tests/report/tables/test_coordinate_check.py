"""How the change of hidden units goes with the width is what theory says of the first step of wide networks."""

from __future__ import annotations

import io
from dataclasses import replace

import polars as pl
import pytest

from pipeline.diagnostics.convergence import TrainingLoss
from pipeline.diagnostics.representation import FeatureChange
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import ACTIVATIONS, Identity, Sigmoid, Tanh
from pipeline.models.initialisations import INITIALISATIONS, Glorot, Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import UpdateRule
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine
from pipeline.records import store
from pipeline.report.html.run_page import Comparisons, page
from pipeline.report.tables.coordinate_check import TOLERANCE, coordinate_check, expected_exponent
from pipeline.report.tables.results import results
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

RULES = [kind() for kind in OPTIMIZERS.values() if issubclass(kind, UpdateRule)]
WIDTHS = (64, 128, 256, 512, 1024)
EXPERIMENT = Experiment(
    "?",
    tuple(Shallow(Tanh(), kind()) for kind in INITIALISATIONS.values()),
    WIDTHS,
    target=(Sine(),),
    inputs=Inputs(train=(16,), test=20),
    learning_rates=(1e-4,),
    seeds=25,
    steps=2,
    dtype="float64",
    diagnostics=(TrainingLoss(), FeatureChange()),
    record_at=(1,),
)


def checked(experiment, folder):
    plan = make_plan("test", experiment)
    write_plan(plan, folder)
    run_plan(plan, folder, TrainingProgress(io.StringIO()))
    records = store.read_records(folder)
    table = results(plan, records, store.read_outcomes(folder))
    return plan, table, records


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name())
def test_first_step_of_every_rule_from_every_start_moves_hidden_units_as_theory_says(rule, tmp_path):
    moved = coordinate_check(*checked(replace(EXPERIMENT, optimizer=rule), tmp_path)).filter(pl.col("step") == 1)
    assert moved["model"].n_unique() == len(moved) == len(EXPERIMENT.models)
    assert set(moved["verdict"]) == {AGREES}
    assert (moved["from"] <= moved["exponent"]).all()
    assert (moved["exponent"] <= moved["to"]).all()
    assert ((moved["exponent"] - moved["theory"]).abs() < 0.2).all()
    assert set(moved["theory"]) == ({0.0, 0.5} if rule.name() == "adam" else {-0.5, 0.0})


def test_change_that_does_not_fall_with_the_width_contradicts_a_start_of_fixed_size(tmp_path):
    plan, table, records = checked(replace(EXPERIMENT, models=(Shallow(Tanh(), Lecun()),)), tmp_path)
    of_change = pl.col("diagnostic") == FeatureChange.name()
    same = records.with_columns(pl.when(of_change).then(0.5).otherwise("value").alias("value"))
    moved = coordinate_check(plan, table, same).filter(pl.col("step") == 1)
    assert moved["verdict"].to_list() == [CONTRADICTS]
    assert moved["exponent"][0] == pytest.approx(0, abs=1e-9)
    shown = page(tmp_path, plan, table, store.read_outcomes(tmp_path), [], Comparisons(coordinates=moved))
    assert "Coordinate check" in shown
    assert "Coordinate check" not in page(tmp_path, plan, table, store.read_outcomes(tmp_path), [])


def test_change_is_that_at_the_smallest_learning_rate(tmp_path):
    models = (Shallow(Tanh(), Lecun()),)
    plan, table, records = checked(replace(EXPERIMENT, models=models, learning_rates=(1e-4, 1e-3), seeds=5), tmp_path)
    moved = coordinate_check(plan, table, records)
    assert moved["learning_rate"].to_list() == [1e-4, 1e-4]
    slow = table.filter(pl.col("learning_rate") == 1e-4)
    alone = coordinate_check(plan, slow, records)
    assert moved.equals(alone)


def test_nothing_is_said_of_four_widths_or_of_what_was_not_recorded(tmp_path):
    plan, table, records = checked(replace(EXPERIMENT, widths=WIDTHS[:4], seeds=1), tmp_path)
    assert coordinate_check(plan, table, records).is_empty()
    assert coordinate_check(plan, table, records.filter(pl.col("diagnostic") == "loss")).is_empty()


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda kind: kind.name())
def test_units_that_start_small_are_those_of_activations_through_zero(activation):
    (pack, *_) = make_plan("test", replace(EXPERIMENT, models=(Shallow(activation(), Glorot()),), seeds=1)).packs
    assert expected_exponent(pack.shape) == (-0.5 if activation is Sigmoid else 0)


def test_theory_is_silent_without_hidden_units_and_about_solvers():
    linear = make_plan("test", replace(EXPERIMENT, models=(Linear(),), widths=(4,), seeds=1)).packs[0]
    assert expected_exponent(linear.shape) is None
    network = make_plan("test", replace(EXPERIMENT, models=(Shallow(Identity()),), seeds=1)).packs[0]
    solver = OPTIMIZERS["variable_projection"]()
    assert expected_exponent(replace(network.shape, optimizer=solver)) is None
    assert TOLERANCE < 0.25  # tells -1/2 from 0
