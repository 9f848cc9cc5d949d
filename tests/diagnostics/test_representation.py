"""The tangent kernel as recorded is J J^T by autograd; a unit is dead where nothing moves it."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.diagnostics import snapshot as snapshots
from pipeline.diagnostics.representation import (
    DeadUnitShare,
    TangentKernelConditionNumber,
    TangentKernelEffectiveRank,
)
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.activations import ACTIVATIONS, LeakyRelu, Relu, Sigmoid, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.problem import Dataset

NETWORKS = [Shallow(kind()) for kind in ACTIVATIONS.values()]


def kernels(snapshot: Snapshot) -> Tensor:
    """Tangent kernels ``[T, K P, K P]`` by autograd."""
    learned = snapshot.learned

    def outputs(weights_N: Tensor) -> Tensor:
        return learned.model.outputs(weights_N[None], learned.prepared_CP, learned.width, learned.num_outputs)[0]

    jacobians = [
        torch.autograd.functional.jacobian(outputs, weights_N).flatten(0, 1) for weights_N in snapshot.weights_TN
    ]
    return torch.stack([jacobian @ jacobian.mT for jacobian in jacobians])


def on_points(num_points: int) -> Dataset:
    """One input, one output."""
    line_PD = torch.linspace(-1, 1, num_points, dtype=torch.float64)[:, None]
    return Dataset(line_PD, line_PD.sin(), line_PD, line_PD.sin())


@pytest.mark.parametrize("model", NETWORKS, ids=lambda model: model.label())
def test_kernel_is_that_of_autograd(model: Shallow, snapshot_of) -> None:
    """Three points and 16 weights: the kernel is regular."""
    weights = snapshot_of(model, dataset=on_points(3)).weights_TN
    weights[:, 1:10:2] += torch.linspace(-1, 1, 5).double()  # kinks apart, some units active at every point
    snapshot = snapshot_of(model, dataset=on_points(3), weights=weights)
    values = torch.linalg.eigvalsh(kernels(snapshot))
    squared = snapshot.jacobian_singular_values_TS.square().flip(1)
    torch.testing.assert_close(squared, values, rtol=1e-9, atol=1e-13 * float(values.max()))
    regular = values[:, 0] > 1e-6 * values[:, -1]
    kappa = TangentKernelConditionNumber()(snapshot)
    torch.testing.assert_close(kappa[regular], (values[:, -1] / values[:, 0])[regular], rtol=1e-8, atol=0)
    assert regular.any() or model.activation.name() == "identity"
    rank = 2 if model.activation.name() == "identity" else 3
    assert TangentKernelEffectiveRank()(snapshot).max() == rank


def test_more_points_than_weights_make_the_kernel_singular(snapshot_of) -> None:
    snapshot = snapshot_of(Shallow(Tanh()), dataset=on_points(17))  # 16 weights
    assert (TangentKernelConditionNumber()(snapshot) == math.inf).all()
    assert (TangentKernelEffectiveRank()(snapshot) <= 16).all()


def test_symmetry_of_relu_units_costs_one_direction_each(snapshot_of) -> None:
    """Of 33 weights, five scalings of units move no output."""
    assert (TangentKernelEffectiveRank()(snapshot_of(Shallow(Relu()))) <= 33 - 5).all()


def test_kernel_of_a_linear_model_has_the_features_once_for_each_output(snapshot_of) -> None:
    snapshot = snapshot_of(Linear())
    assert (TangentKernelEffectiveRank()(snapshot) == 3 * 5).all()
    assert (TangentKernelConditionNumber()(snapshot) == math.inf).all()
    exact = torch.linalg.eigvalsh(kernels(snapshot)).flip(1)[:, :15]
    torch.testing.assert_close(snapshot.jacobian_singular_values_TS.square(), exact, rtol=1e-10, atol=1e-12)


def test_kernel_that_is_too_large_is_not_decomposed(snapshot_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_JACOBIAN_ELEMENTS", 33 * 60 - 1)
    snapshot = snapshot_of(Shallow(Tanh()))
    assert TangentKernelConditionNumber()(snapshot).isnan().all()
    assert TangentKernelEffectiveRank()(snapshot).isnan().all()


# --- dead units ---


def with_biases(snapshot_of, model: Shallow, biases: list[float], dtype: torch.dtype = torch.float64) -> Snapshot:
    """One trial whose hidden units are ``g(x + bias)`` for x in [-1, 1]."""
    width = len(biases)
    hidden = torch.tensor([[1.0, bias] for bias in biases]).flatten()
    weights = torch.cat([hidden, torch.ones(width + 1)])[None].double()
    return snapshot_of(model, width=width, dataset=on_points(9), weights=weights, dtype=dtype)


def test_relu_that_is_never_active_is_dead(snapshot_of) -> None:
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(Relu()), [0.0, -1.0, -2.0, 2.0])).tolist() == [0.5]
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(LeakyRelu()), [0.0, -1.0, -2.0, 2.0])).tolist() == [0]


@pytest.mark.parametrize(("activation", "single", "double"), [(Tanh(), 12.0, 25.0), (Sigmoid(), 20.0, 45.0)])
def test_unit_that_rounds_to_its_limit_in_the_dtype_of_the_training_is_dead(
    activation, single: float, double: float, snapshot_of
) -> None:
    biases = [0.0, single, double, 3.0]
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(activation), biases)).tolist() == [0.25]
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(activation), biases, torch.float32)).tolist() == [0.5]


def test_gradient_of_a_dead_unit_is_zero(snapshot_of) -> None:
    snapshot = with_biases(snapshot_of, Shallow(Relu()), [0.0, -3.0])
    hidden_gradient, _ = snapshot.learned.model.layers(snapshot.gradient_TN, 2, 1)
    assert (hidden_gradient[0, 1] == 0).all()
    assert (hidden_gradient[0, 0] != 0).all()


def test_share_of_what_is_not_finite_is_nan(snapshot_of) -> None:
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(Relu()), [math.nan, -3.0])).isnan().all()


def test_only_networks_have_units() -> None:
    assert DeadUnitShare().applies(Shallow(), HalfMeanSquare(), GradientDescent())
    assert not DeadUnitShare().applies(Linear(), HalfMeanSquare(), GradientDescent())
