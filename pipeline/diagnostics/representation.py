"""Representation of a network: its tangent kernel, and how its hidden units change from the start.

The tangent kernel of all outputs at all training points is ``J J^T`` with the Jacobian J of the outputs in the weights:
a small step of gradient descent under the square loss moves the outputs by it (Jacot et al., arXiv 1806.07572). It is
taken from the singular values of J, never formed. All are NaN for Jacobians above 4 million numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import MOST_JACOBIAN_ELEMENTS, Snapshot
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics import spectra
from pipeline.numerics.descent import loss_curve, modes
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.losses import Loss


@final
@dataclass(frozen=True)
class TangentKernelConditionNumber(Diagnostic):
    """Condition number of the tangent kernel; infinite where there are more outputs at points than weights.

    That of ``J J^T``, the square of that of J: ``(sigma_1 / sigma_min)^2``.

    Source: Jacot, Gabriel, Hongler, arXiv 1806.07572.
    """

    constant_for_linear_models: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "condition number of the tangent kernel"
    formula: ClassVar[str] = r"\kappa(J J^T) = \left(\frac{\sigma_1(J)}{\sigma_{min}(J)}\right)^2"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.condition_number(snapshot.jacobian_singular_values_TS, snapshot.jacobian_shape).square()


@final
@dataclass(frozen=True)
class TangentKernelEffectiveRank(Diagnostic):
    """Numerical rank of the tangent kernel: number of directions in which a small step can move the outputs.

    Source: Jacot, Gabriel, Hongler, arXiv 1806.07572.
    """

    constant_for_linear_models: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "effective rank of the tangent kernel"
    formula: ClassVar[str] = (
        r"\left| \left\{ s : \sigma_s(J) > \max(N, K P) \cdot 2.2 \cdot 10^{-16} \, \sigma_1(J) \right\} \right|"
    )

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.effective_rank(snapshot.jacobian_singular_values_TS, snapshot.jacobian_shape)


@final
@dataclass(frozen=True)
class DeadUnitShare(Diagnostic):
    """Fraction of dead hidden units, whose derivative is zero at every training point: no step moves their own weights.

    A ReLU that is never active is dead, and a tanh or a sigmoid that rounds to its limit everywhere in the dtype of
    the training.
    """

    unit: ClassVar[str] = "share of dead hidden units"
    formula: ClassVar[str] = r"\frac{1}{W} \left| \left\{ j : g'(z_{jp}) = 0 \text{ for all } p \right\} \right|"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return isinstance(model, Shallow)

    def __call__(self, snapshot: Snapshot) -> Tensor:
        model = snapshot.context.model
        assert isinstance(model, Shallow), "as `applies` says"
        values_TWP = snapshot.features_TPF.mT[:, :-1]
        if model.activation.convex:
            values_TWP = values_TWP.amax(dim=2, keepdim=True)  # at no other point can the derivative be larger
        values_TWP = values_TWP.to(snapshot.weights_TN.dtype)
        slopes_TWP = model.activation.multiply_by_derivative_(torch.ones_like(values_TWP), values_TWP)
        alive_TW = slopes_TWP.abs_().amax(dim=2) != 0
        fraction_T = 1 - alive_TW.double().mean(dim=1)
        return torch.where(snapshot.weights_TN.isfinite().all(dim=1), fraction_T, torch.nan)


@final
@dataclass(frozen=True)
class FeatureChange(Diagnostic):
    """Relative change of the hidden units since step 0: ``|X_now - X_0| / |X_0|`` in the Frobenius norm.

    The norm is that of all units at all training points. Close to 0 the basis is as good as fixed; against the width
    it shows whether wider networks still move theirs, a check of coordinates as in Yang et al., arXiv 2203.03466.
    """

    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "relative change of the hidden units"
    formula: ClassVar[str] = r"\frac{\| X_t - X_0 \|_F}{\| X_0 \|_F}"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return isinstance(model, Shallow)

    def __call__(self, snapshot: Snapshot) -> Tensor:
        now_TPW, then_TPW = (taken.features_TPF[..., :-1] for taken in (snapshot, snapshot.at_start))
        length_T = torch.linalg.vector_norm(now_TPW - then_TPW, dim=(1, 2))
        return length_T / torch.linalg.vector_norm(then_TPW, dim=(1, 2))


@final
@dataclass(frozen=True)
class LazyIndex(Diagnostic):
    """Root of the training loss over that of the model linearised at step 0: 1 is lazy, below 1 features have helped.

    The linearised model has the tangent kernel of the start for ever; what full-batch gradient descent makes of its
    square loss by this step is known in closed form. Infinite where that would have fitted everything, 0 where it
    would have diverged. Chizat et al., On lazy training in differentiable programming (arXiv 1812.07956).
    """

    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "residual / residual with the kernel of the start"
    formula: ClassVar[str] = (
        r"\sqrt{\frac{L(w_t)}{L_{lin}(w_t)}}, \qquad L_{lin} \text{ of the network linearised at step } 0"
    )

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return not model.linear and loss.quadratic and isinstance(optimizer, GradientDescent)

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return (snapshot.losses_T.double() / _losses_of_linearised(snapshot)).sqrt()


def _losses_of_linearised(snapshot: Snapshot) -> Tensor:
    """Loss of each trial at this step, had its outputs been linear in the weights from step 0 on, shape ``[T]``."""
    targets_KP = snapshot.context.dataset.train_targets_PK.mT
    steps_1 = torch.tensor([snapshot.step], device=targets_KP.device)
    elements = math.prod(snapshot.jacobian_shape)
    if elements > MOST_JACOBIAN_ELEMENTS:
        return torch.full_like(snapshot.learning_rates_T, torch.nan)
    losses: list[Tensor] = []
    scale = snapshot.context.num_outputs**0.5  # the formulas take the mean over outputs too, where the loss sums
    for curved in snapshot.at_start.curvatures(elements):
        residuals_TKP = curved.outputs_TKP - targets_KP
        for jacobian_NKP, residuals_KP in zip(curved.jacobian(), residuals_TKP, strict=True):
            start = modes(scale * jacobian_NKP.flatten(1).mT, scale * residuals_KP.flatten()[:, None])
            rate_1 = snapshot.learning_rates_T[len(losses)][None]
            losses.append(loss_curve(start, rate_1, steps_1)[0, 0])
    return torch.stack(losses)
