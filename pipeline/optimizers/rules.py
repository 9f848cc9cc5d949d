"""Optimizers of a pack: elementwise arithmetic on stacked weights, one learning rate per trial."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor

from pipeline.definitions import Definition
from pipeline.errors import FieldError


class Recurrence(NamedTuple):
    """Linear recurrence of a rule on a quadratic, which has a closed form."""

    momentum: float
    """Momentum b, from 0 to below 1; 0 is gradient descent."""
    nesterov: bool
    """Whether the momentum is Nesterov's."""


class Optimizer(Definition, ABC):
    """Minimiser of the training loss of each trial of a pack."""

    uses_learning_rate: ClassVar[bool] = True
    """Whether it has a learning rate; a solver chooses its own steps."""
    only_linear: ClassVar[bool] = False
    """Whether it is for linear models only."""
    only_networks: ClassVar[bool] = False
    """Whether it is for networks only."""
    only_square_loss: ClassVar[bool] = False
    """Whether it minimises the square loss only."""
    all_points: ClassVar[bool] = False
    """Whether it is full-batch: all points at every step, no minibatches."""
    only_float64: ClassVar[bool] = False
    """Whether float32 would stop it early."""
    in_one_step: ClassVar[bool] = False
    """Whether its first step is its last."""

    draws_from_seed: ClassVar[bool] = False
    """Whether it draws random numbers of its own, so that every seed takes other steps from the same start."""

    def memory(self, num_weights: int) -> tuple[int, ...]:
        """Columns of the tensors ``[T, columns]`` that it remembers from step to step; zero at the start.

        Args:
            num_weights: N.

        Returns:
            One number of columns for each tensor.
        """
        return ()

    def stability_factor(self) -> float | None:
        """Stability limit on a quadratic: the largest stable learning rate times the largest eigenvalue of the Hessian.

        Returns:
            Dimensionless; ``None`` where no such number exists.
        """
        return None

    def on_quadratics(self) -> Recurrence | None:
        """Recurrence of its steps on a quadratic, which ``numerics`` solves; ``None`` where there is none."""
        return None


class UpdateRule(Optimizer):
    """First-order optimizer: it moves the weights a step at a time, given the gradient."""

    slots: ClassVar[int]
    """Tensors of the size of the weights that it remembers from step to step; zero at the start."""

    def memory(self, num_weights: int) -> tuple[int, ...]:
        return (num_weights,) * self.slots

    @abstractmethod
    def __call__(
        self,
        weights_TN: Tensor,
        gradient_TN: Tensor,
        slots: tuple[Tensor, ...],
        learning_rates_T1: Tensor,
        step: int,
    ) -> None:
        """Update weights and slots in place; may overwrite the gradient.

        Args:
            weights_TN: Stacked weights.
            gradient_TN: Gradient of each trial's own loss at these weights.
            slots: ``slots`` tensors ``[T, N]``.
            learning_rates_T1: Learning rates.
            step: Number of this update, from 1.
        """


def _check_fraction(field: str, value: float) -> None:
    """Refuse a number outside [0, 1).

    Raises:
        FieldError: Naming the field.
    """
    if not 0 <= value < 1:
        raise FieldError(
            (field,), f"{field} {value!r} is not in [0, 1)", hint="take a number from 0 to below 1, like 0.9"
        )


@final
@dataclass(frozen=True)
class GradientDescent(UpdateRule):
    """Gradient descent, w = w - rate gradient; stable on a quadratic for learning rates below 2 / lambda_max.

    Source: Nesterov, Lectures on Convex Optimization (2018), section 1.2.3.
    """

    slots: ClassVar[int] = 0
    formula: ClassVar[str] = r"w_{t+1} = w_t - \eta \, \nabla L(w_t)"

    def stability_factor(self) -> float:
        return 2.0

    def on_quadratics(self) -> Recurrence:
        return Recurrence(0.0, nesterov=False)

    def __call__(
        self,
        weights_TN: Tensor,
        gradient_TN: Tensor,
        slots: tuple[Tensor, ...],
        learning_rates_T1: Tensor,
        step: int,
    ) -> None:
        weights_TN.addcmul_(learning_rates_T1, gradient_TN, value=-1)


@final
@dataclass(frozen=True)
class Momentum(UpdateRule):
    """Heavy ball: v = momentum v + gradient, w = w - rate v; stable below 2 (1 + momentum) / lambda_max.

    Args:
        momentum: From 0 to below 1.

    Raises:
        FieldError: If the momentum is not in [0, 1).

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
    """

    momentum: float = 0.9
    slots: ClassVar[int] = 1
    formula: ClassVar[str] = r"v_{t+1} = \beta v_t + \nabla L(w_t), \qquad w_{t+1} = w_t - \eta \, v_{t+1}"

    def __post_init__(self) -> None:
        _check_fraction("momentum", self.momentum)

    def stability_factor(self) -> float:
        return 2 * (1 + self.momentum)

    def on_quadratics(self) -> Recurrence:
        return Recurrence(self.momentum, nesterov=False)

    def __call__(
        self,
        weights_TN: Tensor,
        gradient_TN: Tensor,
        slots: tuple[Tensor, ...],
        learning_rates_T1: Tensor,
        step: int,
    ) -> None:
        (velocity_TN,) = slots
        velocity_TN.mul_(self.momentum).add_(gradient_TN)
        weights_TN.addcmul_(learning_rates_T1, velocity_TN, value=-1)


