"""The dashed curve is what training in float64 records, for every rule that has a closed form."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov
from pipeline.plans import make_plan
from pipeline.problems.datasets import Table
from pipeline.problems.losses import BinaryCrossEntropy
from pipeline.problems.table_files import read_table
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.records import store
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.loss_by_step import loss_curves, predicted_losses
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

EXPERIMENT = Experiment(
    "?",
    (Linear(Cosine()),),
    (6,),
    target=(AbsoluteValue(),),
    inputs=Inputs(train=(64,), noise=(0.1,)),
    learning_rates=(0.0123456789, 0.3, 0.8),
    seeds=1,
    steps=50,
    record_at=(0, 1, 2, 5, 20, 50),
    dtype="float64",
)


def trained(experiment: Experiment, folder: Path) -> RunTables:
    plan = make_plan("test", experiment)
    run_plan(plan, folder, TrainingProgress(io.StringIO()))
    records, outcomes = store.read_records(folder), store.read_outcomes(folder)
    return RunTables(plan, results(plan, records, outcomes), records, store.read_fitted_samples(folder))


@pytest.mark.parametrize("optimizer", [GradientDescent(), Momentum(0.8), Nesterov(0.8)], ids=lambda rule: rule.name())
@pytest.mark.parametrize("rates", [EXPERIMENT.learning_rates, TimesLimits((0.3, 0.9))], ids=["rates", "multiples"])
def test_the_predicted_curve_is_the_recorded_loss_of_a_training_in_float64(optimizer, rates, tmp_path):
    tables = trained(replace(EXPERIMENT, optimizer=optimizer, learning_rates=rates), tmp_path)
    curves, _ = loss_curves(tables)
    predicted = predicted_losses(tables, curves)
    measured = tables.named.select("trial", "rate_axis").join(
        tables.records.filter(pl.col("diagnostic") == "loss"), on="trial"
    )
    both = measured.join(predicted, on=["rate_axis", "step"])
    assert both.height == measured.height == 6 * tables.results.height
    assert both["loss"].to_list() == pytest.approx(both["value"].to_list(), rel=1e-9)


def test_theory_is_dashed_over_the_measured_curves(tmp_path):
    figure = next(figure for figure in FIGURES if figure.name == "loss_by_step")
    spec = figure.draw(trained(EXPERIMENT, tmp_path)).to_dict()
    measured, dashed = spec["layer"]
    assert dashed["encoding"]["strokeDash"]["scale"] == {"domain": ["theory"], "range": [[4, 3]]}
    assert not dashed["mark"]["clip"]
    assert dashed["encoding"]["color"] == measured["encoding"]["color"]
    assert {row["rate"] for row in spec["datasets"][dashed["data"]["name"]]} == {"0.0123", "0.3", "0.8"}
    assert "Dashed: theory" in figure.caption_of(spec)


def test_theory_that_leaves_the_frame_is_cut_off_there(tmp_path):
    """As a rate above the limit does, whose curve ends where the trial has diverged."""
    figure = next(figure for figure in FIGURES if figure.name == "loss_by_step")
    spec = figure.draw(trained(replace(EXPERIMENT, learning_rates=(0.3, 50.0)), tmp_path)).to_dict()
    dashed = spec["layer"][1]
    low, high = dashed["encoding"]["y"]["scale"]["domain"]
    heights = [row["theory"] for row in spec["datasets"][dashed["data"]["name"]]]
    assert dashed["mark"]["clip"] == any(not low <= height <= high for height in heights)
    assert dashed["mark"]["clip"]


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": Adam()},
        {"batch_size": 8},
        {"models": (Shallow(),), "optimizer": Adam()},
        {"target": (Xor(),), "loss": BinaryCrossEntropy(), "inputs": Inputs()},
    ],
    ids=["adam", "batches", "network", "cross-entropy"],
)
def test_nothing_is_drawn_where_theory_says_nothing_exact(changed, tmp_path):
    tables = trained(replace(EXPERIMENT, **changed), tmp_path)
    curves, _ = loss_curves(tables)
    assert not curves.is_empty()
    assert predicted_losses(tables, curves).is_empty()


def test_of_a_network_the_median_of_the_linearised_networks_is_drawn(tmp_path):
    tables = trained(replace(EXPERIMENT, models=(Shallow(),)), tmp_path)
    curves, _ = loss_curves(tables)
    drawn = predicted_losses(tables, curves)
    assert set(drawn["rate_axis"]) == set(curves["rate_axis"])
    first = drawn.join(curves, on=["rate_axis", "step"], suffix="_measured").filter(pl.col("step") == 0)
    assert first["loss"].to_list() == pytest.approx(first["loss_measured"].to_list(), rel=1e-5)


def test_a_figure_is_drawn_without_theory_after_its_table_was_deleted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "".join(f"{x},{x * x % 7},{x * x}\n" for x in range(40)))
    table = Table(path, inputs=("a", "b"), output=("y",))
    experiment = replace(EXPERIMENT, target=(), data=(table,), inputs=Inputs(), models=(Linear(),))
    tables = trained(experiment, tmp_path / "run")
    curves, _ = loss_curves(tables)
    assert not predicted_losses(tables, curves).is_empty()
    path.unlink()
    read_table.cache_clear()
    assert predicted_losses(tables, curves).is_empty()
    figure = next(figure for figure in FIGURES if figure.name == "loss_by_step")
    assert figure.draw(tables) is not None


def test_the_fits_to_a_table_of_one_input_are_drawn_without_a_target(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{x},{x * x}\n" for x in range(40)))
    table = Table(path, inputs=("a",), output=("y",))
    tables = trained(replace(EXPERIMENT, target=(), data=(table,), inputs=Inputs()), tmp_path / "run")
    figure = next(figure for figure in FIGURES if figure.name == "fitted")
    assert not tables.fitted_samples.is_empty()
    assert len(figure.draw(tables).to_dict()["layer"]) == 1
