"""Diagnostics as the other rooms see them: a snapshot in, one number per trial out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from pipeline.definitions import Definition
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


class Diagnostic(Definition, ABC):
    """Number that is recorded of every trial at every recorded step."""

    constant_for_linear_models: ClassVar[bool] = False
    """Whether it depends on the feature matrix alone, so that a linear model has one value; recorded at step 0."""
    constant_for_quadratics: ClassVar[bool] = False
    """Whether it depends on the Hessian alone, so that a linear model has one value under the square loss."""
    by_default: ClassVar[bool] = True
    """Whether it is recorded by default: not if it may take longer than training does."""
    takes_top_of_hessian: ClassVar[bool] = False
    """Whether it takes the largest eigenvalues of Hessians, for which an engine may have to compile something."""
    signed: ClassVar[bool] = False
    """Whether it may be negative, so that a logarithmic axis would hide a part of it."""
    unit: ClassVar[str] = ""
    """Unit or meaning of the number, for an axis title."""

    @classmethod
    def section(cls) -> str:
        """Section of a dashboard that shows it: the module that defines it, where the class says nothing else."""
        return cls.__module__.rpartition(".")[2]

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        """Whether the number is defined for such trials; where it is not, nothing is recorded.

        Args:
            model: Model of the trials.
            loss: Loss that they minimise.
            optimizer: How they minimise it.

        Returns:
            True where a class does not say otherwise.
        """
        return True

    def concerns(self, model: Model, loss: Loss, optimizer: Optimizer, *, minibatches: bool) -> bool:
        """Whether it is recorded of such trials.

        Args:
            model: Model of the trials.
            loss: Loss that they minimise.
            optimizer: How they minimise it.
            minibatches: Whether a step takes some of the points only.

        Returns:
            Where it applies, if a class does not say otherwise.
        """
        return self.applies(model, loss, optimizer)

    def only_at_ends(self) -> bool:
        """Whether it is recorded at the first and the last recorded step alone."""
        return False

    def constant(self, model: Model, loss: Loss) -> bool:
        """Whether no step changes the number of such trials, so that it is recorded at step 0 only.

        Args:
            model: Model of the trials.
            loss: Loss that they minimise.

        Returns:
            By the claims of the class.
        """
        quadratic = self.constant_for_quadratics and loss.quadratic
        return model.linear and (self.constant_for_linear_models or quadratic)

    @abstractmethod
    def __call__(self, snapshot: Snapshot) -> Tensor:
        """Number of each trial.

        Args:
            snapshot: One pack at one step.

        Returns:
            Shape ``[T]``; infinite and NaN are values.
        """
