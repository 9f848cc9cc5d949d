"""Conditioning as recorded is that of the feature matrix, and the stable rate that of the loss as defined here."""

import itertools
import math

import numpy as np
import pytest
import torch

from pipeline.diagnostics.conditioning import (
    ConditionNumber,
    ConditionNumberOfRange,
    EffectiveRank,
    GramConditionNumber,
    LargestStableLearningRate,
)
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.losses import LOSSES, BinaryCrossEntropy, HalfMeanSquare, Loss, Task
from pipeline.problems.problem import Dataset

CORNERS = torch.tensor(list(itertools.product((0, 1), repeat=2)), dtype=torch.float64)
EXCLUSIVE_OR = (CORNERS.sum(dim=1, keepdim=True) == 1).double()
XOR = Dataset(CORNERS, EXCLUSIVE_OR, CORNERS, EXCLUSIVE_OR)
LIMITED = [kind() for kind in OPTIMIZERS.values() if kind().stability_factor() is not None]
PAIRS = [(kind(), task) for kind in LOSSES.values() for task in Task if task in kind.tasks]


def largest_hessian_eigenvalue(snapshot, weights: torch.Tensor) -> float:
    """By autograd, of the loss that is minimised."""
    context = snapshot.context

    def loss(weights_N: torch.Tensor) -> torch.Tensor:
        outputs = context.model.outputs(weights_N[None], context.prepared_AP, context.width, context.num_outputs)
        return context.loss(outputs, context.dataset.train_targets_PK.mT)[0]

    return float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, weights))[-1])


def xor_snapshot(snapshot_of, loss: Loss | None = None, optimizer: Optimizer | None = None):
    model, weights = Linear(Monomial()), torch.zeros(1, 3, dtype=torch.float64)
    return snapshot_of(model, loss, Task.LABELS, optimizer, width=3, dataset=XOR, weights=weights)


@pytest.mark.reference("xor_linear_fit")
def test_linear_fit_of_exclusive_or_is_one_half_everywhere(reference, snapshot_of) -> None:
    context = xor_snapshot(snapshot_of).context
    expected = torch.tensor([[reference["value"]["b"], *reference["value"]["w"]]], dtype=torch.float64)
    torch.testing.assert_close(context.least_squares_KF, expected, rtol=0, atol=1e-15)


@pytest.mark.reference("xor_design_gram_eigs")
def test_eigenvalues_of_exclusive_or_are_the_exact_ones(reference, snapshot_of) -> None:
    squared = xor_snapshot(snapshot_of).singular_values_TS[0].square().tolist()
    assert squared[::-1] == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])


