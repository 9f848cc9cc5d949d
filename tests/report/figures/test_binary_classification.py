"""Decision regions and the representation by two hidden units, of networks that were trained."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import OuterRing
from pipeline.records.store import read_fitted_samples, read_outcomes, read_records
from pipeline.report.figures.binary_classification import decision_regions, hidden_representation
from pipeline.report.figures.fitted_functions import fitted_functions
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan


def drawn(chart):
    """The specification of a figure as a browser reads it."""
    return json.loads(json.dumps(chart.to_dict(), allow_nan=False))


def rows_with(spec, *columns):
    """Rows of the data sets of a figure that have all of these columns."""
    return [row for rows in spec["datasets"].values() for row in rows if set(columns) <= set(row)]


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """Real answers about two rings: by a linear model that cannot tell them apart, and by a network of two units."""
    experiment = Experiment(
        "?", (Linear(Monomial()), Shallow()), (2, 3), target=(OuterRing(),), inputs=Inputs(train=(40,), test=60),
        learning_rates=(0.5,), seeds=1, steps=50, record_at=(0, 50),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("rings")
    plan = make_plan("rings", experiment)
    write_plan(plan, folder)
    run_plan(plan, folder, TrainingProgress(io.StringIO()))
    records, outcomes = read_records(folder), read_outcomes(folder)
    return RunTables(plan, results(plan, records, outcomes), records, read_fitted_samples(folder))


def test_answers_are_drawn_over_the_plane_with_the_training_points(rings):
    spec = drawn(decision_regions(rings))
    assert len(spec["concat"]) == 4
    assert len(rows_with(spec, "x0", "y1", "side")) == 4 * 31**2
    dataset = rings.plan.packs[0].shape.problem.load()
    shown = sorted((row["x"], row["y"], row["answer"]) for row in rows_with(spec, "x", "y", "answer"))
    labels = ["yes" if label else "no" for (label,) in dataset.train_targets_PK.tolist()]
    points = zip(*dataset.train_inputs_PD.T.tolist(), labels, strict=True)
    assert shown == sorted(points)  # the same rows in every panel, so they are there once


def test_the_map_of_a_linear_model_changes_sign_along_a_straight_line(rings):
    """Outputs of 1, x and y are affine: second differences along each row of the map vanish."""
    table = fitted_functions(rings, "plane").filter(pl.col("name") == "linear(monomial)", pl.col("width") == 3)
    grid = table.sort("y", "x")["value"].to_numpy().reshape(31, 31)
    assert (
        np.abs(np.diff(grid, n=2, axis=0)).max() <= 2.01e-5
    )  # three numbers below 10 to six digits, one of them twice
    assert np.abs(np.diff(grid, n=2, axis=1)).max() <= 2.01e-5
    assert np.ptp(grid) > 0.1


def test_a_cell_has_the_colour_of_its_answer_the_deeper_the_further_from_the_threshold(rings):
    (widest,) = fitted_functions(rings, "plane").partition_by("name", "width")[:1]
    values = widest["value"].to_numpy()
    first = drawn(decision_regions(rings))["concat"][0]["layer"][0]["data"]["name"]
    sides = np.array([row["side"] for row in drawn(decision_regions(rings))["datasets"][first]])
    assert np.corrcoef(sides, values)[0, 1] > 0.999
    assert (np.sign(sides[np.abs(sides) > 0]) == np.sign(values[np.abs(sides) > 0])).all()
    assert 0.85 < (np.abs(sides) <= 1).mean() < 0.95  # nine tenths of the map are not yet the deepest


def test_hidden_space_is_that_of_networks_of_two_units(rings):
    spec = drawn(hidden_representation(rings))
    assert "width 2" in json.dumps(spec)
    assert "width 3" not in json.dumps(spec)
    dots = rows_with(spec, "x", "y", "answer")
    assert len(dots) == 40
    assert min(row["x"] for row in dots) >= 0  # units are rectified
