"""Convergence: losses, errors, norms and distances of a trial in training.

Shape letters: B cell boundaries, E estimates, M kinks, Q own points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.numerics.least_squares import least_squares
from pipeline.numerics.quadrature import KRONROD_NODES, MeanEstimate, weighted_mean, weighted_mean_between_kinks
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss, Task, squared_errors, zero_one_loss
from pipeline.problems.problem import Cells

MOST_CUT = 1 << 16
"""Hidden units times kinks of the trials whose quadrature is cut together: 14 numbers for each, 7 MiB."""


@final
@dataclass(frozen=True)
class TrainingLoss(Diagnostic):
    """Loss on all training points, in the convention of the loss (mean over points, square loss halved)."""

    unit: ClassVar[str] = "training loss"
    formula: ClassVar[str] = r"L(w_t)"

    @classmethod
    def name(cls) -> str:
        """Plain ``loss`` in YAML, although the class cannot share the name of the losses themselves."""
        return "loss"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.losses_T


@final
@dataclass(frozen=True)
class TestError(Diagnostic):
    """Error on held-out points: root mean square in units of the target, or the fraction of wrong answers."""

    __test__ = False  # not a test class, whatever its name looks like to pytest
    unit: ClassVar[str] = "test error"
    formula: ClassVar[str] = (
        r"\sqrt{E \, |f_t(x) - f(x)|^2} \qquad \text{or, of answers,} \qquad P(\text{answer} \ne y)"
    )

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return _test_error(snapshot.context, snapshot.test_outputs_TKP)


@final
@dataclass(frozen=True)
class TestErrorBar(Diagnostic):
    """Standard error of the test error for its finitely many held-out points, or a bound where that is more.

    Of a target under the uniform distribution it is the quadrature's estimate of its own error: up to three inputs the
    distance to a coarser rule, above the scatter of 16 scrambles of Sobol points. Elsewhere it is that of a sample.
    Of one input and a model with kinks, such as a ReLU network, which lie inside the cells of the rule: the distance to
    the same rule with its cells cut there, and the error of that. Infinite for fewer than 14 points of one
    input: a single cell cannot tell a wave from its samples.
    """

    __test__ = False  # not a test class, whatever its name looks like to pytest
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "uncertainty of the test error"
    formula: ClassVar[str] = (
        r"\sqrt{m + e} - \sqrt{m}, \qquad m = E \, |f_t(x) - f(x)|^2 \text{ by quadrature, } e \text{ its own error}"
    )

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context, outputs_TKP = snapshot.context, snapshot.test_outputs_TKP
        if context.task is not Task.REGRESSION:
            fraction_T = _test_error(context, outputs_TKP)  # labels of one point may all be wrong together
            return (fraction_T * (1 - fraction_T) / outputs_TKP.shape[-1]).sqrt()
        mean_square = _mean_square(context, outputs_TKP)
        cut = _between_kinks(snapshot)
        if cut is None:
            return _error_of_root(mean_square)
        apart_T = (mean_square.value.cpu().sqrt() - cut.value.sqrt()).abs()
        return torch.maximum(apart_T + _error_of_root(cut), _error_of_root(mean_square).cpu()).to(outputs_TKP.device)


@final
@dataclass(frozen=True)
class GradientNorm(Diagnostic):
    """Euclidean norm of the gradient of the training loss in all weights."""

    unit: ClassVar[str] = "gradient norm"
    formula: ClassVar[str] = r"\| \nabla L(w_t) \|"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.gradient_TN.double().norm(dim=1)


@final
@dataclass(frozen=True)
class WeightNorm(Diagnostic):
    """Euclidean norm of all weights: on separable classes it grows for ever while the gradient vanishes.

    Source: Soudry et al., arXiv 1710.10345, for separable classes.
    """

    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "weight norm"
    formula: ClassVar[str] = r"\| w_t \|"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.weights_TN.double().norm(dim=1)


@final
@dataclass(frozen=True)
class DistanceToLeastSquares(Diagnostic):
    """Euclidean distance of the weights of a linear model to the minimum-norm least-squares solution.

    ``|w - X^+ y|``, in units of the weights; from zero weights, descent under the square loss ends there.

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.5.
    """

    unit: ClassVar[str] = "distance to least squares"
    formula: ClassVar[str] = r"\| w_t - X^+ y \|"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return model.linear and loss.quadratic

    def __call__(self, snapshot: Snapshot) -> Tensor:
        solution_N = snapshot.context.least_squares_KF.flatten()
        return (snapshot.weights_TN.double() - solution_N).norm(dim=1)


@final
@dataclass(frozen=True)
class LeastSquaresError(Diagnostic):
    """Test error of the exact least-squares solution of a linear model: what descent could reach on these points.

    That of the weights ``X^+ y``, in units of the targets.

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.5.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "test error of least squares"
    formula: ClassVar[str] = r"\sqrt{E \, |\phi(x)^T X^+ y - f(x)|^2}"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return model.linear and loss.quadratic

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context = snapshot.context
        prepared_AP = context.model.prepare(context.dataset.test_inputs_PD, context.width)
        outputs_1KP = context.least_squares_KF[None] @ prepared_AP
        return _test_error(context, outputs_1KP).expand(len(snapshot.weights_TN))


