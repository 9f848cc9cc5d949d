"""What a network is able to say from where it is: its tangent kernel, and the hidden units that are of use.

The tangent kernel of all outputs at all training points is ``J J^T`` with the Jacobian J of the outputs in the weights:
a small step of gradient descent under the square loss moves the outputs by it (Jacot et al., arXiv 1806.07572). It is
taken from the singular values of J, never formed. All are NaN for Jacobians above 4 million numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics import spectra
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


@final
@dataclass(frozen=True)
class TangentKernelConditionNumber(Diagnostic):
    """Condition number of the tangent kernel; infinite where there are more outputs at points than weights."""

    constant_for_linear_models: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "condition number of the tangent kernel"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.condition_number(snapshot.jacobian_singular_values_TS, snapshot.jacobian_shape).square()


@final
@dataclass(frozen=True)
class TangentKernelEffectiveRank(Diagnostic):
    """Number of directions in which a small step can move the outputs: singular values of J above rounding."""

    constant_for_linear_models: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "effective rank of the tangent kernel"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.effective_rank(snapshot.jacobian_singular_values_TS, snapshot.jacobian_shape)


@final
@dataclass(frozen=True)
class DeadUnitShare(Diagnostic):
    """Share of the hidden units whose derivative is zero at every training point: no step moves their own weights.

    A ReLU that is never active is dead, and a tanh or a sigmoid that rounds to its limit everywhere in the dtype of
    the training.
    """

    unit: ClassVar[str] = "share of dead hidden units"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return isinstance(model, Shallow)

    def __call__(self, snapshot: Snapshot) -> Tensor:
        model = snapshot.learned.model
        assert isinstance(model, Shallow), "as `applies` says"
        values_TWP = snapshot.features_TPF.mT[:, :-1].to(snapshot.weights_TN.dtype)
        slopes_TWP = model.activation.multiply_by_derivative_(torch.ones_like(values_TWP), values_TWP)
        share_T = 1 - slopes_TWP.any(dim=2).double().mean(dim=1)
        return torch.where(snapshot.weights_TN.isfinite().all(dim=1), share_T, torch.nan)
