"""The limit of infinite width beside cells of a run: at which rate, after how many steps, and why there is none."""

from __future__ import annotations

import math

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Relu, Tanh
from pipeline.models.infinite_width import infinite_network, interpolation_errors, mean_squared_errors
from pipeline.models.initialisations import Glorot, KinksInside, Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.plans import make_plan
from pipeline.problems.measures import Normal
from pipeline.problems.targets import Gaussian, Sine
from pipeline.report.theory import infinite_networks
from pipeline.report.theory.infinite_networks import NO_NETWORK, UNSTABLE, infinite_errors

LECUN = Shallow(Tanh(), Lecun())


def cells_of(rates, models=(LECUN,), at=(20,), **fields):
    """A plan, and a cell for each of its widths with the rate over the limit that it has, at some steps."""
    arguments = {"target": (Sine(),), "learning_rates": (0.01,), "seeds": 1, "steps": (20,)} | fields
    plan = make_plan("test", Experiment("?", models, (4, 8), **arguments))
    trials = {trial.shape.width: trial.id for trial in plan.trials.values()}
    columns = {"trial": list(trials.values()), "rate_over_limit": rates, "steps": [list(at)] * len(rates)}
    return plan, pl.DataFrame(columns, strict=False).cast({"rate_over_limit": pl.Float64})


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


def test_on_the_way_errors_are_those_after_as_many_steps_and_at_last_those_of_the_interpolant(tmp_path):
    model = Shallow(Relu(), KinksInside())
    plan, cells = cells_of([0.2, 0.7], (model,), (0, 3, 20), inputs=Inputs(train=(8,)))
    found = infinite_errors(plan, cells, tmp_path)
    dataset = next(iter(plan.trials.values())).shape.problem.load()
    network = infinite_network(model, dataset.train_inputs_PD, dataset.test_inputs_PD)
    targets, weights_P = (dataset.train_targets_PK, dataset.test_targets_PK), dataset.test_weights_EP.mean(dim=0)
    for row, rate in zip(found.iter_rows(named=True), [0.2, 0.7], strict=True):
        squares = [mean_squared_errors(network, *targets, [rate], step, 2.0)[0] @ weights_P for step in (0, 3, 20)]
        expected = [math.sqrt(square) for square in squares]
        assert [point["infinite_error"] for point in row["infinite_curve"]] == pytest.approx(expected)
        assert [point["step"] for point in row["infinite_curve"]] == [0, 3, 20]
        assert row["infinite_error"] == pytest.approx(expected[-1])
        interpolant = math.sqrt(interpolation_errors(network, *targets) @ weights_P)
        assert row["interpolant_error"] == pytest.approx(interpolant)
    assert infinite_errors(plan, cells, tmp_path).equals(found)


def test_smooth_units_have_no_interpolant_for_their_kernel_is_singular_to_rounding():
    found = infinite_errors(*cells_of([0.2, 0.2]), None)
    assert found["interpolant_error"].null_count() == 2
    assert found["infinite_error"].null_count() == 0


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
