"""Features and outputs of the networks of a pack, by kernels compiled for their shape.

Shape letters: R rows kept of each trial.
"""

from __future__ import annotations

import functools
from typing import final

from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.evaluation import EvaluationContext, of_test_points, of_training_points
from pipeline.engines.cpu.kernels.forward import forward_program
from pipeline.engines.cpu.kernels.network import NetworkSpec

OF_BACKWARD = ("own_gradient", "sums", "zeros", "output_sums", "chunk_losses")
"""Memory that only the backward pass works in."""


@functools.cache
def forward_kernel(network: NetworkSpec, *, features: bool) -> Kernel:
    """The compiled forward pass, which keeps features or outputs."""
    return Kernel(forward_program(network, features=features))


@final
class FeatureEvaluator:
    """The forward pass of networks of one shape at the training points and at the held-out ones.

    Several threads may call it at the same time; a trial's numbers do not depend on those beside it.

    Args:
        context: The networks and their points.
    """

    def __init__(self, context: PackContext) -> None:
        self.training, self.test = of_training_points(context), of_test_points(context)

    def features(self, weights_TN: Tensor) -> Tensor:
        """Feature matrices ``[g(U x + b), 1]`` on the training points.

        Args:
            weights_TN: Shape ``[T, N]``, float64.

        Returns:
            Shape ``[T, P, F]``, float64, the last column ones.
        """
        evaluation = self.training
        kept_TFP = self._kept(evaluation, weights_TN, evaluation.width + 1, features=True)
        kept_TFP[:, -1] = 1.0
        return kept_TFP.mT

    def test_outputs(self, weights_TN: Tensor) -> Tensor:
        """Outputs ``V g(U x + b) + c`` at the held-out points.

        Args:
            weights_TN: Shape ``[T, N]``, in the dtype of the training.

        Returns:
            Shape ``[T, K, P]``, in the same dtype.
        """
        return self._kept(self.test, weights_TN, self.test.network.num_outputs, features=False)

    def _kept(self, evaluation: EvaluationContext, weights_TN: Tensor, num_rows: int, *, features: bool) -> Tensor:
        # A kernel stores full registers, so that rows are kept with what fills them up, and cut at the end.
        stride = round_up(evaluation.num_points, evaluation.lanes)
        kept_TRP = weights_TN.new_empty(len(weights_TN), num_rows, stride)
        sizes = {"hidden": evaluation.width * TILE_REGISTERS * evaluation.lanes, **dict.fromkeys(OF_BACKWARD, 0)}
        arguments: dict[str, ArgumentValue] = {
            "kept": kept_TRP,
            "kept_stride": stride,
            "kept_of_trial": num_rows * stride,
        }
        evaluation.run(forward_kernel(evaluation.network, features=features), weights_TN.contiguous(), sizes, arguments)
        return kept_TRP[:, :, : evaluation.num_points]