@pytest.mark.reference("xor_gd_lr_limit_mse_mean")
def test_stable_rate_of_exclusive_or_is_twice_that_of_the_mean_square_of_pytorch(reference, snapshot_of) -> None:
    """The loss here is half the mean square, so its Hessian is half as large."""
    assert reference["value"] == pytest.approx(8 / (7 + math.sqrt(33)), rel=1e-15)
    rate = float(LargestStableLearningRate()(xor_snapshot(snapshot_of)))
    assert rate == pytest.approx(2 * reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.parametrize("optimizer", LIMITED, ids=Optimizer.label)
def test_stable_rate_is_the_limit_of_the_optimizer_over_the_largest_curvature(optimizer, snapshot_of) -> None:
    snapshot = snapshot_of(Linear(), HalfMeanSquare(), optimizer=optimizer)
    exact = optimizer.stability_factor() / largest_hessian_eigenvalue(snapshot, snapshot.weights_TN[0])
    torch.testing.assert_close(
        LargestStableLearningRate()(snapshot), torch.full((4,), exact, dtype=torch.float64), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize(("loss", "task"), PAIRS, ids=lambda value: getattr(value, "value", None) or value.name())
def test_stable_rate_is_safe_under_every_loss(loss: Loss, task: Task, snapshot_of) -> None:
    """The Hessian is nowhere larger than the bound, and reaches it for the square loss."""
    snapshot = snapshot_of(Linear(), loss, task)
    promised = 2 / float(LargestStableLearningRate()(snapshot)[0])
    found = [largest_hessian_eigenvalue(snapshot, scale * w) for scale in (0, 3) for w in snapshot.weights_TN[:2]]
    assert max(found) <= promised * (1 + 1e-12)
    if loss.quadratic:
        assert min(found) == pytest.approx(promised, rel=1e-12)


@pytest.mark.reference("xor_design_gram_eigs")
def test_bound_of_the_logistic_loss_is_attained_where_nothing_is_learned(reference, snapshot_of) -> None:
    """At zero weights every probability is 1/2, and lambda_max is that of X^T X over 4 P."""
    snapshot = xor_snapshot(snapshot_of, BinaryCrossEntropy())
    rate = float(LargestStableLearningRate()(snapshot))
    assert rate == pytest.approx(2 * 4 * 4 / reference["value"][-1], rel=1e-12)
    assert rate == pytest.approx(2 / largest_hessian_eigenvalue(snapshot, snapshot.weights_TN[0]), rel=1e-12)


def test_stable_rate_needs_a_linear_model_and_an_optimizer_with_a_limit() -> None:
    diagnostic = LargestStableLearningRate()
    for kind in OPTIMIZERS.values():
        optimizer = kind()
        assert diagnostic.applies(Linear(), HalfMeanSquare(), optimizer) == (optimizer.stability_factor() is not None)
        assert not diagnostic.applies(Shallow(), HalfMeanSquare(), optimizer)


def test_descent_just_below_the_rate_converges_and_just_above_does_not(snapshot_of) -> None:
    snapshot = snapshot_of(Linear())
    context, limit = snapshot.context, float(LargestStableLearningRate()(snapshot)[0])
    features, targets = context.prepared_AP.numpy(), context.dataset.train_targets_PK.numpy().T
    best = context.least_squares_KF.numpy()
    distances = []
    for fraction in (0.99, 1.01):
        weights = np.zeros_like(best)
        for _ in range(1000):
            weights -= fraction * limit * (weights @ features - targets) @ features.T / context.num_points
        distances.append(np.linalg.norm(weights - best) / np.linalg.norm(best))
    # The top mode shrinks or grows by two per cent a step, e^20 in all.
    assert distances[0] < 1e-3
    assert distances[1] > 1e3


def test_networks_are_measured_at_their_own_hidden_units(snapshot_of) -> None:
    """Two trials differ; a unit that is a copy of another makes the features dependent."""
    model, width = Shallow(), 3
    snapshot = snapshot_of(model, width=width)
    weights = snapshot.weights_TN.clone()
    hidden, _ = model.layers(weights, width, 3)
    hidden[0] = torch.tensor([[1.0, 0.5, 2.0], [0.3, -1.0, 2.0], [-0.7, 0.2, 2.0]])  # all active, so of rank 3
    hidden[1] = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2.0, 0.0, 0.0]])  # the third is twice the first
    snapshot = snapshot_of(model, width=width, weights=weights)
    assert EffectiveRank()(snapshot)[:2].tolist() == [3, 3]
    kappa, of_range = ConditionNumber()(snapshot), ConditionNumberOfRange()(snapshot)
    for trial in range(4):
        values = torch.linalg.svdvals(snapshot.features_TPF[trial])
        significant = values[values > 1e-12 * values[0]]
        assert float(of_range[trial]) == pytest.approx(float(values[0] / significant[-1]), rel=1e-10)
    assert (kappa[:2] > 1e15).all()
    torch.testing.assert_close(GramConditionNumber()(snapshot), kappa.square(), rtol=0, atol=0)


def test_condition_is_infinite_with_more_features_than_points(snapshot_of) -> None:
    snapshot = snapshot_of(Linear(), width=21)  # 20 points
    assert (ConditionNumber()(snapshot) == math.inf).all()
    assert (GramConditionNumber()(snapshot) == math.inf).all()
    assert ConditionNumberOfRange()(snapshot).isfinite().all()
    assert (EffectiveRank()(snapshot) <= 20).all()


def test_gradient_descent_is_the_optimizer_of_these_snapshots(snapshot_of) -> None:
    assert snapshot_of(Linear()).context.optimizer == GradientDescent()
