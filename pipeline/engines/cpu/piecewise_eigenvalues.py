"""Largest eigenvalues of Hessians of networks of one input with a piecewise linear activation.

Shape letters: B blocks, L lanes.
"""

from __future__ import annotations

import functools
from typing import final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.buffers import aligned_zeros
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.kernels.lane_lanczos import lane_lanczos_program, vector_size
from pipeline.engines.cpu.kernels.piecewise_curvature import coupled_outputs, curvature_buffer_sizes
from pipeline.engines.cpu.kernels.unit_order import order_sizes
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.engines.cpu.lane_blocks import LANES, blocks, rows, sorted_points
from pipeline.models.shallow import Shallow
from pipeline.numerics.largest_eigenvalues import MOST_STEPS, TOLERANCE, RitzPairs, start_vectors
from pipeline.problems.losses import Loss

MOST_BASIS_BYTES = 1 << 28
"""Memory of the basis vectors of a block of trials, of which the first tenth is usually touched."""

MOST_PAIRS = 16
"""Pairs of outputs that a loss couples, each of which is written out in the kernel."""


@functools.cache
def lane_lanczos_kernel(spec: OneInputSpec) -> Kernel:
    """The compiled Lanczos iteration."""
    return Kernel(lane_lanczos_program(spec))


def fits(loss: Loss, width: int, num_outputs: int) -> bool:
    """Whether these kernels are taken: basis vectors of all lanes stay in memory, and pairs of outputs are few."""
    num_weights = 2 * width + num_outputs * (width + 1)
    basis_bytes = 8 * (min(MOST_STEPS, num_weights) + 1) * vector_size(num_weights, LANES)
    return basis_bytes <= MOST_BASIS_BYTES and len(coupled_outputs(loss, num_outputs)) <= MOST_PAIRS


@final
class PiecewiseEigenvalues:
    """The largest eigenvalue of the Hessian of each trial's training loss, as ``LargestEigenvalues`` finds it.

    Several threads may call it at the same time; a trial's numbers do not depend on those beside it.

    Args:
        context: Networks of one input with a piecewise linear activation, their points and their loss.
    """

    def __init__(self, context: PackContext) -> None:
        assert isinstance(context.model, Shallow)
        self.spec = OneInputSpec(context.num_outputs, context.model.activation, context.loss, "float64")
        dataset, self.width, self.num_points = context.dataset, context.width, context.num_points
        num_weights = self.spec.num_weights(self.width)
        start_N = start_vectors(1, num_weights)[0].numpy()
        self.most_steps, self.vector_size = min(MOST_STEPS, num_weights), vector_size(num_weights, LANES)
        self.shared: dict[str, ArgumentValue] = {
            **sorted_points(dataset.train_inputs_PD[:, 0].double(), dataset.train_targets_PK.double()),
            "width": self.width,
            "num_weights": num_weights,
            "vector_size": self.vector_size,
            "most_steps": self.most_steps,
            "start": start_N / np.linalg.norm(start_N),
        }

    def __call__(self, weights_TN: Tensor) -> RitzPairs:
        """Ritz pairs at some weights.

        Args:
            weights_TN: Shape ``[T, N]``, float64.

        Returns:
            Eigenvalues, vectors, residuals and whether each converged; NaN where something is not finite.
        """
        num_trials, weights_BNL = len(weights_TN), blocks(weights_TN)
        vectors_BNL = np.empty_like(weights_BNL)
        found_2BL = np.full((2, len(weights_BNL), LANES), np.nan)
        told: dict[str, ArgumentValue] = {"weights": weights_BNL, "num_blocks": len(weights_BNL)}
        told |= {"largest": found_2BL[0], "residuals": found_2BL[1], "vectors": vectors_BNL}
        lane_lanczos_kernel(self.spec)({**self.shared, **self._scratch(), **told})
        largest_T, residuals_T = torch.from_numpy(found_2BL.reshape(2, -1)[:, :num_trials])
        # A unit that rests adds nothing to sums over points, whatever its weights are.
        finite_T = largest_T.isfinite() & residuals_T.isfinite() & weights_TN.isfinite().all(dim=1)
        largest_T, residuals_T = (found_T.where(finite_T, torch.nan) for found_T in (largest_T, residuals_T))
        vectors_TN = rows(vectors_BNL, num_trials)
        return RitzPairs(largest_T, vectors_TN, residuals_T, residuals_T <= TOLERANCE * largest_T.abs())

    def _scratch(self) -> dict[str, ArgumentValue]:
        """Memory of one call: diagnostics are computed on several threads."""
        sizes = curvature_buffer_sizes(self.spec, self.width, self.num_points, LANES)
        sizes |= dict.fromkeys(("diagonal", "off_diagonal", "eigenvector", "factors"), self.most_steps * LANES)
        sizes["basis"] = (self.most_steps + 1) * self.vector_size  # of which only what is needed is ever touched
        integers = order_sizes(self.width, self.num_points, LANES)
        return {
            **{name: aligned_zeros(size, "float64") for name, size in sizes.items()},
            **{name: np.zeros(size, dtype=np.int64) for name, size in integers.items()},
        }
