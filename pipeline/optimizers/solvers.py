"""Second-order solvers: they choose their own steps, full-batch, and leave little to optimise behind."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from pipeline.errors import FieldError
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer

CALL_COST = 100_000
"""Operations that a call for a single trial costs, about 30 us: a line search, a decomposition."""


@dataclass(frozen=True)
class ProblemSize:
    """Size of the optimisation problem of one trial.

    Args:
        num_points: P, training points.
        num_outputs: K.
        num_weights: N.
        num_features: F, columns that an output combines: hidden units and a constant; the features of a linear model.
        evaluation: Floating-point operations of one loss with its gradient: ``4 D + 6 K + 4`` per point and hidden
            unit of a network, ``4 K`` per point and feature of a linear model; nothing is computed twice.
    """

    num_points: int
    num_outputs: int
    num_weights: int
    num_features: int
    evaluation: int

    @classmethod
    def of(cls, model: Model, width: int, num_inputs: int, num_outputs: int, num_points: int) -> ProblemSize:
        """Size of the problem of a model of some width.

        Args:
            model: The model.
            width: W.
            num_inputs: D.
            num_outputs: K.
            num_points: P.

        Returns:
            Its numbers, with the cost of one gradient.
        """
        num_weights = model.num_weights(width, num_inputs, num_outputs)
        per_unit = 4 * num_outputs if model.linear else 4 * num_inputs + 6 * num_outputs + 4
        num_features = width if model.linear else width + 1
        return cls(num_points, num_outputs, num_weights, num_features, per_unit * num_points * width)

    @property
    def num_residuals(self) -> int:
        """K P, rows of a Jacobian."""
        return self.num_outputs * self.num_points

    @property
    def num_inner(self) -> int:
        """Weights below the output layer."""
        return self.num_weights - self.num_outputs * self.num_features


class Solver(Optimizer):
    """Optimizer without a learning rate, that searches for the minimum itself; a step is one of its iterations."""

    uses_learning_rate: ClassVar[bool] = False
    all_points: ClassVar[bool] = True
    only_float64: ClassVar[bool] = True

    @abstractmethod
    def elements(self, size: ProblemSize) -> int:
        """Numbers in the largest tensors of a step of one trial.

        Args:
            size: Size of its problem.

        Returns:
            A number of float64.
        """

    @abstractmethod
    def operations(self, size: ProblemSize) -> int:
        """Floating-point operations of a step of one trial, the calls for it alone included.

        Args:
            size: Size of its problem.

        Returns:
            A number of operations.
        """


def _check_damping(damping: float) -> None:
    """Refuse a damping that is not positive.

    Raises:
        FieldError: Naming the field.
    """
    if not damping > 0:
        raise FieldError(
            ("damping",), f"damping {damping!r} is not positive", hint="take a small number above 0, like 0.01"
        )


@final
@dataclass(frozen=True)
class VariableProjection(Solver):
    """Output layer by exact least squares at every step, hidden layer by damped Gauss-Newton on what is left.

    For one hidden layer and the square loss. The Jacobian of what is left is taken in
    Kaufman's form, which gives the exact gradient.

    Args:
        damping: First mu, above 0.

    Raises:
        FieldError: If the damping is not positive.

    A local method: every ReLU of one input keeps the way it faces, the sign of its input weight. Two that face
    the same way end, for a square, at best as one kink, with ``(3/2)^4 = 5.06`` times the least risk of a pair that
    faces both ways. Several seeds find what one start cannot.

    Source: Golub, Pereyra 1973; Kaufman 1975.
    """

    damping: float = 0.01
    only_networks: ClassVar[bool] = True
    only_square_loss: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\min_{\theta} \frac{1}{2P} \left\| y - X_{\theta} X_{\theta}^+ y \right\|^2, \qquad \theta \text{ the hidden "
        r"weights, } X_{\theta} \text{ the hidden units}"
    )

    def __post_init__(self) -> None:
        _check_damping(self.damping)

    def memory(self, num_weights: int) -> tuple[int, ...]:
        return (1,)

    def elements(self, size: ProblemSize) -> int:
        return size.num_weights * (size.num_residuals + size.num_weights) + size.num_points * size.num_features

    def operations(self, size: ProblemSize) -> int:
        inner, features = size.num_inner, size.num_features
        solves = 4 * size.num_points * features**2 + 20 * features**3 + 2 * CALL_COST
        projection = 4 * inner * size.num_residuals * features
        return 2 * (solves + size.evaluation) + projection + _normal_equations(inner, size.num_residuals) + CALL_COST


@final
@dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Damped Gauss-Newton steps (J^T Q J + mu I) d = gradient; mu falls by 3 when the loss does, else rises by 4.

    Q is the second derivative of the loss in the outputs, so it serves every loss; mu stays within 1e-15 and 1e6.

    Args:
        damping: First mu, above 0.

    Raises:
        FieldError: If the damping is not positive.

    Source: Levenberg 1944; Marquardt 1963.
    """

    damping: float = 0.01
    formula: ClassVar[str] = r"(J^T Q J + \mu I) \, d = \nabla L(w_t), \qquad w_{t+1} = w_t - d"

    def __post_init__(self) -> None:
        _check_damping(self.damping)

    def memory(self, num_weights: int) -> tuple[int, ...]:
        return (1,)

    def elements(self, size: ProblemSize) -> int:
        return size.num_weights * (size.num_residuals + size.num_weights)

    def operations(self, size: ProblemSize) -> int:
        return 2 * size.evaluation + _normal_equations(size.num_weights, size.num_residuals) + CALL_COST


def _normal_equations(num_weights: int, num_residuals: int) -> int:
    """Operations of ``A A^T`` and of its Cholesky decomposition."""
    return 2 * num_weights**2 * num_residuals + num_weights**3 // 3


@final
@dataclass(frozen=True)
class Lbfgs(Solver):
    """L-BFGS of PyTorch with a strong Wolfe line search, for any model and loss, a trial at a time.

    Args:
        history: Earlier steps that it remembers, from 1.

    Raises:
        FieldError: If it remembers none.

    Source: Liu, Nocedal 1989; torch.optim.LBFGS.
    """

    history: int = 20
    formula: ClassVar[str] = (
        r"w_{t+1} = w_t - \alpha_t H_t \nabla L(w_t), \qquad H_t \approx \left(\nabla^2 L(w_t)\right)^{-1} \text{ from "
        r"the last steps}"
    )

    def __post_init__(self) -> None:
        if self.history < 1:
            raise FieldError(
                ("history",), f"history must be positive, not {self.history!r}", hint="take an integer from 1"
            )

    def memory(self, num_weights: int) -> tuple[int, ...]:
        return (self.history * num_weights, self.history * num_weights, num_weights, num_weights, 4)

    def elements(self, size: ProblemSize) -> int:
        return size.num_features * size.num_points + 2 * self.history * size.num_weights

    def operations(self, size: ProblemSize) -> int:
        return 3 * (size.evaluation + 3 * CALL_COST) + self.history * (8 * size.num_weights + CALL_COST)
