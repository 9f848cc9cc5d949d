"""Losses and gradients of stacked trials, written out by hand, in place, in buffers used again.

Autograd would keep every intermediate and allocate it anew each step; for models this
small that costs more than the arithmetic. Tests hold every gradient against autograd.

Shape letters: B points of a minibatch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pipeline.models.activations import Activation
from pipeline.models.linear import LinearModel
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import Loss


class StackedGradient(ABC):
    """Losses and gradients of the trials of a stack, all at once."""

    @abstractmethod
    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, prepared: Tensor, targets: Tensor) -> Tensor:
        """Write the gradient of each trial's loss and return the losses.

        Args:
            weights_TN: Flattened weights, shape ``[T, N]``.
            gradient_TN: Overwritten by ``d loss_t / d w_t``.
            prepared: Prepared inputs, ``[A, P]`` shared or ``[T, A, B]`` for each trial its own.
            targets: ``[K, P]`` or ``[T, K, B]``.

        Returns:
            Losses, shape ``[T]``.
        """


class LinearGradient(StackedGradient):
    """Of ``f = W X`` the gradient ``(dl/df) X^T``: two matrix products for the whole stack.

    Args:
        loss: The mean over points of ``l``.
        width: W, features.
        num_outputs: K.
    """

    def __init__(self, loss: Loss, width: int, num_outputs: int) -> None:
        self.loss, self.width, self.num_outputs = loss, width, num_outputs

    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, prepared: Tensor, targets: Tensor) -> Tensor:
        weights_TKW = weights_TN.view(-1, self.num_outputs, self.width)
        outputs_TKP = weights_TKW @ prepared
        losses_T, slope_TKP = self.loss.value_and_gradient(outputs_TKP, targets)
        if prepared.ndim == 2:  # one product over all trials and outputs
            torch.mm(slope_TKP.flatten(0, 1), prepared.mT, out=gradient_TN.view(-1, self.width))
        else:
            torch.bmm(slope_TKP, prepared.mT, out=gradient_TN.view_as(weights_TKW))
        return losses_T


class ShallowGradient(StackedGradient):
    """Backpropagation in stacked networks with one hidden layer, ``f = V g(U x + b) + c``.

    Two buffers of the size trials x width x points are all that is written, ``g`` and the slope in its argument; the
    engine chooses the number of trials so that they stay in cache.

    Args:
        model: The activation g, and how weights are laid out.
        loss: The mean over points of ``l``.
        width: W, hidden units.
        num_outputs: K.
    """

    def __init__(self, model: Shallow, loss: Loss, width: int, num_outputs: int) -> None:
        self.model, self.loss, self.width, self.num_outputs = model, loss, width, num_outputs
        self.hidden, self.backward = torch.empty(0), torch.empty(0)

    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, prepared: Tensor, targets: Tensor) -> Tensor:
        num_trials, num_points, width = len(weights_TN), prepared.shape[-1], self.width
        hidden_TWP, backward_TWP = self._buffers(weights_TN, num_trials, num_points)
        hidden_TWA, output_TKF = self.model.layers(weights_TN, width, self.num_outputs)
        hidden_gradient_TWA, output_gradient_TKF = self.model.layers(gradient_TN, width, self.num_outputs)
        activation: Activation = self.model.activation

        if prepared.ndim == 2:
            torch.mm(hidden_TWA.reshape(num_trials * width, -1), prepared, out=hidden_TWP.flatten(0, 1))
        else:
            torch.bmm(hidden_TWA, prepared, out=hidden_TWP)
        activation.apply_(hidden_TWP)  # in place: derivatives are taken from the value
        outputs_TKP = torch.baddbmm(output_TKF[:, :, width:], output_TKF[:, :, :width], hidden_TWP)
        losses_T, slope_TKP = self.loss.value_and_gradient(outputs_TKP, targets)

        output_gradient_TKF[:, :, :width] = slope_TKP @ hidden_TWP.mT
        output_gradient_TKF[:, :, width] = slope_TKP.sum(dim=-1)
        if self.num_outputs == 1:
            torch.mul(output_TKF[:, 0, :width, None], slope_TKP, out=backward_TWP)
        else:
            torch.bmm(output_TKF[:, :, :width].mT, slope_TKP, out=backward_TWP)
        activation.multiply_by_derivative_(backward_TWP, hidden_TWP)
        if prepared.ndim == 2:
            hidden_gradient_TWA.copy_((backward_TWP.flatten(0, 1) @ prepared.mT).view_as(hidden_gradient_TWA))
        else:
            hidden_gradient_TWA.copy_(backward_TWP @ prepared.mT)
        return losses_T

    def _buffers(self, like: Tensor, num_trials: int, num_points: int) -> tuple[Tensor, Tensor]:
        shape = (num_trials, self.width, num_points)
        size = num_trials * self.width * num_points
        # They only grow; chunks differ by one trial at most.
        if len(self.hidden) < size:
            self.hidden, self.backward = like.new_empty(size), like.new_empty(size)
        return self.hidden[:size].view(shape), self.backward[:size].view(shape)


def stacked_gradient(model: Model, loss: Loss, width: int, num_outputs: int) -> StackedGradient:
    """The gradients of a model.

    Args:
        model: The model.
        loss: Its loss.
        width: W.
        num_outputs: K.

    Returns:
        A function with buffers of its own: one for each thread that calls it.

    Raises:
        TypeError: For a model whose gradient is not written out.
    """
    match model:
        case LinearModel():
            return LinearGradient(loss, width, num_outputs)
        case Shallow():
            return ShallowGradient(model, loss, width, num_outputs)
    raise TypeError(f"no kernel for {model.name()}")
