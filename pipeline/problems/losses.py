"""Losses on logits, and the zero-one loss, all with the points on the last axis.

Convention: a loss is the **mean over points of the sum over outputs**; the square loss
has the factor 1/2. For P points and K outputs the square loss is
``1/(2P) sum_p sum_k (f_pk - y_pk)^2``, so its Hessian in the weights of a linear model
is ``X^T X / P`` for each output. Predicted learning rates depend on this convention.

Outputs are raw (logits); every loss is finite with finite gradients at ``|z| = 1e4``.
Targets have the shape ``[K, P]``: values, one-hot rows for classes, 0 and 1 for labels.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.definitions import Definition, table


class Task(Enum):
    """Kind of supervised task: what the outputs of a problem mean."""

    REGRESSION = "regression"  # K real numbers
    CLASSES = "classes"  # one of K classes, one-hot
    LABELS = "labels"  # K yes-or-no answers, 0 or 1


class Loss(Definition, ABC):
    """Loss of each trial of a pack, from its outputs and the shared targets."""

    tasks: ClassVar[frozenset[Task]]
    """Tasks that it is a loss of."""
    largest_curvature: ClassVar[float]
    """Supremum of the largest eigenvalue of the Hessian of one point's loss in its outputs."""
    quadratic: ClassVar[bool] = False
    """Whether the Hessian in the outputs is constant, so that a limit predicted from it is exact."""
    convex: ClassVar[bool] = True
    """Whether the Hessian in the outputs is positive semidefinite, so that a linear model has no false minimum."""

    @abstractmethod
    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        """Loss L of each trial.

        Args:
            outputs_TKP: Outputs (logits).
            targets_KP: Targets, or ``[T, K, P]`` for each trial its own.

        Returns:
            Shape ``[T]``, in squared units of the targets or in nats.
        """

    @abstractmethod
    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        """Gradient of the loss in the outputs, ``dL / df``, the factor 1/P included.

        Args:
            outputs_TKP: Outputs (logits).
            targets_KP: Targets, or ``[T, K, P]`` for each trial its own.

        Returns:
            Shape ``[T, K, P]``.
        """

    @abstractmethod
    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        """Hessian-vector product ``Q d`` with the Hessian Q of the loss in the outputs, the factor 1/P included.

        Args:
            outputs_TKP: Outputs (logits).
            targets_KP: Targets.
            directions_TKP: Vectors d; with further axes in front, outputs and targets are repeated over those.

        Returns:
            Shape of the directions.
        """

    @abstractmethod
    def curvature_root(self, outputs_TKP: Tensor, directions_TKP: Tensor) -> Tensor:
        """Root of that Hessian times a direction, ``R d`` with ``R^T R = Q``.

        The singular values of R J, for the Jacobian J of the outputs, are the roots of the eigenvalues of the
        Gauss-Newton matrix ``J^T R^T R J``, with twice the digits. A Hessian that is not convex has no root: there
        ``R^T R`` is what Gauss and Newton keep of it, the part without the second derivatives of the residuals.

        Args:
            outputs_TKP: Outputs (logits).
            directions_TKP: Vectors d, as of ``curvature``.

        Returns:
            Shape of the directions.

        Source: Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent" (2002).
        """

    def value_and_gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and gradient together, for losses that share work between them.

        Args:
            outputs_TKP: Outputs (logits).
            targets_KP: Targets, or ``[T, K, P]`` for each trial its own.

        Returns:
            Loss ``[T]`` and gradient ``[T, K, P]``.
        """
        return self(outputs_TKP, targets_KP), self.gradient(outputs_TKP, targets_KP)


@final
@dataclass(frozen=True)
class HalfMeanSquare(Loss):
    """Half the mean square error: 1/(2P) times the sum of squared differences.

    ``1/(2P) sum_p sum_k (f_kp - y_kp)^2``, with gradient ``(f - y) / P`` and Hessian ``I / P`` in the outputs.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 3.1.1.
    """

    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    largest_curvature: ClassVar[float] = 1.0
    quadratic: ClassVar[bool] = True
    formula: ClassVar[str] = r"L = \frac{1}{2P} \sum_{p=1}^{P} \sum_{k=1}^{K} (f_{kp} - y_{kp})^2"

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return (outputs_TKP - targets_KP).square().sum(dim=(-2, -1)) / (2 * outputs_TKP.shape[-1])

    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return (outputs_TKP - targets_KP) / outputs_TKP.shape[-1]

    def value_and_gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> tuple[Tensor, Tensor]:
        num_points = outputs_TKP.shape[-1]
        residual_TKP = outputs_TKP - targets_KP
        value_T = residual_TKP.square().sum(dim=(-2, -1)) / (2 * num_points)
        return value_T, residual_TKP.div_(num_points)

    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        return directions_TKP / directions_TKP.shape[-1]

    def curvature_root(self, outputs_TKP: Tensor, directions_TKP: Tensor) -> Tensor:
        return directions_TKP / directions_TKP.shape[-1] ** 0.5


@final
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of K logits, for one of K classes.

    ``-log p_y`` with ``p = softmax(z)``, computed as ``softplus(u)``, where u is ``log(sum of exp(z_k) over the wrong
    classes)`` less the logit of the right one: for a confident right answer the loss is small, and so are the slopes
    ``s(u) (q - y)``, where q is the softmax over the wrong classes; ``p - y`` would be what rounding leaves of 1 - 1.
    The Hessian of one point is ``diag p - p p^T``, whose largest eigenvalue is at most 1/2.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4, for the loss.
    """

    tasks: ClassVar[frozenset[Task]] = frozenset({Task.CLASSES})
    largest_curvature: ClassVar[float] = 0.5
    formula: ClassVar[str] = (
        r"L = -\frac{1}{P} \sum_{p=1}^{P} \sum_{k=1}^{K} y_{kp} \log \frac{e^{z_{kp}}}{\sum_l e^{z_{lp}}}"
    )

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return self._value(_wrong_logits(outputs_TKP, targets_KP), outputs_TKP, targets_KP)

    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return self._gradient(_wrong_logits(outputs_TKP, targets_KP), outputs_TKP, targets_KP)

    def value_and_gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> tuple[Tensor, Tensor]:
        wrong_TKP = _wrong_logits(outputs_TKP, targets_KP)
        return self._value(wrong_TKP, outputs_TKP, targets_KP), self._gradient(wrong_TKP, outputs_TKP, targets_KP)

    @staticmethod
    def _value(wrong_TKP: Tensor, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        against_TP = _log_odds_against(wrong_TKP, outputs_TKP, targets_KP)
        return _softplus(against_TP).sum(dim=-1) / outputs_TKP.shape[-1]

    @staticmethod
    def _gradient(wrong_TKP: Tensor, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        wrong_TP = torch.sigmoid(_log_odds_against(wrong_TKP, outputs_TKP, targets_KP))
        direction_TKP = torch.softmax(wrong_TKP, dim=-2) - targets_KP
        return wrong_TP[..., None, :] * direction_TKP / outputs_TKP.shape[-1]

    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        probabilities = torch.softmax(outputs_TKP, dim=-2)
        return probabilities * _centred(probabilities, directions_TKP) / outputs_TKP.shape[-1]

    def curvature_root(self, outputs_TKP: Tensor, directions_TKP: Tensor) -> Tensor:
        probabilities = torch.softmax(outputs_TKP, dim=-2)
        return (probabilities / outputs_TKP.shape[-1]).sqrt() * _centred(probabilities, directions_TKP)


@final
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of the sigmoid of each logit, summed over the labels.

    ``-y log p - (1 - y) log(1 - p)`` with ``p = sigmoid(z)``, computed as ``softplus((1 - 2 y) z)``, its value for
    y = 0 and y = 1: neither a logarithm of zero nor an overflow nor a cancellation at any z, and smooth at z = 0 to
    autograd too. The second derivative is ``p (1 - p)``, at most 1/4.

    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.2, for the loss.
    """

    tasks: ClassVar[frozenset[Task]] = frozenset({Task.LABELS})
    largest_curvature: ClassVar[float] = 0.25
    formula: ClassVar[str] = (
        r"L = \frac{1}{P} \sum_{p=1}^{P} \sum_{k=1}^{K} \log\left(1 + e^{(1 - 2 y_{kp}) z_{kp}}\right)"
    )

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return _softplus((1 - 2 * targets_KP) * outputs_TKP).sum(dim=(-2, -1)) / outputs_TKP.shape[-1]

    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        sign_KP = 1 - 2 * targets_KP
        return sign_KP * torch.sigmoid(sign_KP * outputs_TKP) / outputs_TKP.shape[-1]

    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        return _bernoulli_variance(outputs_TKP) * directions_TKP / outputs_TKP.shape[-1]

    def curvature_root(self, outputs_TKP: Tensor, directions_TKP: Tensor) -> Tensor:
        return (_bernoulli_variance(outputs_TKP) / outputs_TKP.shape[-1]).sqrt() * directions_TKP


@final
@dataclass(frozen=True)
class BrierScore(Loss):
    """Square of the sigmoid of each logit less the label, summed over the labels; no factor 1/2.

    With ``u = (1 - 2 y) z`` and s the sigmoid of u, the probability of the wrong answer, it is ``s^2`` with the
    slope ``2 s^2 (1 - s)`` in u: at most 8/27, and vanishing where an answer is wrong and sure of it. That of
    cross-entropy is s, which is ``1 / (2 s (1 - s))`` times as much. The second derivative
    ``2 s^2 (1 - s) (2 - 3 s)`` is negative for s above 2/3, so even a linear model may have several minima; it is
    greatest at ``s = (15 - sqrt(33)) / 24``. Of it Gauss and Newton keep ``2 s^2 (1 - s)^2``, from the residuals s.

    Source: Brier 1950.
    """

    tasks: ClassVar[frozenset[Task]] = frozenset({Task.LABELS})
    largest_curvature: ClassVar[float] = (39 + 55 * 33**0.5) / 2304
    convex: ClassVar[bool] = False
    formula: ClassVar[str] = (
        r"L = \frac{1}{P} \sum_{p=1}^{P} \sum_{k=1}^{K} \left(\sigma(z_{kp}) - y_{kp}\right)^2, \qquad \sigma(z) = "
        r"\frac{1}{1 + e^{-z}}"
    )

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return torch.sigmoid((1 - 2 * targets_KP) * outputs_TKP).square().sum(dim=(-2, -1)) / outputs_TKP.shape[-1]

    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        sign_KP = 1 - 2 * targets_KP
        away_TKP = sign_KP * outputs_TKP
        return 2 * sign_KP * torch.sigmoid(away_TKP) * _bernoulli_variance(away_TKP) / outputs_TKP.shape[-1]

    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        away_TKP = (1 - 2 * targets_KP) * outputs_TKP
        wrong_TKP = torch.sigmoid(away_TKP)
        second_derivative_TKP = 2 * wrong_TKP * (2 - 3 * wrong_TKP) * _bernoulli_variance(away_TKP)
        return second_derivative_TKP * directions_TKP / outputs_TKP.shape[-1]

    def curvature_root(self, outputs_TKP: Tensor, directions_TKP: Tensor) -> Tensor:
        return (2 / outputs_TKP.shape[-1]) ** 0.5 * _bernoulli_variance(outputs_TKP) * directions_TKP


def _softplus(logits: Tensor) -> Tensor:
    """``log(1 + exp(z))``."""
    # Linear from 40; from 20, the default, what is left out would be 1e-10 of it.
    return torch.nn.functional.softplus(logits, threshold=40)


def _wrong_logits(outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
    """Logits of the wrong classes, with that of the right one so low that it does not count."""
    return torch.where(targets_KP > 0.5, torch.finfo(outputs_TKP.dtype).min, outputs_TKP)


def _log_odds_against(wrong_TKP: Tensor, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
    """Log odds against the right class, ``log sum_wrong exp(z) - z_right``, shape ``[T, P]``."""
    return torch.logsumexp(wrong_TKP, dim=-2) - (targets_KP * outputs_TKP).sum(dim=-2)


def _centred(probabilities: Tensor, directions_TKP: Tensor) -> Tensor:
    """Directions less their mean over the classes; the second pass removes what rounding left of a small difference.

    Returns:
        Shape of the directions.
    """
    for _ in range(2):
        directions_TKP = directions_TKP - (probabilities * directions_TKP).sum(dim=-2, keepdim=True)
    return directions_TKP


def _bernoulli_variance(logits: Tensor) -> Tensor:
    """Variance p (1 - p) of a yes or no; the smaller of the two is not a difference, so its digits stay."""
    return torch.sigmoid(logits) * torch.sigmoid(-logits)


LOSSES = table(Loss, sys.modules[__name__])

DEFAULT_LOSS: dict[Task, Loss] = {
    Task.REGRESSION: HalfMeanSquare(),
    Task.CLASSES: SoftmaxCrossEntropy(),
    Task.LABELS: BinaryCrossEntropy(),
}
"""Loss of an experiment that names none."""


def zero_one_loss(outputs_TKP: Tensor, targets_KP: Tensor, task: Task, loss: Loss) -> Tensor:
    """Zero-one loss: fraction of wrong answers of each trial.

    Classes: the answer is the class of the largest output; **a tie goes to the first
    class** among the largest. Labels: the fraction is over all points and
    labels; the answer is *yes* where the output is **strictly above** the threshold, so
    a tie is a *no*. The threshold is the logit 0, or 1/2 for outputs trained with the
    square loss, which estimate the label itself. A NaN output is a wrong answer.

    Args:
        outputs_TKP: Outputs (logits).
        targets_KP: Targets: one-hot, or 0 and 1.
        task: Classes or labels.
        loss: Loss that the outputs were trained with.

    Returns:
        Shape ``[T]``, float64, from 0 to 1.

    Raises:
        ValueError: For a regression, whose answers are not right or wrong.

    Example:
        Two points: class 0 is answered, then class 1, and class 0 is right.

        >>> outputs_TKP, targets_KP = torch.tensor([[[2.0, 0.0], [1.0, 1.0]]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
        >>> zero_one_loss(outputs_TKP, targets_KP, Task.CLASSES, SoftmaxCrossEntropy()).tolist()
        [0.5]
    """
    if task is Task.CLASSES:
        wrong = outputs_TKP.argmax(dim=-2) != targets_KP.argmax(dim=-2)
        return (wrong | outputs_TKP.isnan().any(dim=-2)).double().mean(dim=-1)
    if task is Task.LABELS:
        wrong = (outputs_TKP > threshold(loss)) != (targets_KP > 0.5)
        return (wrong | outputs_TKP.isnan()).double().mean(dim=(-2, -1))
    raise ValueError("a regression has no zero-one loss")


def threshold(loss: Loss) -> float:
    """Decision threshold of a label: the output above which the answer is *yes*.

    Args:
        loss: Loss that the outputs were trained with.

    Returns:
        1/2 for the square loss, whose outputs estimate the label; else the logit 0.
    """
    return 0.5 if isinstance(loss, HalfMeanSquare) else 0.0


def squared_errors(outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
    """Squared error ``sum_k (f_kp - y_kp)^2`` at each point.

    Args:
        outputs_TKP: Outputs f.
        targets_KP: Targets y.

    Returns:
        Shape ``[T, P]``, float64, in squared units of the targets.
    """
    return (outputs_TKP - targets_KP).double().square().sum(dim=-2)
