"""Curvature as recorded is that of the dense Hessian by autograd, and what it leaves out is said in numbers."""

import functools
import math
import re
import time

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.diagnostics import snapshot as snapshots
from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.sharpness import (
    FiniteDifferenceCurvature,
    GaussNewtonConditionNumber,
    Sharpness,
    SmallestEigenvalue,
    StabilityIndex,
    second_difference,
)
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.errors import FieldError
from pipeline.models.activations import ACTIVATIONS, Identity, Relu, Tanh
from pipeline.models.curvature import curvature
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, Momentum, Optimizer
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Loss, SoftmaxCrossEntropy, Task
from pipeline.problems.problem import Dataset
from pipeline.problems.targets import ChebyshevPolynomial

NETWORKS = [Shallow(kind()) for kind in ACTIVATIONS.values()]
PAIRS = [(kind(), task) for kind in LOSSES.values() for task in Task if task in kind.tasks]
LIMITED = [kind() for kind in OPTIMIZERS.values() if kind().stability_factor() is not None]
each_model = pytest.mark.parametrize("model", [*NETWORKS, Linear()], ids=Model.label)
each_pair = pytest.mark.parametrize(
    ("loss", "task"), PAIRS, ids=[f"{loss.name()}-{task.value}" for loss, task in PAIRS]
)


def hessians(snapshot: Snapshot) -> Tensor:
    """By autograd, of the loss that is minimised, shape ``[T, N, N]``."""
    context = snapshot.context

    def loss(weights_N: Tensor) -> Tensor:
        outputs = context.model.outputs(weights_N[None], context.prepared_AP, context.width, context.num_outputs)
        return context.loss(outputs, context.dataset.train_targets_PK.mT)[0]

    return torch.stack([torch.autograd.functional.hessian(loss, weights_N) for weights_N in snapshot.weights_TN])


@each_model
@each_pair
def test_sharpness_and_smallest_eigenvalue_are_those_of_the_hessian(
    model: Model, loss: Loss, task: Task, snapshot_of
) -> None:
    snapshot = snapshot_of(model, loss, task)
    values = torch.linalg.eigvalsh(hessians(snapshot))
    # The error is the square of a residual of 1e-8 over the gap to the next eigenvalue, or the residual itself.
    torch.testing.assert_close(Sharpness()(snapshot), values[:, -1], rtol=1e-8, atol=1e-13)
    scale = float(values.abs().max())
    torch.testing.assert_close(SmallestEigenvalue()(snapshot), values[:, 0], rtol=1e-12, atol=1e-13 * scale)


