"""Networks with one hidden layer: w^T g(W x + c) + b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.models.activations import Activation, Relu
from pipeline.models.initialisations import Initialisation, UniformFanIn
from pipeline.models.model import Model


@final
@dataclass(frozen=True)
class Shallow(Model):
    """One hidden layer, w^T g(W x + c) + b, with as many hidden units as the width says.

    The flat weights are the hidden layer ``[W, D + 1]``, bias last, then the output
    layer ``[K, W + 1]``, bias last: a bias is the weight of a constant 1, so a layer
    is one matrix product.

    Args:
        activation: g.
        initialisation: Distribution of the weights at step 0.
    """

    activation: Activation = Relu()
    initialisation: Initialisation = UniformFanIn()
    linear: ClassVar[bool] = False
    draws_weights: ClassVar[bool] = True
    formula: ClassVar[str] = r"f_k(x) = \sum_{j=1}^{W} v_{kj} \, g(w_j \cdot x + c_j) + b_k"

    def num_weights(self, width: int, num_inputs: int, num_outputs: int) -> int:
        return width * (num_inputs + 1) + num_outputs * (width + 1)

    def initial_weights(
        self, width: int, num_inputs: int, num_outputs: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        layers = []
        for fan_in, fan_out in ((num_inputs, width), (width, num_outputs)):
            weights = self.initialisation.weights(fan_in, fan_out, rng)
            biases = self.initialisation.biases(weights, rng)
            layers.append(np.concatenate([weights, biases[:, None]], axis=1).ravel())
        return np.concatenate(layers)

    def kinks(self, weights_TN: Tensor, width: int, num_outputs: int) -> Tensor | None:
        if not self.activation.kinked:
            return None
        slope_TW, bias_TW = self.layers(weights_TN, width, num_outputs)[0].unbind(dim=-1)
        return -bias_TW / slope_TW

    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        return torch.cat([inputs_PD.mT, inputs_PD.new_ones(1, len(inputs_PD))])

    def layers(self, weights_TN: Tensor, width: int, num_outputs: int) -> tuple[Tensor, Tensor]:
        """Hidden layer ``[T, W, D + 1]`` and output layer ``[T, K, W + 1]``, as views of the flat weights.

        Args:
            weights_TN: Flat weights.
            width: W.
            num_outputs: K.

        Returns:
            Two views: writing to them writes to the weights.
        """
        hidden_TN = weights_TN[:, : -num_outputs * (width + 1)]
        output_TN = weights_TN[:, -num_outputs * (width + 1) :]
        num_trials = len(weights_TN)
        return hidden_TN.view(num_trials, width, -1), output_TN.view(num_trials, num_outputs, width + 1)

    def features(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        hidden_TWA, _ = self.layers(weights_TN, width, num_outputs)
        hidden_TWP = self.activation.apply_(hidden_TWA @ prepared_AP)
        ones_T1P = hidden_TWP.new_ones(len(hidden_TWP), 1, hidden_TWP.shape[-1])
        return torch.cat([hidden_TWP, ones_T1P], dim=1).mT

    def outputs(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        hidden_TWA, output_TKF = self.layers(weights_TN, width, num_outputs)
        hidden_TWP = self.activation.apply_(hidden_TWA @ prepared_AP)
        return torch.baddbmm(output_TKF[:, :, width:], output_TKF[:, :, :width], hidden_TWP)
