"""What is drawn of the best trial of a pack are samples of its own function."""

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.experiment.axes import Inputs
from pipeline.models.activations import Tanh
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.bases.wavelet import Haar
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.targets import Gaussian, OuterRing, Xor
from pipeline.records.store import read_fitted_samples, read_records
from pipeline.training.module import PackModule


def test_fit_of_the_best_trial_is_its_function(experiment, ran, tmp_path):
    plan, _ = ran(experiment(models=(Linear(Cosine()),), optimizer=LeastSquares(), learning_rates=None), tmp_path)
    fits = read_fitted_samples(tmp_path)
    (pack,) = plan.packs
    context = PackModule(pack, [1]).context
    x = torch.tensor(fits["x"].to_list(), dtype=torch.float64)
    expected = Cosine()(x, 6) @ context.least_squares_KF[0]
    np.testing.assert_allclose(fits["value"].to_numpy(), expected.numpy(), rtol=1e-12, atol=1e-13)
    assert len(fits) == 201


def test_fit_is_that_of_the_trial_with_the_lowest_training_loss(experiment, ran, tmp_path):
    ran(experiment(models=(Shallow(),)), tmp_path)
    last = read_records(tmp_path).filter((pl.col("step") == 40) & (pl.col("diagnostic") == "loss")).sort("value")
    assert last["value"][0] < last["value"][1]
    assert set(read_fitted_samples(tmp_path)["trial"]) == {last["trial"][0]}


@pytest.mark.parametrize(
    "fields",
    [
        {"target": (Gaussian(),), "inputs": Inputs(dimension=(2,), train=(30,), test=30)},
        {"data": (Digits(),), "target": ()},
    ],
    ids=["function of the plane", "many inputs"],
)
def test_what_cannot_be_drawn_leaves_no_fit(experiment, ran, tmp_path, fields):
    ran(experiment(**({"inputs": Inputs()} | fields)), tmp_path)
    assert read_fitted_samples(tmp_path).is_empty()


def test_answers_over_the_plane_are_the_outputs_above_the_threshold(experiment, ran, tmp_path):
    """Least squares for 1, x and y: the plane through the answers, less 1/2."""
    requested = {
        "models": (Linear(Monomial()),),
        "target": (OuterRing(),),
        "inputs": Inputs(train=(30,), test=30),
        "loss": HalfMeanSquare(),
        "optimizer": LeastSquares(),
        "learning_rates": None,
        "widths": (3,),
    }
    plan, _ = ran(experiment(**requested), tmp_path)
    fits, dataset = read_fitted_samples(tmp_path), plan.packs[0].shape.problem.load()
    design = np.column_stack([np.ones(30), dataset.train_inputs_PD.numpy()])
    weights = np.linalg.lstsq(design, dataset.train_targets_PK[:, 0].numpy(), rcond=None)[0]
    assert set(fits["space"]) == {"plane"}
    expected = weights[0] + weights[1] * fits["x"].to_numpy() + weights[2] * fits["y"].to_numpy() - 0.5
    np.testing.assert_allclose(fits["value"].to_numpy(), expected, atol=1e-12)
    test = dataset.test_inputs_PD.numpy()
    for column, axis in (("x", 0), ("y", 1)):
        assert fits[column].min() < test[:, axis].min()
        assert fits[column].max() > test[:, axis].max()


@pytest.mark.parametrize("model", [Linear(Haar()), Greedy(Haar(), size=9), Linear(Haar(), coordinates="polar")])
def test_answers_are_drawn_only_where_the_basis_has_functions(experiment, ran, tmp_path, model):
    """The rings lie within 0.95 of the origin, the map goes beyond 1."""
    requested = {"models": (model,), "target": (OuterRing(),), "inputs": Inputs(train=(30,), test=30), "widths": (4,)}
    _, counts = ran(experiment(**requested), tmp_path)
    assert counts.failed == 0
    fits = read_fitted_samples(tmp_path)
    far = np.hypot(fits["x"], fits["y"]) if model.label().endswith("polar)") else fits["x"].abs()
    assert 0.9 < far.max() <= 1


def test_two_hidden_units_put_the_training_points_where_the_answer_is_linear_in_them(experiment, ran, tmp_path):
    requested = {"models": (Shallow(Tanh()),), "target": (Xor(),), "inputs": Inputs(), "widths": (2,)}
    ran(experiment(**requested), tmp_path)
    hidden = read_fitted_samples(tmp_path).filter(pl.col("space") == "hidden")
    assert hidden["value"].to_list() == [0, 1, 1, 0]
    # tanh of affine functions of the corners: the inverses of the two sums of opposite corners are equal.
    for column in ("x", "y"):
        before = np.arctanh(hidden[column].to_numpy())
        assert before[0] + before[3] == pytest.approx(before[1] + before[2], abs=1e-12)
        assert np.ptp(before) > 0