def test_every_sharpness_is_certified_however_the_trials_are_divided(
    snapshot_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = snapshot_of(Shallow(Tanh()))
    assert whole.top_of_hessian.certified_T.all()
    assert (whole.top_of_hessian.residuals_T <= 1e-8 * whole.top_of_hessian.largest_T).all()
    monkeypatch.setattr(snapshots, "CURVED_ELEMENTS", 1)
    one_by_one = snapshot_of(Shallow(Tanh()))
    assert len(list(one_by_one.curvatures())) == 4
    torch.testing.assert_close(Sharpness()(one_by_one), Sharpness()(whole), rtol=1e-12, atol=0)


def test_sharpness_of_a_thousand_networks_takes_two_seconds_of_a_core_at_most(snapshot_of) -> None:
    """64 points, width 16, one thread: measured 0.5 to 0.7 s on a busy machine."""
    line_PD = torch.linspace(-1, 1, 64, dtype=torch.float64)[:, None]
    wave_PK = torch.sin(6 * line_PD)
    weights = torch.from_numpy(stream("thousand").standard_normal((1000, 49)))
    dataset = Dataset(line_PD, wave_PK, line_PD, wave_PK)

    def seconds() -> float:
        snapshot = snapshot_of(Shallow(Tanh()), width=16, dataset=dataset, weights=weights)
        began = time.process_time()
        assert snapshot.top_of_hessian.certified_T.all()
        return time.process_time() - began

    assert any(seconds() < 2 for _ in range(4))  # other work on the machine counts little, and not each time


def test_sharpness_is_computed_once_for_all_that_ask(snapshot_of) -> None:
    snapshot = snapshot_of(Shallow(Tanh()))
    Sharpness()(snapshot)
    asked = snapshot.top_of_hessian
    StabilityIndex()(snapshot)
    FiniteDifferenceCurvature()(snapshot)
    assert snapshot.top_of_hessian is asked


def test_what_is_not_certified_is_nan(snapshot_of, monkeypatch: pytest.MonkeyPatch) -> None:
    few = functools.partial(snapshots.largest_eigenvalues, most_steps=2)
    monkeypatch.setattr(snapshots, "largest_eigenvalues", few)
    snapshot = snapshot_of(Shallow(Tanh()))
    for diagnostic in (Sharpness(), StabilityIndex(), FiniteDifferenceCurvature()):
        assert diagnostic(snapshot).isnan().all()


@pytest.mark.parametrize("optimizer", LIMITED, ids=Optimizer.label)
def test_stability_index_is_the_rate_over_the_limit_of_the_optimizer(optimizer: Optimizer, snapshot_of) -> None:
    snapshot = snapshot_of(Shallow(Tanh()), optimizer=optimizer)
    expected = 0.25 * Sharpness()(snapshot) / optimizer.stability_factor()
    torch.testing.assert_close(StabilityIndex()(snapshot), expected, rtol=1e-15, atol=0)


def test_stability_index_is_of_rules_that_have_a_limit_only() -> None:
    for optimizer, applies in ((GradientDescent(), True), (Momentum(), True), (Adam(), False), (LeastSquares(), False)):
        assert StabilityIndex().applies(Shallow(), HalfMeanSquare(), optimizer) == applies


@pytest.mark.parametrize(
    "model, optimizer, minibatches, concerned",
    [
        (Shallow(), GradientDescent(), False, True),
        (Shallow(), Momentum(), False, True),
        (Shallow(), Adam(), False, False),
        (Shallow(), GradientDescent(), True, False),
        (Linear(), GradientDescent(), False, False),
    ],
)
def test_sharpness_at_the_ends_is_of_full_batch_descent_on_networks(model, optimizer, minibatches, concerned) -> None:
    for sharpness, expected in ((Sharpness(), True), (Sharpness(at="ends"), concerned)):
        assert sharpness.concerns(model, HalfMeanSquare(), optimizer, minibatches=minibatches) == expected
    assert Sharpness(at="ends").only_at_ends()
    assert not Sharpness().only_at_ends()


def test_descent_on_a_linear_model_is_at_index_one_at_its_largest_stable_rate(snapshot_of) -> None:
    snapshot = snapshot_of(Linear())
    index = 0.25 / snapshot.context.largest_stable_learning_rate
    assert StabilityIndex()(snapshot).tolist() == pytest.approx([index] * 4, rel=1e-14)


def test_smallest_eigenvalue_of_a_large_network_is_not_given(snapshot_of) -> None:
    """Width 40 with 3 outputs has 243 weights."""
    assert SmallestEigenvalue()(snapshot_of(Shallow(Tanh()), width=40)).isnan().all()
    wide = snapshot_of(Linear(), width=210)
    assert (SmallestEigenvalue()(wide) == 0).all(), "of more features than points"


def test_a_saddle_has_a_negative_eigenvalue(snapshot_of) -> None:
    """At zero output weights the Hessian couples them with the hidden ones, and nothing else."""
    model = Shallow(Tanh())
    weights = snapshot_of(model).weights_TN.clone()
    model.layers(weights, 5, 3)[1].zero_()
    assert (SmallestEigenvalue()(snapshot_of(model, weights=weights)) < -1e-3).all()


@each_pair
def test_gauss_newton_condition_number_is_that_of_the_matrix_without_its_null_directions(
    loss: Loss, task: Task, snapshot_of
) -> None:
    snapshot = snapshot_of(Shallow(Tanh()), loss, task)
    context = snapshot.context
    targets_KP = context.dataset.train_targets_PK.mT
    curved = curvature(context.model, loss, snapshot.weights_TN, context.prepared_AP, targets_KP, context.width)
    values_TN = torch.linalg.eigvalsh(curved.gauss_newton())
    # The softmax does not feel a shift of all logits at once, and so 6 shifts of output weights.
    null = 6 if isinstance(loss, SoftmaxCrossEntropy) else 0
    expected = values_TN[:, -1] / values_TN[:, null]
    assert (values_TN[:, :null] < 1e-12 * values_TN[:, -1:]).all()
    assert (expected < 1e11).all()
    # The eigenvalues of the matrix itself have an error of 1e-16 of the largest, not of the smallest.
    torch.testing.assert_close(GaussNewtonConditionNumber()(snapshot), expected, rtol=1e-4, atol=0)


def test_relu_networks_have_null_directions_which_do_not_count(snapshot_of) -> None:
    """Scaling a unit up and its output weights down changes nothing: as many null directions as units."""
    snapshot = snapshot_of(Shallow(Relu()))
    values_TS = snapshot.gauss_newton_root_singular_values_TS
    assert (values_TS[:, -5:] < 1e-14 * values_TS[:, :1]).all()
    assert (GaussNewtonConditionNumber()(snapshot) < 1e20).all()


def test_condition_of_a_linear_model_is_that_of_its_gram_matrix(snapshot_of) -> None:
    snapshot = snapshot_of(Linear())
    (kappa, *same) = GaussNewtonConditionNumber()(snapshot).tolist()
    exact = torch.linalg.eigvalsh(snapshot.features_TPF[0].mT @ snapshot.features_TPF[0])
    assert kappa == pytest.approx(float(exact[-1] / exact[0]), rel=1e-10)
    assert same == [kappa] * 3


def test_jacobian_that_is_too_large_is_not_decomposed(snapshot_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_JACOBIAN_ELEMENTS", 33 * 60 - 1)
    assert GaussNewtonConditionNumber()(snapshot_of(Shallow(Tanh()))).isnan().all()


# --- kinks ---


def kinked(num_points: int) -> tuple[PackContext, Tensor]:
    """0.7 relu(x - 0.4) against cos x at midpoints of [0, 1], as a network of one unit, and its weights."""
    line_PD = ((torch.arange(num_points, dtype=torch.float64) + 0.5) / num_points)[:, None]
    dataset = Dataset(line_PD, line_PD.cos(), line_PD, line_PD.cos())
    context = PackContext(
        Shallow(Relu()), 1, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, dataset, torch.float64
    )
    return context, torch.tensor([[1.0, -0.4, 0.7, 0.0]], dtype=torch.float64)


IN_THE_BIAS = torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)


@pytest.mark.reference("relu_kink_curvature")
def test_curvature_of_a_kink_has_the_other_sign(reference: dict) -> None:
    """The reference: the Hessian almost everywhere against the second difference, which sees the kink move."""
    known, tolerance = reference["value"], reference["tolerance"]["abs"]
    context, weights = kinked(100_000)
    assert float(second_difference(context, weights, IN_THE_BIAS, 1e-2)) == pytest.approx(
        known["finite_difference_h1e-2"], abs=tolerance
    )
    targets_KP = context.dataset.train_targets_PK.mT
    curved = curvature(context.model, context.loss, weights, context.prepared_AP, targets_KP, 1)
    almost_everywhere = float(curved.product(IN_THE_BIAS)[0, 1])
    assert almost_everywhere == pytest.approx(known["autograd_d2L/db2"], abs=tolerance)
    population = 0.7**2 * 0.6 - 0.7 * math.cos(0.4)
    assert known["population_curvature"] == pytest.approx(population, abs=tolerance)


def test_step_of_the_second_difference_must_move_kinks_across_points() -> None:
    """On 200 points 5e-3 apart."""
    context, weights = kinked(200)
    found = {step: float(second_difference(context, weights, IN_THE_BIAS, step)) for step in (1e-3, 1e-2, 1e-1)}
    assert found[1e-3] == pytest.approx(0.294, abs=1e-4)
    assert found[1e-2] == pytest.approx(-0.351, abs=2e-3)
    assert found[1e-1] == pytest.approx(-0.351, abs=2e-3)


@pytest.mark.parametrize("activation", [kind() for kind in ACTIVATIONS.values()], ids=ACTIVATIONS.keys())
def test_second_difference_along_the_top_is_the_sharpness_where_there_are_no_kinks(activation, snapshot_of) -> None:
    """Up to the fourth derivative of the loss, times h^2 / 12; kinks of ReLU may be near or far."""
    snapshot = snapshot_of(Shallow(activation))
    difference = FiniteDifferenceCurvature(step=1e-4)(snapshot)
    if activation.name() not in ("relu", "leaky_relu"):
        torch.testing.assert_close(difference, Sharpness()(snapshot), rtol=1e-6, atol=1e-6)
    assert difference.isfinite().all()


@pytest.mark.parametrize("step", [0.0, -0.1, math.nan])
def test_step_that_is_not_positive_is_refused(step: float) -> None:
    text = f"step: step {step!r} is not positive\n  hint: take a number above 0, like 0.01"
    with pytest.raises(FieldError, match=f"^{re.escape(text)}$"):
        FiniteDifferenceCurvature(step)


# --- beyond twice one over the curvature ---


@pytest.mark.reference("catapult_window_two_layer_linear")
@pytest.mark.parametrize("seed", range(3))
def test_two_linear_layers_survive_rates_up_to_twice_the_limit_by_becoming_less_curved(reference, seed: int) -> None:
    """At x = 1 and -1 with targets 0 both biases stay 0, and the network is the product of its two layers.

    Below 2 / curvature the loss never rises and the curvature hardly changes; up to 4 the loss is thrown up and comes
    down where the curvature is below 2 / rate; above it is never seen again.
    """
    assert list(reference["value"].values()) == ["eta lambda0<2", "2<eta lambda0<4", ">4"]
    width, num_steps = reference["inputs"]["m"], 200
    multiples_T = torch.tensor([0.5, 1.5, 2.1, 3.0, 3.95, 4.05, 5.0], dtype=torch.float64)
    stays_T, returns_T = multiples_T < 2, multiples_T < 4
    inputs_PD = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    dataset = Dataset(inputs_PD, 0 * inputs_PD, inputs_PD, 0 * inputs_PD)
    context = PackContext(
        Shallow(Identity()), width, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, dataset, torch.float64
    )
    hidden_W, output_W = stream("catapult", seed).standard_normal((2, width)) / width**0.25
    start_N = np.concatenate([np.stack([hidden_W, 0 * hidden_W], axis=1).ravel(), output_W, [0.0]])
    rates_T = multiples_T / float((hidden_W**2 + output_W**2).sum())
    weights_TN = torch.from_numpy(start_N).repeat(len(rates_T), 1)
    engine = Reference(context, None, torch.device("cpu"))
    stack = Stack(tuple("abcdefg"), weights_TN, (), rates_T[:, None], torch.full_like(rates_T, torch.inf))
    first_T = highest_T = engine.value_and_gradient(weights_TN)[0].clone()
    for step in range(num_steps):
        engine.advance(stack, step, step + 1)
        losses_T = engine.value_and_gradient(weights_TN)[0]
        highest_T = torch.maximum(highest_T, losses_T.nan_to_num(torch.inf))
    assert ((highest_T == first_T) == stays_T).all()
    assert ((losses_T < 1e-3 * highest_T) == returns_T).all()
    now = Snapshot(context, num_steps, weights_TN, losses_T, weights_TN, rates_T, weights_TN.clone)
    index_T = StabilityIndex()(now)
    assert (index_T[returns_T] < 1).all()
    torch.testing.assert_close(index_T[stays_T], multiples_T[stays_T] / 2, rtol=0.05, atol=0)


# --- the edge of stability ---


@pytest.mark.reference("eos_chebyshev_toy")
@pytest.mark.parametrize(("degree", "seed"), [(3, 0), (4, 1)])
def test_descent_on_a_network_settles_at_the_edge_of_stability(reference: dict, degree: int, seed: int) -> None:
    """The reference: at every rate but the smallest the index is 1 over the second half; at that it stays below."""
    steps, half = reference["inputs"]["steps"], reference["inputs"]["steps"] // 2
    rates_T = torch.tensor([0.05, *reference["inputs"]["lrs"]], dtype=torch.float64)
    line_PD = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    targets_PK = torch.from_numpy(ChebyshevPolynomial(degree)(line_PD.numpy()))[:, None]
    dataset = Dataset(line_PD, targets_PK, line_PD, targets_PK)
    context = PackContext(
        Shallow(Tanh()), 32, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, dataset, torch.float64
    )
    weights_TN = toy_weights(seed).repeat(len(rates_T), 1)
    bounds_T = torch.full_like(rates_T, torch.inf)
    engine = Reference(context, None, torch.device("cpu"))
    stack = Stack(tuple("abcd"), weights_TN, (), rates_T[:, None], bounds_T)
    engine.advance(stack, 0, half)
    seen = []
    for step in range(half, steps, 500):
        engine.advance(stack, step, step + 500)
        now = Snapshot(context, step + 500, weights_TN, rates_T, weights_TN, rates_T, weights_TN.clone)
        seen.append(StabilityIndex()(now))
    means = torch.stack(seen).mean(dim=0)
    assert float(means[0]) == pytest.approx(0.42, abs=0.06)
    assert means[1:].tolist() == pytest.approx([reference["value"]] * 3, abs=reference["tolerance"]["abs"])


def toy_weights(seed: int) -> Tensor:
    """Hidden weights, hidden biases and output weights uniform on [-1, 1], the last over sqrt(32); no output bias."""
    rng = np.random.default_rng(seed)
    hidden_W, biases_W, output_W = rng.uniform(-1, 1, (3, 32))
    return torch.from_numpy(np.concatenate([np.stack([hidden_W, biases_W], axis=1).ravel(), output_W / 32**0.5, [0.0]]))
