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
    """A rule whose steps on a quadratic have a closed form: its momentum, and whether that is Nesterov's."""

    momentum: float
    nesterov: bool


class Optimizer(Definition, ABC):
    """How the weights of a trial are found."""

    uses_learning_rate: ClassVar[bool] = True
    only_linear: ClassVar[bool] = False
    """Whether it serves linear models only."""
    only_networks: ClassVar[bool] = False
    """Whether it serves networks only."""
    only_square_loss: ClassVar[bool] = False
    """Whether it minimises the square loss only."""
    all_points: ClassVar[bool] = False
    """Whether it takes all points at every step, so that there are no minibatches."""
    only_float64: ClassVar[bool] = False
    """Whether float32 would stop it early."""
    in_one_step: ClassVar[bool] = False
    """Whether its first step is its last."""

    def memory(self, num_weights: int) -> tuple[int, ...]:
        """Columns of the tensors ``[T, columns]`` that it remembers from step to step; zero at the start."""
        return ()

    def stability_factor(self) -> float | None:
        """The largest stable learning rate times the largest eigenvalue of the Hessian of a quadratic.

        ``None`` where no such number exists.
        """
        return None

    def on_quadratics(self) -> Recurrence | None:
        """What ``numerics/descent.py`` knows its steps on a quadratic by; ``None`` where there is no closed form."""
        return None


class UpdateRule(Optimizer):
    """An optimizer that moves the weights a step at a time, given the gradient."""

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
            weights_TN: Stacked weights, shape ``[T, N]``.
            gradient_TN: Gradient of each trial's own loss at these weights.
            slots: As many tensors ``[T, N]`` as the class says.
            learning_rates_T1: Shape ``[T, 1]``.
            step: Number of this update, from 1.
        """


def _check_fraction(field: str, value: float) -> None:
    if not 0 <= value < 1:
        raise FieldError(
            (field,), f"{field} {value!r} is not in [0, 1)", hint="take a number from 0 to below 1, like 0.9"
        )


@final
@dataclass(frozen=True)
class GradientDescent(UpdateRule):
    """Plain gradient descent; stable on a quadratic for learning rates below 2 / lambda_max."""

    slots: ClassVar[int] = 0

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
    """Heavy ball: v = momentum v + gradient, w = w - rate v; stable below 2 (1 + momentum) / lambda_max."""

    momentum: float = 0.9
    slots: ClassVar[int] = 1

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
    """Nesterov momentum as in torch; stable below (2 + 2 momentum) / (1 + 2 momentum) / lambda_max."""

    momentum: float = 0.9
    slots: ClassVar[int] = 1

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
    """Adam with bias correction (Kingma, Ba 2015); no limit follows from lambda_max alone."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots: ClassVar[int] = 2

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
        torch.sqrt(square_TN, out=gradient_TN)
        gradient_TN.div_((1 - self.beta2**step) ** 0.5).add_(self.epsilon)
        torch.div(mean_TN, gradient_TN, out=gradient_TN)
        weights_TN.addcmul_(learning_rates_T1 / (1 - self.beta1**step), gradient_TN, value=-1)


@final
@dataclass(frozen=True)
class LeastSquares(Optimizer):
    """The exact least-squares solution of a linear model in one step, the shortest where there are many."""

    uses_learning_rate: ClassVar[bool] = False
    only_linear: ClassVar[bool] = True
    only_square_loss: ClassVar[bool] = True
    all_points: ClassVar[bool] = True
    in_one_step: ClassVar[bool] = True
