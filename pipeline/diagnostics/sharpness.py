"""Sharpness: eigenvalues of the Hessian of the training loss, and what they say about a learning rate.

The Hessian is that of the loss that is minimised, on all training points, in float64. Of networks whose activation has
kinks (ReLU and its like) it is the Hessian *almost everywhere*, the Gauss-Newton matrix and what is smooth of the rest:
what the loss gains or loses because a step moves kinks across points is left out, and with it perhaps the sign. For
0.7 relu(x - b) against cos x on [0, 1] it says 0.294 in b = 0.4, where the mean over all x has the curvature -0.3507.
``finite_difference_curvature`` sees the kinks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import torch
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.errors import FieldError
from pipeline.models.model import Model
from pipeline.numerics import spectra
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss

MOST_DENSE = 200
"""Weights of the largest Hessian that is decomposed as a whole."""


@final
@dataclass(frozen=True)
class Sharpness(Diagnostic):
    """Largest eigenvalue of the Hessian of the training loss, to a relative 1e-8; NaN where that is not reached.

    By Lanczos on closed-form products: an eigenvalue is certain to lie within the residual, a relative 1e-8. That it is
    the largest is not: the start is a random vector, and of two eigenvalues within a relative 1e-7 of each other the
    lower may be the one that is found (in 2 of 920 networks drawn close to such). Kinks of ReLU and its like are left
    out. It takes 8 to 25 products, on the fused engine as long as 20 to 60 updates of a network in float32.

    Args:
        at: ``recorded`` for every recorded step; ``ends``, as it is by default, for the first and the last of networks
            in full-batch descent, of which theory says where it may come to rest.

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 10.1, for Lanczos.
    """

    at: Literal["recorded", "ends"] = "recorded"
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"at": ("recorded",)}
    constant_for_quadratics: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    takes_top_of_hessian: ClassVar[bool] = True
    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "largest Hessian eigenvalue"
    formula: ClassVar[str] = r"\lambda_{max}\left(\nabla^2 L(w_t)\right)"

    def concerns(self, model: Model, loss: Loss, optimizer: Optimizer, *, minibatches: bool) -> bool:
        descent_of_network = not model.linear and not minibatches and optimizer.stability_factor() is not None
        return descent_of_network or self.at == "recorded"

    def only_at_ends(self) -> bool:
        return self.at == "ends"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return _sharpness(snapshot)


@final
@dataclass(frozen=True)
class StabilityIndex(Diagnostic):
    """Learning rate over the largest stable one of the present Hessian: above 1 a quadratic would diverge.

    That of descent on all points; with minibatches it may diverge far below 1.
    ``rate * lambda_max / 2`` for gradient descent, with the limit of the optimizer in place of 2 otherwise. Full-batch
    descent on a network brings it to 1 and keeps it there, the edge of stability: Cohen et al., arXiv 2103.00065.
    """

    constant_for_quadratics: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    takes_top_of_hessian: ClassVar[bool] = True
    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "learning rate / largest stable one"
    formula: ClassVar[str] = (
        r"\frac{\eta \, \lambda_{max}\left(\nabla^2 L(w_t)\right)}{c}, \qquad c = 2 \text{ for gradient descent}"
    )

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return optimizer.stability_factor() is not None

    def __call__(self, snapshot: Snapshot) -> Tensor:
        factor = snapshot.context.optimizer.stability_factor()
        assert factor is not None, "as `applies` says"
        return snapshot.learning_rates_T * _sharpness(snapshot) / factor


@final
@dataclass(frozen=True)
class SmallestEigenvalue(Diagnostic):
    """Smallest eigenvalue of the Hessian, negative at a saddle, from the dense matrix; NaN above 200 weights.

    Lanczos finds the largest in a few steps and the smallest, among many close to zero, in none that would do.
    A linear model under the square loss is not limited to 200: its Hessian is X^T X / P.
    """

    constant_for_quadratics: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "smallest Hessian eigenvalue"
    formula: ClassVar[str] = r"\lambda_{min}\left(\nabla^2 L(w_t)\right)"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context = snapshot.context
        if context.model.linear and context.loss.quadratic:
            num_points, num_features = snapshot.feature_shape
            smallest_T = snapshot.singular_values_TS[:, -1].square() / num_points
            return torch.zeros_like(smallest_T) if num_features > num_points else smallest_T
        num_weights = snapshot.weights_TN.shape[1]
        if num_weights > MOST_DENSE:
            return torch.full_like(snapshot.learning_rates_T, torch.nan)
        elements = num_weights * max(num_weights, snapshot.jacobian_shape[1])
        return torch.cat([_smallest(curved.hessian()) for curved in snapshot.curvatures(elements)])


@final
@dataclass(frozen=True)
class GaussNewtonConditionNumber(Diagnostic):
    """Condition number of the Gauss-Newton matrix without its null directions: what descent close to a fit feels.

    From the singular values of its root, as the Hessian of a small residual. Symmetries of the weights make every ReLU
    network singular, so the whole condition number would be infinite. NaN for Jacobians above 4 million numbers.
    """

    constant_for_quadratics: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "condition number of the Gauss-Newton matrix"
    formula: ClassVar[str] = r"\frac{\lambda_1}{\lambda_r} \text{ of } J^T Q J, \qquad r \text{ the numerical rank}"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context = snapshot.context
        if context.model.linear and context.loss.quadratic:
            return spectra.condition_number_of_range(snapshot.singular_values_TS, snapshot.feature_shape).square()
        values_TS = snapshot.gauss_newton_root_singular_values_TS
        return spectra.condition_number_of_range(values_TS, snapshot.jacobian_shape).square()


@final
@dataclass(frozen=True)
class FiniteDifferenceCurvature(Diagnostic):
    """Second difference of the training loss along the top eigenvector of the Hessian, kinks included.

    ``[L(w + h u) - 2 L(w) + L(w - h u)] / h^2`` with the certified vector u of length 1. The step h must move kinks
    across several points to see them: of 200 points on [0, 1] a step of 0.001 sees none, 0.01 to 0.1 all.

    Args:
        step: h, in units of the weights, above 0.

    Raises:
        FieldError: If the step is not positive.
    """

    step: float = 0.01
    by_default: ClassVar[bool] = False
    takes_top_of_hessian: ClassVar[bool] = True
    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "second difference along the top eigenvector"
    formula: ClassVar[str] = (
        r"\frac{L(w_t + h u) - 2 L(w_t) + L(w_t - h u)}{h^2}, \qquad u \text{ the top eigenvector of } \nabla^2 L(w_t)"
    )

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise FieldError(("step",), f"step {self.step!r} is not positive", hint="take a number above 0, like 0.01")

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return not model.linear

    def __call__(self, snapshot: Snapshot) -> Tensor:
        top = snapshot.top_of_hessian
        curvature_T = second_difference(snapshot.context, snapshot.weights_TN.double(), top.vectors_TN, self.step)
        return torch.where(top.certified_T, curvature_T, torch.nan)


def second_difference(context: PackContext, weights_TN: Tensor, directions_TN: Tensor, step: float) -> Tensor:
    """Second difference ``[L(w + h u) - 2 L(w) + L(w - h u)] / h^2`` of the training loss along a unit vector u.

    Args:
        context: Model, loss and training points.
        weights_TN: w, float64.
        directions_TN: u, unit vectors, float64.
        step: h, in units of the weights.

    Returns:
        Shape ``[T]``, float64.
    """
    targets_KP = context.dataset.train_targets_PK.mT
    before_T, here_T, after_T = (
        context.loss(
            context.model.outputs(
                weights_TN + distance * directions_TN, context.prepared_AP, context.width, context.num_outputs
            ),
            targets_KP,
        )
        for distance in (-step, 0.0, step)
    )
    return (before_T - 2 * here_T + after_T) / step**2


def _sharpness(snapshot: Snapshot) -> Tensor:
    """Largest eigenvalue of the Hessian, ``[T]``; NaN where it is not certified."""
    context = snapshot.context
    if context.model.linear and context.loss.quadratic:
        return snapshot.singular_values_TS[:, 0].square() / context.num_points
    top = snapshot.top_of_hessian
    return torch.where(top.certified_T, top.largest_T, torch.nan)


def _smallest(hessian_TNN: Tensor) -> Tensor:
    """Smallest eigenvalue of each matrix, NaN where an entry is not finite; on the CPU, where small ones are fast."""
    finite_T = hessian_TNN.isfinite().all(dim=(1, 2))
    matrices_TNN = torch.where(finite_T[:, None, None], hessian_TNN, 0.0).cpu()
    smallest_T = torch.linalg.eigvalsh(matrices_TNN)[:, 0].to(hessian_TNN.device)
    return torch.where(finite_T, smallest_T, torch.nan)
