"""Predictions of descent on a quadratic, made before it begins, and what is measured to compare with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.errors import FieldError
from pipeline.models.model import Model
from pipeline.numerics.steps_to_tolerance import steps_to_tolerance
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


@final
@dataclass(frozen=True)
class ExcessLoss(Diagnostic):
    """Training loss of a linear model above the least of any weights: what descent can still remove.

    ``|U^T (f - y)|^2 / (2P)`` with U the left singular vectors of the features: the component of the residuals that
    features can reach, not a difference of losses, which would lose its digits where little is left.

    Source: Goh, "Why momentum really works" (Distill, 2017).
    """

    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "training loss above least squares"
    formula: ClassVar[str] = r"\frac{1}{2P} \| U^T (f_t - y) \|^2, \qquad X = U \Sigma V^T"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return model.linear and loss.quadratic

    def __call__(self, snapshot: Snapshot) -> Tensor:
        context = snapshot.context
        weights_TN = snapshot.weights_TN.double()
        outputs_TKP = context.model.outputs(weights_TN, context.prepared_AP, context.width, context.num_outputs)
        residuals_TKP = outputs_TKP - context.dataset.train_targets_PK.mT
        parts_TKS = residuals_TKP @ context.decomposition.left_vectors_PS
        return parts_TKS.square().sum(dim=(1, 2)) / (2 * context.num_points)


@final
@dataclass(frozen=True)
class PredictedSteps(Diagnostic):
    """Predicted steps after which descent on all points has removed all but a fraction of the excess loss.

    Known before training, from the singular values of the features and the loss in each mode of the targets. Infinite
    above the largest stable learning rate, and where a mode with more than the fraction does not move in float64.

    Args:
        tolerance: The fraction, between 0 and 1.

    Raises:
        FieldError: If the tolerance is no fraction.

    Source: Goh, "Why momentum really works" (Distill, 2017).
    """

    tolerance: float = 1e-3
    constant_for_quadratics: ClassVar[bool] = True
    by_default: ClassVar[bool] = False
    unit: ClassVar[str] = "predicted steps to tolerance"
    formula: ClassVar[str] = r"\min \left\{ t : L(w_t) - L(X^+ y) \le \epsilon \left(L(w_0) - L(X^+ y)\right) \right\}"

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            what = f"tolerance {self.tolerance!r} is no fraction of the first excess loss"
            raise FieldError(("tolerance",), what, hint="take a number between 0 and 1, like 0.001")

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return model.linear and loss.quadratic and optimizer.on_quadratics() is not None

    def __call__(self, snapshot: Snapshot) -> Tensor:
        recurrence = snapshot.context.optimizer.on_quadratics()
        assert recurrence is not None, "as `applies` says"
        return steps_to_tolerance(
            snapshot.context.decomposition.modes, snapshot.learning_rates_T, self.tolerance, *recurrence
        )