@final
@dataclass(frozen=True)
class Nesterov(UpdateRule):
    """Nesterov momentum as in torch; stable below (2 + 2 momentum) / (1 + 2 momentum) / lambda_max.

    ``v = momentum v + gradient``, ``w = w - rate (gradient + momentum v)``.

    Args:
        momentum: From 0 to below 1.

    Raises:
        FieldError: If the momentum is not in [0, 1).

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning" (ICML 2013).
    """

    momentum: float = 0.9
    slots: ClassVar[int] = 1
    formula: ClassVar[str] = (
        r"v_{t+1} = \beta v_t + \nabla L(w_t), \qquad w_{t+1} = w_t - \eta \left(\nabla L(w_t) + \beta v_{t+1}\right)"
    )

    def __post_init__(self) -> None:
        _check_fraction("momentum", self.momentum)

    def stability_factor(self) -> float:
        return (2 + 2 * self.momentum) / (1 + 2 * self.momentum)

    def on_quadratics(self) -> Recurrence:
        return Recurrence(self.momentum, nesterov=True)

    def __call__(
        self,
        weights_TN: Tensor,
        gradient_TN: Tensor,
        slots: tuple[Tensor, ...],
        learning_rates_T1: Tensor,
        step: int,
    ) -> None:
        (velocity_TN,) = slots
        velocity_TN.mul_(self.momentum).add_(gradient_TN)
        gradient_TN.add_(velocity_TN, alpha=self.momentum)
        weights_TN.addcmul_(learning_rates_T1, gradient_TN, value=-1)


@final
@dataclass(frozen=True)
class Adam(UpdateRule):
    """Adam with bias correction (Kingma, Ba 2015); no limit follows from lambda_max alone.

    ``m = beta1 m + (1 - beta1) g``, ``s = beta2 s + (1 - beta2) g^2`` and, at step t,
    ``w = w - rate (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)``.

    Args:
        beta1: Decay of the mean of gradients, from 0 to below 1.
        beta2: Decay of the mean of their squares, from 0 to below 1.
        epsilon: Added to the root, in units of the gradient, above 0.

    Raises:
        FieldError: If a number is out of its range.

    Source: Kingma, Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots: ClassVar[int] = 2
    formula: ClassVar[str] = (
        r"w_t = w_{t-1} - \eta \, \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}, \quad m_t = "
        r"\beta_1 m_{t-1} + (1 - \beta_1) g_t, \quad s_t = \beta_2 s_{t-1} + (1 - \beta_2) g_t^2"
    )

    def __post_init__(self) -> None:
        _check_fraction("beta1", self.beta1)
        _check_fraction("beta2", self.beta2)
        if not self.epsilon > 0:
            raise FieldError(
                ("epsilon",), f"epsilon {self.epsilon!r} is not positive", hint="take a small number above 0, like 1e-8"
            )

    def __call__(
        self,
        weights_TN: Tensor,
        gradient_TN: Tensor,
        slots: tuple[Tensor, ...],
        learning_rates_T1: Tensor,
        step: int,
    ) -> None:
        mean_TN, square_TN = slots
        mean_TN.lerp_(gradient_TN, 1 - self.beta1)
        square_TN.mul_(self.beta2).addcmul_(gradient_TN, gradient_TN, value=1 - self.beta2)
        # The denominator and then the step take the memory of the gradient: no tensor is made.
        torch.sqrt(square_TN, out=gradient_TN)
        gradient_TN.div_((1 - self.beta2**step) ** 0.5).add_(self.epsilon)
        torch.div(mean_TN, gradient_TN, out=gradient_TN)
        weights_TN.addcmul_(learning_rates_T1 / (1 - self.beta1**step), gradient_TN, value=-1)


@final
@dataclass(frozen=True)
class LeastSquares(Optimizer):
    """Exact least-squares solution of a linear model in one step, that of least norm where there are many.

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.5.
    """

    uses_learning_rate: ClassVar[bool] = False
    only_linear: ClassVar[bool] = True
    only_square_loss: ClassVar[bool] = True
    all_points: ClassVar[bool] = True
    in_one_step: ClassVar[bool] = True
    formula: ClassVar[str] = r"w_1 = X^+ y"
