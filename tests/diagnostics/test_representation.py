"""The tangent kernel as recorded is J J^T by autograd; a unit is dead where nothing moves it."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from pipeline.diagnostics import snapshot as snapshots
from pipeline.diagnostics.representation import (
    DeadUnitShare,
    FeatureChange,
    LazyIndex,
    TangentKernelConditionNumber,
    TangentKernelEffectiveRank,
)
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import ACTIVATIONS, Identity, LeakyRelu, Relu, Sigmoid, Tanh
from pipeline.models.initialisations import Lecun
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.problem import Dataset

NETWORKS = [Shallow(kind()) for kind in ACTIVATIONS.values()]


def kernels(snapshot: Snapshot) -> Tensor:
    """Tangent kernels ``[T, K P, K P]`` by autograd."""
    context = snapshot.context

    def outputs(weights_N: Tensor) -> Tensor:
        return context.model.outputs(weights_N[None], context.prepared_AP, context.width, context.num_outputs)[0]

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
    hidden_gradient, _ = snapshot.context.model.layers(snapshot.gradient_TN, 2, 1)
    assert (hidden_gradient[0, 1] == 0).all()
    assert (hidden_gradient[0, 0] != 0).all()


def test_fraction_of_what_is_not_finite_is_nan(snapshot_of) -> None:
    assert DeadUnitShare()(with_biases(snapshot_of, Shallow(Relu()), [math.nan, -3.0])).isnan().all()


def test_only_networks_have_units() -> None:
    assert DeadUnitShare().applies(Shallow(), HalfMeanSquare(), GradientDescent())
    assert not DeadUnitShare().applies(Linear(), HalfMeanSquare(), GradientDescent())


# --- since the start ---


@pytest.mark.parametrize("model", NETWORKS, ids=lambda model: model.label())
def test_nothing_has_moved_at_the_start(model: Shallow, snapshot_of) -> None:
    start = snapshot_of(model).weights_TN
    snapshot = dataclasses.replace(snapshot_of(model, start=start), step=0)
    assert (FeatureChange()(snapshot) == 0).all()
    torch.testing.assert_close(LazyIndex()(snapshot), torch.ones(4, dtype=torch.float64), rtol=1e-12, atol=0)


def test_change_is_that_of_the_hidden_units_alone(snapshot_of) -> None:
    """Units g(0.5 x) and then g(x) of the identity have doubled; output weights do not count."""
    start = torch.tensor([[0.5, 0.0, 3.0, 0.0]], dtype=torch.float64)
    weights = torch.tensor([[1.0, 0.0, 5.0, 1.0]], dtype=torch.float64)
    snapshot = snapshot_of(Shallow(Identity()), width=1, dataset=on_points(9), weights=weights, start=start)
    assert FeatureChange()(snapshot).tolist() == pytest.approx([1.0], rel=1e-14)


@pytest.mark.parametrize("model", NETWORKS, ids=lambda model: model.label())
def test_lazy_index_compares_with_descent_on_the_linearised_model(model: Shallow, snapshot_of) -> None:
    """Written as a loop, of three outputs, at the rate of these snapshots."""
    snapshot = dataclasses.replace(snapshot_of(model), step=5)
    start, context = snapshot.at_start, snapshot.context
    targets_KP = context.dataset.train_targets_PK.mT
    for trial in range(4):

        def outputs(weights_N: Tensor) -> Tensor:
            return model.outputs(weights_N[None], context.prepared_AP, context.width, 3)[0].flatten()

        initial_N = start.weights_TN[trial]
        jacobian_SN = torch.autograd.functional.jacobian(outputs, initial_N)
        residual_S = outputs(initial_N) - targets_KP.flatten()
        for _ in range(5):
            residual_S = residual_S - 0.25 * jacobian_SN @ (jacobian_SN.mT @ residual_S) / context.num_points
        predicted = residual_S.square().sum() / (2 * context.num_points)
        expected = float((snapshot.losses_T[trial] / predicted).sqrt())
        assert float(LazyIndex()(snapshot)[trial]) == pytest.approx(expected, rel=1e-9)


def test_networks_are_lazy_at_first_and_wide_ones_for_longer(snapshot_of) -> None:
    """The tangent kernel grows with the width, and the rate falls with it. Index and change after 5 and 500 steps."""
    indices = {}
    for width in (16, 1024):
        model, rng = Shallow(Tanh(), initialisation=Lecun()), stream("lazy", width)
        start = torch.from_numpy(model.initial_weights(width, 1, 1, rng))[None]
        weights, rate = start.clone(), torch.tensor([4.0 / width], dtype=torch.float64)
        snapshot = snapshot_of(model, width=width, dataset=on_points(9), weights=start, start=start)
        engine = Reference(snapshot.context, None, torch.device("cpu"))
        stack = Stack(("0",), weights, (), rate[:, None], torch.full((1,), torch.inf, dtype=torch.float64))
        done = 0
        for step in (5, 500):
            engine.advance(stack, done, step)
            done = step
            losses_T, gradient_TN = engine.value_and_gradient(weights)
            now = dataclasses.replace(
                snapshot,
                step=step,
                weights_TN=weights,
                losses_T=losses_T,
                gradient_TN=gradient_TN,
                learning_rates_T=rate,
            )
            indices[width, step] = (float(LazyIndex()(now)), float(FeatureChange()(now)))
    assert indices[16, 5][0] == pytest.approx(1, abs=1e-3)
    assert indices[16, 500][0] < 0.97
    assert [indices[1024, step][0] for step in (5, 500)] == pytest.approx([1, 1], abs=1e-4)
    assert indices[16, 500][1] > 100 * indices[1024, 500][1]
