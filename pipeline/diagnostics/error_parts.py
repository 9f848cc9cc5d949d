"""Decomposition of the squared test error of a trial: parts that add up to it.

Approximation, sampling, optimisation and rounding, in this order, are what each step from
the target to the outputs adds to the mean square of the errors on held-out points (their
definition is in ``numerics/error_decomposition.py``). The quadrature has a part as well, of which only a bound
is known: by ``test_error_bar`` the sum of the others may be off.

All are of the square loss. Of a classification learned by it they add up to the mean square of the errors,
while the test error is a fraction of answers.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


class ErrorPart(Diagnostic, ABC):
    """One part of the squared test error."""

    by_default: ClassVar[bool] = False

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return loss.quadratic


@final
@dataclass(frozen=True)
class ApproximationPart(ErrorPart):
    """Squared error of the best combination of the present features under the distribution of the inputs itself.

    Of a linear model what its functions cannot do, of a greedy one those that it has chosen. Of a network it is
    no less than the squared error of the best network of that width: another hidden layer may do more.
    """

    constant_for_linear_models: ClassVar[bool] = True
    unit: ClassVar[str] = "squared test error that no weights of these features can lower"
    formula: ClassVar[str] = r"\min_a E \, |\phi(x)^T a - f(x)|^2"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.error_parts.approximation_T


@final
@dataclass(frozen=True)
class SamplingPart(ErrorPart):
    """Estimation error: what the least-squares fit adds because training points are finitely many, and may be noisy."""

    constant_for_linear_models: ClassVar[bool] = True
    signed: ClassVar[bool] = True  # by rounding
    unit: ClassVar[str] = "squared test error for finitely many training points"
    formula: ClassVar[str] = r"E \, |\phi(x)^T X^+ y - f(x)|^2 - \min_a E \, |\phi(x)^T a - f(x)|^2"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.error_parts.sampling_T


@final
@dataclass(frozen=True)
class OptimisationPart(ErrorPart):
    """Optimisation error: what the trained combination of features adds to the least-squares one.

    Negative where training that ended early is nearer to the target than least squares on the training points.
    """

    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "squared test error for weights that are not the best on the training points"
    formula: ClassVar[str] = r"E \, |\phi(x)^T a_t - f(x)|^2 - E \, |\phi(x)^T X^+ y - f(x)|^2"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.error_parts.optimisation_T


@final
@dataclass(frozen=True)
class RoundingPart(ErrorPart):
    """Rounding error: what the outputs in the dtype of the training add to those of the same weights in float64.

    In float64 to sums with twice the digits: what large weights of opposite signs lose.
    """

    signed: ClassVar[bool] = True
    unit: ClassVar[str] = "squared test error for the digits of the dtype"
    formula: ClassVar[str] = (
        r"E \, |f_t(x) - f(x)|^2 - E \, |\phi(x)^T a_t - f(x)|^2, \qquad f_t \text{ in the dtype of the training}"
    )

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.error_parts.rounding_T