@final
@dataclass(frozen=True)
class OuterGap(Diagnostic):
    """Training loss above that of the best output layer for the same features: error of optimisation, not of the model.

    For the square loss. ``|Q^T (f - y)|^2 / (2P)`` with Q an orthonormal basis of the range of the features: half the
    mean square of the projection of the residuals onto that range. Never negative, and exact to
    rounding where a difference of two losses would have no digits left.
    """

    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "training loss above the best output layer's"
    formula: ClassVar[str] = (
        r"\frac{1}{2P} \| Q^T (f_t - y) \|^2, \qquad Q \text{ an orthonormal basis of the range of } X"
    )

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return loss.quadratic

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context, weights_TN = snapshot.context, snapshot.weights_TN.double()
        outputs_TKP = context.model.outputs(weights_TN, context.prepared_AP, context.width, context.num_outputs)
        residual_TPK = outputs_TKP.mT - context.dataset.train_targets_PK
        range_TPS = least_squares(snapshot.features_TPF, context.dataset.train_targets_PK).range_TPS
        gap_T = (range_TPS.mT @ residual_TPK).square().sum(dim=(1, 2)) / (2 * context.num_points)
        known_T = snapshot.features_TPF.isfinite().all(dim=2).all(dim=1)
        return torch.where(known_T, gap_T, torch.nan)


def _test_error(context: PackContext, outputs_TKP: Tensor) -> Tensor:
    """Root mean square error, or fraction of wrong answers, ``[T]``."""
    targets_KP = context.dataset.test_targets_PK.mT
    if context.task is Task.REGRESSION:
        return _mean_square(context, outputs_TKP).value.sqrt()
    return zero_one_loss(outputs_TKP, targets_KP, context.task, context.loss)


def _error_of_root(mean_square: MeanEstimate) -> Tensor:
    """Error of the root of a mean square, ``sqrt(m + e) - sqrt(m)``, without cancellation.

    Returns:
        Shape ``[T]``; infinite or NaN where the mean square is.
    """
    both_T = (mean_square.value + mean_square.error).sqrt() + mean_square.value.sqrt()
    return (mean_square.error / both_T).where(both_T.isfinite() & (both_T > 0), both_T)


def _between_kinks(snapshot: Snapshot) -> MeanEstimate | None:
    """Mean square by a quadrature rule that is cut at the kinks of each trial.

    Returns:
        ``None`` where there are no kinks, or no rule.
    """
    context, weights_TN = snapshot.context, snapshot.weights_TN.cpu()
    cells, weights_EP = context.dataset.test_cells, context.dataset.test_weights_EP
    if cells is None or weights_EP is None:
        return None
    kinks = context.model.kinks(weights_TN.double(), context.width, context.num_outputs)
    if kinks is None:
        return None
    squares_TP = squared_errors(snapshot.test_outputs_TKP, context.dataset.test_targets_PK.mT).cpu()
    most = max(1, MOST_CUT // (context.width * kinks.shape[1]))
    parts = []
    for rows in torch.arange(len(weights_TN)).split(most):
        some = _SquaredErrors(context, weights_TN[rows], cells)
        kinks_TM = kinks.expand(len(weights_TN), -1)[rows]
        parts.append(
            weighted_mean_between_kinks(squares_TP[rows], weights_EP.cpu(), cells.boundaries_B, kinks_TM, some)
        )
    return MeanEstimate(torch.cat([part.value for part in parts]), torch.cat([part.error for part in parts]))


@dataclass(frozen=True)
class _SquaredErrors:
    """Squared errors of some trials at points of their own."""

    context: PackContext
    weights_TN: Tensor
    cells: Cells

    def __call__(self, points_TQ: Tensor) -> Tensor:
        model, width, outputs = self.context.model, self.context.width, self.context.num_outputs
        prepared_ATQ = model.prepare(points_TQ.reshape(-1, 1), width).unflatten(1, points_TQ.shape)
        prepared_TAQ = prepared_ATQ.transpose(0, 1).to(self.context.dtype)
        outputs_TKQ = model.outputs(self.weights_TN, prepared_TAQ, width, outputs)
        return (outputs_TKQ[:, 0].double() - self.cells.values(points_TQ)).square()


def _mean_square(context: PackContext, outputs_TKP: Tensor) -> MeanEstimate:
    """Mean of the squared error over the distribution of the inputs, with its own error."""
    dataset = context.dataset
    squares_TP = squared_errors(outputs_TKP, dataset.test_targets_PK.mT)
    if dataset.test_weights_EP is not None:
        estimate = weighted_mean(squares_TP, dataset.test_weights_EP)
        one_cell = squares_TP.shape[1] == KRONROD_NODES
        return MeanEstimate(estimate.value, torch.full_like(estimate.error, torch.inf)) if one_cell else estimate
    num_points = squares_TP.shape[1]
    scatter_T = squares_TP.var(dim=1) if num_points > 1 else torch.full_like(squares_TP[:, 0], torch.nan)
    return MeanEstimate(squares_TP.mean(dim=1), (scatter_T / num_points).sqrt())
