"""Conditioning of the feature matrix, which decides how fast descent is: condition numbers, rank, curvature.

The feature matrix X of a network holds its hidden units and the constant of the output
bias: the problem that the output weights see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.numerics import spectra
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


@final
@dataclass(frozen=True)
class ConditionNumber(Diagnostic):
    """Condition number of the feature matrix X; 1e15 and above means at least 1e15, the float64 limit.

    ``sigma_1 / sigma_F``, the largest over the smallest singular value.

    Source: Trefethen, Bau, Numerical Linear Algebra (1997), lecture 12.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "condition number of X"
    formula: ClassVar[str] = r"\kappa(X) = \frac{\sigma_1}{\sigma_F}"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.condition_number(snapshot.singular_values_TS, snapshot.feature_shape)


@final
@dataclass(frozen=True)
class GramConditionNumber(Diagnostic):
    """Condition number of X^T X, the square of that of X: what descent on the square loss feels.

    ``(sigma_1 / sigma_F)^2``: the steps of gradient descent to a given accuracy grow in proportion to it.

    Source: Trefethen, Bau, Numerical Linear Algebra (1997), lecture 12.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "condition number of X^T X"
    formula: ClassVar[str] = r"\kappa(X^T X) = \left(\frac{\sigma_1}{\sigma_F}\right)^2"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.condition_number(snapshot.singular_values_TS, snapshot.feature_shape).square()


@final
@dataclass(frozen=True)
class ConditionNumberOfRange(Diagnostic):
    """Condition number of X without its null directions: what descent from zero feels.

    ``sigma_1 / sigma_r`` with r the numerical rank: from zero weights descent never leaves the range of X^T.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "condition number of the range of X"
    formula: ClassVar[str] = r"\frac{\sigma_1}{\sigma_r}, \qquad r \text{ the numerical rank}"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.condition_number_of_range(snapshot.singular_values_TS, snapshot.feature_shape)


@final
@dataclass(frozen=True)
class EffectiveRank(Diagnostic):
    """Numerical rank of X: number of singular values above rounding, max(P, F) * 2.2e-16 of the largest.

    Source: Press et al., Numerical Recipes (3rd ed.), section 2.6.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "effective rank"
    formula: ClassVar[str] = (
        r"r = \left| \left\{ s : \sigma_s > \max(P, F) \cdot 2.2 \cdot 10^{-16} \, \sigma_1 \right\} \right|"
    )

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return spectra.effective_rank(snapshot.singular_values_TS, snapshot.feature_shape)


@final
@dataclass(frozen=True)
class LargestStableLearningRate(Diagnostic):
    """Predicted limit of the learning rate of a linear model, from the Hessian; what it means depends on rule and loss.

    - With the square loss (half the mean) the Hessian is X^T X / P, and the limit is exact: 2 / lambda_max for gradient
      descent, its analogue with momentum. Descent on all points converges below it, and only there.
    - With another loss, whose largest curvature bounds the Hessian, gradient descent never raises the loss at a
      lower rate, and need not at a higher one. With momentum nothing is known from afar: below the limit a
      minimum attracts what starts close to it, but descent may go round a cycle for ever.
    - Gradient descent on minibatches of the square loss: below the limit the mean square of the weights stays finite,
      if every batch is drawn anew; NaN for other rules and losses, of which no limit is known.

    Source: Nesterov, Lectures on Convex Optimization (2018), section 1.2.3; Mulayoff, Michaeli (COLT 2024).
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "largest stable learning rate"
    formula: ClassVar[str] = r"\eta_{max} = \frac{c}{\lambda_{max}}, \qquad c = 2 \text{ for gradient descent}"

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return model.linear and optimizer.stability_factor() is not None

    def __call__(self, snapshot: Snapshot) -> Tensor:
        rate = snapshot.context.largest_stable_learning_rate
        return torch.full((len(snapshot.weights_TN),), rate, dtype=torch.float64)
