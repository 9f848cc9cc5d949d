"""Largest eigenvalues of Hessians by Lanczos, by kernels compiled for the networks of a pack."""

from __future__ import annotations

import functools
from typing import final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS, aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.evaluation import of_training_points
from pipeline.engines.cpu.kernels.hessian_lanczos import lanczos_program
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.numerics.largest_eigenvalues import MOST_STEPS, TOLERANCE, RitzPairs, start_vectors


@functools.cache
def lanczos_kernel(network: NetworkSpec) -> Kernel:
    """The compiled Lanczos iteration of a network."""
    return Kernel(lanczos_program(network))


@final
class LargestEigenvalues:
    """The largest eigenvalue of the Hessian of each trial's training loss, with its Ritz vector, in float64.

    Several threads may call it at the same time.

    Args:
        context: The networks, their points and their loss.
    """

    def __init__(self, context: PackContext) -> None:
        self.evaluation = of_training_points(context)
        places_N = self.evaluation.places_N
        self.most_steps = min(MOST_STEPS, len(places_N))
        start_N = start_vectors(1, len(places_N))[0].numpy()
        self.start = aligned_zeros(self.evaluation.size, "float64")
        self.start[places_N] = start_N / np.linalg.norm(start_N)

    def __call__(self, weights_TN: Tensor) -> RitzPairs:
        """Ritz pairs at some weights.

        A trial's numbers are made by the same instructions whatever is computed beside it.

        Args:
            weights_TN: Shape ``[T, N]``, float64.

        Returns:
            Eigenvalues, vectors, residuals and whether each converged; NaN where something is not finite.
        """
        weights_TN = weights_TN.contiguous()
        largest_T, residuals_T = weights_TN.new_empty(2, len(weights_TN))
        vectors_TN = torch.empty_like(weights_TN)
        arguments = {"largest": largest_T, "residuals": residuals_T, "vectors": vectors_TN}
        arguments |= {"most_steps": self.most_steps, "start": self.start}
        self.evaluation.run(lanczos_kernel(self.evaluation.network), weights_TN, self._buffer_sizes(), arguments)
        # A loop of the kernel ends at the first number that is not finite, whatever stands in the other results.
        finite_T = largest_T.isfinite() & residuals_T.isfinite()
        largest_T, residuals_T = (found_T.where(finite_T, torch.nan) for found_T in (largest_T, residuals_T))
        return RitzPairs(largest_T, vectors_TN, residuals_T, residuals_T <= TOLERANCE * largest_T.abs())

    def _buffer_sizes(self) -> dict[str, int]:
        """Numbers in each of the arrays that the kernel works in."""
        evaluation, network, lanes = self.evaluation, self.evaluation.network, self.evaluation.lanes
        num_sums, small = network.num_inputs + 1 + network.num_outputs, round_up(self.most_steps, lanes)
        return {
            "own_gradient": evaluation.size,
            "chunk_losses": lanes,
            "output_sums": (network.num_outputs + 1) * lanes,
            "zeros": num_sums * lanes,
            "sums": evaluation.row * num_sums * lanes,
            "hidden": evaluation.width * evaluation.stride,
            "outputs": network.num_outputs * evaluation.stride,
            "tangents": evaluation.width * TILE_REGISTERS * lanes,
            "diagonal": small,
            "off_diagonal": small,
            "eigenvector": small,
            "basis": (self.most_steps + 1) * evaluation.size,  # of which only what is needed is ever touched
        }
