"""The limit of infinite width beside cells of a run: at which rate, for how long, and why there is none."""

from __future__ import annotations

import math

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.infinite_width import infinite_network, mean_squared_errors
from pipeline.models.initialisations import Glorot, Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.plan import make_plan
from pipeline.problems.measures import Normal
from pipeline.problems.targets import Gaussian, Sine
from pipeline.report.theory import infinite_networks
from pipeline.report.theory.infinite_networks import NO_NETWORK, UNSTABLE, infinite_errors

LECUN = Shallow(Tanh(), Lecun())


def cells_of(rates, models=(LECUN,), **fields):
    """A plan, and a cell for each of its widths with the rate over the limit that it has."""
    arguments = {"target": (Sine(),), "learning_rates": (0.01,), "seeds": 1, "steps": (20,)} | fields
    plan = make_plan("test", Experiment("?", models, (4, 8), **arguments))
    trials = {trial.shape.width: trial.id for trial in plan.trials.values()}
    cells = pl.DataFrame({"trial": list(trials.values()), "rate_over_limit": rates}, strict=False)
    return plan, cells.cast({"rate_over_limit": pl.Float64})


def test_errors_are_the_root_mean_squares_of_the_limit_over_the_held_out_points(tmp_path):
    plan, cells = cells_of([0.2, 0.7], optimizer=(Momentum(),))
    found = infinite_errors(plan, cells, tmp_path)
    dataset = next(iter(plan.trials.values())).shape.problem.load()
    network = infinite_network(LECUN, dataset.train_inputs_PD, dataset.test_inputs_PD)
    targets, rule = (dataset.train_targets_PK, dataset.test_targets_PK), Momentum()
    squares_RM = mean_squared_errors(network, *targets, [0.2, 0.7], 20, rule.stability_factor(), *rule.on_quadratics())
    expected = (squares_RM @ dataset.test_weights_EP.mean(dim=0)).sqrt()
    assert found["infinite_error"].to_list() == pytest.approx(expected.tolist())
    assert found["why"].to_list() == ["", ""]


def test_a_sample_counts_each_point_alike():
    plan, cells = cells_of([0.2, 0.2], inputs=Inputs(measure=Normal(), test=50))
    error = infinite_errors(plan, cells, None)["infinite_error"][0]
    dataset = next(iter(plan.trials.values())).shape.problem.load()
    network = infinite_network(LECUN, dataset.train_inputs_PD, dataset.test_inputs_PD)
    squares_RM = mean_squared_errors(network, dataset.train_targets_PK, dataset.test_targets_PK, [0.2], 20, 2.0)
    assert error == pytest.approx(math.sqrt(float(squares_RM.mean())))


def test_errors_that_were_kept_are_read_again(tmp_path, monkeypatch):
    plan, cells = cells_of([0.2, 0.7])
    before = infinite_errors(plan, cells, tmp_path)
    monkeypatch.setattr(infinite_networks, "infinite_network", None)
    assert infinite_errors(plan, cells, tmp_path).equals(before)
    with pytest.raises(TypeError, match=r"^'NoneType' object is not callable$"):
        infinite_errors(plan, cells.with_columns(rate_over_limit=0.3), tmp_path)


@pytest.mark.parametrize(
    ("expected", "rates", "fields"),
    [
        ("none from glorot: hidden weights shrink", [0.1, 0.1], {"models": (Shallow(Tanh(), Glorot()),)}),
        ("known for the square loss", [0.1, 0.1], {"optimizer": (Adam(),)}),
        ("known for the square loss", [0.1, 0.1], {"batch_size": (8,)}),
        ("no linearised network was computed", [None, None], {}),
        (UNSTABLE, [1.0, 1.3], {}),
        (
            "the kernel of uniform_fan_in is not known",
            [0.1, 0.1],
            {"models": (Shallow(),), "target": (Gaussian(),), "inputs": Inputs(dimension=(2,))},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_there_is_no_limit_the_reason_is_said(expected, rates, fields):
    found = infinite_errors(*cells_of(rates, **fields), None)
    assert found["infinite_error"].null_count() == 2
    assert all(why.startswith(expected) for why in found["why"])


def test_a_kernel_of_too_many_points_is_refused_with_its_memory(monkeypatch):
    monkeypatch.setattr(infinite_networks, "MOST_POINTS", 100)
    found = infinite_errors(*cells_of([0.1, 0.1]), None)
    assert set(found["why"]) == {"the kernel of 256 points (0 MiB) is above 100 points"}


def test_linear_models_have_no_row():
    assert infinite_errors(*cells_of([None, None], models=(Linear(),)), None).is_empty()
    assert NO_NETWORK
