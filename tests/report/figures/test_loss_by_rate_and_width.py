"""The heat map of final losses has a cell for each learning rate and width, and the predicted limit."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from synthetic_run import drawn, tables_of

from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.figures.loss_by_rate_and_width import cell_edges, loss_map


def test_a_map_has_a_cell_for_each_rate_and_width_and_the_predicted_limit(run):
    table = loss_map(run.tables)
    cells = {(row["name"], row["width"], row["rate_axis"]): row for row in table.to_dicts()}
    low, high = (cells["linear(legendre)", 4, rate] for rate in (0.5, 4.0))
    assert low["loss"] == pytest.approx((0.05**2 + 0.055**2) / 4)
    assert (low["diverged"], high["diverged"], high["loss"]) == (0.0, 1.0, None)
    assert low["limit"] == high["limit"] == 2.0
    assert low["top"] == high["bottom"] == pytest.approx(math.sqrt(0.5 * 4.0), rel=1e-5)
    assert cells["shallow(relu)", 2, 0.5]["limit"] is None


def test_a_limit_outside_the_map_is_left_out():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1, 0.2))
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 50.0)]
    assert loss_map(tables_of(experiment, lambda trial: numbers))["limit"].null_count() == 2


def test_multiples_of_the_limit_are_drawn_against_a_limit_of_one():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=TimesLimits((0.5, 2.0)))
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.03)]
    tables = tables_of(experiment, lambda trial: numbers)
    assert set(loss_map(tables)["limit"]) == {1.0}
    assert "learning rate / predicted limit" in json.dumps(drawn("loss_by_rate_and_width", tables))


def test_networks_have_the_median_of_their_limits_at_the_start():
    experiment = Experiment("?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.5, 2.0), seeds=3)
    tables = tables_of(experiment, lambda trial: [(0, "loss", 1.0), (0, "sharpness", 2.0 + trial.seed)])
    assert loss_map(tables)["limit"].to_list() == pytest.approx([2 / 3] * 2)
    assert "predicted limit: of the Hessian at step 0" in json.dumps(drawn("loss_by_rate_and_width", tables))
    multiples = replace(experiment, learning_rates=TimesLimits((0.5, 2.0)))
    assert set(loss_map(tables_of(multiples, lambda trial: [(0, "loss", 1.0)]))["limit"]) == {1.0}


def test_a_limit_that_is_not_exact_says_in_the_map_what_it_is():
    experiment = Experiment(
        "?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=TimesLimits((0.5, 2.0)), batch_size=4
    )
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.03)]
    drawing = json.dumps(drawn("loss_by_rate_and_width", tables_of(experiment, lambda trial: numbers)))
    assert "predicted limit: mean square of batches drawn afresh" in drawing


def test_the_map_of_a_model_that_diverged_altogether_says_so_and_only_where_there_is_a_loss_are_colours():
    experiment = Experiment("?", (Linear(), Shallow()), (2,), target=(AbsoluteValue(),), learning_rates=(0.1, 1.0))
    tables = tables_of(experiment, lambda trial: [(0, "loss", 1.0)], "diverged")
    gone = drawn("loss_by_rate_and_width", tables)
    done = drawn("loss_by_rate_and_width", tables_of(experiment, lambda trial: [(0, "loss", 1.0)]))
    assert [plot["title"][-1].endswith(", every trial diverged") for plot in gone["concat"]] == [True, True]
    assert not any("color" in layer["encoding"] for plot in gone["concat"] for layer in plot["layer"])
    assert "every trial diverged" not in json.dumps(done["concat"])
    assert all(any("color" in layer["encoding"] for layer in plot["layer"]) for plot in done["concat"])


def test_cells_meet_halfway_between_rates_in_the_logarithm():
    assert cell_edges([1e300, 1e304]) == pytest.approx([1e298, 1e302, 1e306], rel=1e-9)
    assert cell_edges([1e-200, 1e-180]) == pytest.approx([1e-210, 1e-190, 1e-170], rel=1e-9)


def test_panels_share_the_legend_of_limits_that_are_known_in_different_ways():
    experiment = Experiment(
        "?", (Linear(), Shallow()), (2,), target=(AbsoluteValue(),), learning_rates=(0.1, 1.0), seeds=1
    )
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.5)]
    spec = drawn("loss_by_rate_and_width", tables_of(experiment, lambda trial: numbers))
    layers = [
        layer["encoding"]["stroke"]["scale"]
        for plot in spec["concat"]
        for layer in plot["layer"]
        if "stroke" in layer["encoding"]
    ]
    assert len(layers) == 2
    assert layers[0] == layers[1]
    assert layers[0]["domain"] == ["predicted limit", "predicted limit: of the Hessian at step 0"]
