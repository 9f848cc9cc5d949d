"""Second derivatives of the loss of a stack of trials in closed form: Hessian products, Jacobians, dense Hessians.

With J the Jacobian of the outputs, e the gradient of the loss in the outputs and Q its Hessian there,
the Hessian in the weights is ``J^T Q J``, for a convex loss the Gauss-Newton matrix, plus the second derivatives of the
outputs weighted by e. For a linear model there are none. For one hidden layer, ``f = A g(Z) + c`` with
``Z = W x``, they couple a hidden unit with itself and with its own output weights only.

Of ReLU and its like autograd and these formulas give the Hessian *almost everywhere*: a kink has no second
derivative, so what the loss gains by moving kinks across points is left out. Even the sign may be wrong.

Tests hold every formula against ``torch.func.hessian``.

Shape letters: I pairs of inputs, M residuals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pipeline.models.linear import LinearModel
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import Loss


class Curvature(ABC):
    """Second-order expansion of the loss of each trial, on all points, about its weights."""

    loss: Loss
    """Loss of the outputs."""
    outputs_TKP: Tensor
    """Outputs at the weights."""
    targets_KP: Tensor
    """Targets, the same for all trials."""

    @abstractmethod
    def product(self, directions_TN: Tensor) -> Tensor:
        """Hessian-vector product ``H d`` of each trial; about the work of one gradient.

        Args:
            directions_TN: One vector d for each trial.

        Returns:
            Shape ``[T, N]``.

        Source: Pearlmutter, "Fast exact multiplication by the Hessian" (Neural Computation, 1994).
        """

    @abstractmethod
    def jacobian(self) -> Tensor:
        """Jacobian J, the derivative of every output in every weight, shape ``[T, N, K, P]``."""

    @abstractmethod
    def hessian(self) -> Tensor:
        """Dense Hessian H of each trial, shape ``[T, N, N]``."""

    def gauss_newton_root(self) -> Tensor:
        """R J, shape ``[T, N, K, P]``, whose square is the Gauss-Newton matrix; ``R^T R = Q`` if the loss is convex."""
        outputs_T1KP = self.outputs_TKP[:, None]
        return self.loss.curvature_root(outputs_T1KP, self.jacobian())

    def gauss_newton(self) -> Tensor:
        """Gauss-Newton matrix ``J^T R^T R J`` of each trial, shape ``[T, N, N]``, positive semidefinite."""
        root_TNM = self.gauss_newton_root().flatten(2)
        return root_TNM @ root_TNM.mT

    def of_outputs(self) -> Tensor:
        """``J^T Q J`` of each trial, shape ``[T, N, N]``: the Gauss-Newton matrix where the loss is convex."""
        if self.loss.convex:
            return self.gauss_newton()
        jacobian_TNKP = self.jacobian()
        slopes_TNKP = self.loss.curvature(self.outputs_TKP[:, None], self.targets_KP, jacobian_TNKP)
        product_TNN = jacobian_TNKP.flatten(2) @ slopes_TNKP.flatten(2).mT
        return (product_TNN + product_TNN.mT) / 2


class LinearCurvature(Curvature):
    """Curvature of a linear model: its outputs have no second derivatives; one block of features for each output.

    Args:
        loss: Loss of the outputs.
        weights_TN: Weights of the trials.
        prepared_AP: Transposed feature matrix.
        targets_KP: Targets, points last.
    """

    def __init__(self, loss: Loss, weights_TN: Tensor, prepared_AP: Tensor, targets_KP: Tensor) -> None:
        self.loss, self.targets_KP, self.prepared_AP, self.num_outputs = loss, targets_KP, prepared_AP, len(targets_KP)
        self.outputs_TKP = self._outputs(weights_TN)

    def _outputs(self, weights_TN: Tensor) -> Tensor:
        return weights_TN.view(len(weights_TN), self.num_outputs, -1) @ self.prepared_AP

    def product(self, directions_TN: Tensor) -> Tensor:
        slopes_TKP = self.loss.curvature(self.outputs_TKP, self.targets_KP, self._outputs(directions_TN))
        return (slopes_TKP @ self.prepared_AP.mT).flatten(1)

    def jacobian(self) -> Tensor:
        eye_KK = torch.eye(self.num_outputs).to(self.prepared_AP)
        blocks_KWKP = eye_KK[:, None, :, None] * self.prepared_AP[None, :, None]
        return blocks_KWKP.flatten(0, 1).expand(len(self.outputs_TKP), -1, -1, -1)

    def hessian(self) -> Tensor:
        return self.of_outputs()


class ShallowCurvature(Curvature):
    """Curvature of a network with one hidden layer.

    Buffers of the size trials x width x points: three are kept, and a product writes three more.

    Args:
        model: The network.
        loss: Loss of the outputs.
        weights_TN: Weights of the trials.
        prepared_AP: Inputs and a row of ones.
        targets_KP: Targets, points last.
        width: Hidden units.
    """

    def __init__(
        self, model: Shallow, loss: Loss, weights_TN: Tensor, prepared_AP: Tensor, targets_KP: Tensor, width: int
    ) -> None:
        self.model, self.loss, self.width, self.num_outputs = model, loss, width, len(targets_KP)
        self.prepared_AP, self.targets_KP = prepared_AP, targets_KP
        hidden_TWA, output_TKF = model.layers(weights_TN, width, self.num_outputs)
        self.output_TKW = output_TKF[:, :, :width]
        self.value_TWP = model.activation.apply_(hidden_TWA @ prepared_AP.expand(len(weights_TN), -1, -1))
        self.slope_TWP = model.activation.multiply_by_derivative_(torch.ones_like(self.value_TWP), self.value_TWP)
        self.outputs_TKP = torch.baddbmm(output_TKF[:, :, width:], self.output_TKW, self.value_TWP)
        self.error_TKP = loss.gradient(self.outputs_TKP, targets_KP)
        self.second_derivative_TWP = model.activation.second_derivative(self.value_TWP)
        self.second_derivative_TWP *= self.output_TKW.mT @ self.error_TKP

    def product(self, directions_TN: Tensor) -> Tensor:
        width, result_TN = self.width, torch.empty_like(directions_TN)
        hidden_TWA, output_TKF = self.model.layers(directions_TN, width, self.num_outputs)
        hidden_result_TWA, output_result_TKF = self.model.layers(result_TN, width, self.num_outputs)

        sums_TWP = hidden_TWA @ self.prepared_AP
        values_TWP = self.slope_TWP * sums_TWP
        outputs_TKP = torch.baddbmm(output_TKF[:, :, width:], output_TKF[:, :, :width], self.value_TWP)
        outputs_TKP = torch.baddbmm(outputs_TKP, self.output_TKW, values_TWP)
        slopes_TKP = self.loss.curvature(self.outputs_TKP, self.targets_KP, outputs_TKP)

        of_values_TKW = slopes_TKP @ self.value_TWP.mT
        output_result_TKF[:, :, :width] = torch.baddbmm(of_values_TKW, self.error_TKP, values_TWP.mT)
        output_result_TKF[:, :, width] = slopes_TKP.sum(dim=-1)
        back_TWP = torch.bmm(self.output_TKW.mT, slopes_TKP, out=values_TWP)
        back_TWP.baddbmm_(output_TKF[:, :, :width].mT, self.error_TKP)
        back_TWP.mul_(self.slope_TWP).addcmul_(self.second_derivative_TWP, sums_TWP)
        hidden_result_TWA.copy_(back_TWP @ self.prepared_AP.mT)
        return result_TN

    def jacobian(self) -> Tensor:
        num_trials, num_points = len(self.value_TWP), self.value_TWP.shape[-1]
        back_TWKP = self.output_TKW.mT[..., None] * self.slope_TWP[:, :, None]
        hidden_TWAKP = back_TWKP[:, :, None] * self.prepared_AP[:, None]
        ones_T1P = self.value_TWP.new_ones(num_trials, 1, num_points)
        features_TFP = torch.cat([self.value_TWP, ones_T1P], dim=1)
        eye_KK = torch.eye(self.num_outputs).to(features_TFP)
        output_TKFKP = eye_KK[:, None, :, None] * features_TFP[:, None, :, None]
        return torch.cat([hidden_TWAKP.flatten(1, 2), output_TKFKP.flatten(1, 2)], dim=1)

    def hessian(self) -> Tensor:
        hessian_TNN, width, num_inputs = self.of_outputs(), self.width, len(self.prepared_AP)
        num_trials, num_hidden = len(hessian_TNN), width * num_inputs
        squares_IP = (self.prepared_AP[:, None] * self.prepared_AP).flatten(0, 1)
        own_TWAA = (self.second_derivative_TWP @ squares_IP.mT).view(num_trials, width, num_inputs, num_inputs)
        between_TKWP = self.error_TKP[:, :, None] * self.slope_TWP[:, None]
        between_TKWA = between_TKWP @ self.prepared_AP.mT
        for unit in range(width):
            here = slice(unit * num_inputs, (unit + 1) * num_inputs)
            hessian_TNN[:, here, here] += own_TWAA[:, unit]
            for output in range(self.num_outputs):
                there = num_hidden + output * (width + 1) + unit
                hessian_TNN[:, there, here] += between_TKWA[:, output, unit]
                hessian_TNN[:, here, there] += between_TKWA[:, output, unit]
        return hessian_TNN


def curvature(
    model: Model, loss: Loss, weights_TN: Tensor, prepared_AP: Tensor, targets_KP: Tensor, width: int
) -> Curvature:
    """Second derivatives of the loss of a stack of trials at their weights.

    Args:
        model: Model of the weights.
        loss: Loss of the outputs.
        weights_TN: Float64, or the dtype in which all is wanted.
        prepared_AP: Points, prepared for the model, of the same dtype.
        targets_KP: Targets, points last.
        width: W.

    Returns:
        An expansion about these weights.

    Raises:
        TypeError: For a model whose derivatives are not written here.
    """
    match model:
        case LinearModel():
            return LinearCurvature(loss, weights_TN, prepared_AP, targets_KP)
        case Shallow():
            return ShallowCurvature(model, loss, weights_TN, prepared_AP, targets_KP, width)
    raise TypeError(f"no second derivatives of {model.name()}")
