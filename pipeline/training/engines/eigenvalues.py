"""The largest eigenvalues of Hessians, by kernels written for the shape of a pack."""

from __future__ import annotations

import functools
import itertools
from typing import final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.snapshot import Learned
from pipeline.models.shallow import Shallow
from pipeline.numerics.lanczos import MOST_STEPS, TOLERANCE, Ritz, start_vectors
from pipeline.training.engines.fused.lanczos import lanczos_program
from pipeline.training.engines.fused.lanes import BITS, REGISTER_BITS
from pipeline.training.engines.fused.machine import Kernel
from pipeline.training.engines.fused.memory import Points, Shares, aligned_zeros
from pipeline.training.engines.fused.network import TILE_REGISTERS, Network, padded, places

LANES = REGISTER_BITS // BITS["float64"]


@functools.cache
def lanczos_kernel(network: Network) -> Kernel:
    """What computes eigenvalues."""
    return Kernel(lanczos_program(network))


@final
class LargestEigenvalues:
    """Those of the Hessian of the training loss of networks of one shape, in float64.

    Several threads may call it at the same time.

    Args:
        learned: What is trained.
    """

    def __init__(self, learned: Learned) -> None:
        inputs_DP = np.ascontiguousarray(learned.dataset.train_inputs_PD.mT.numpy())
        targets_KP = np.ascontiguousarray(learned.dataset.train_targets_PK.mT.numpy())
        assert isinstance(learned.model, Shallow)
        self.network = Network(len(inputs_DP), len(targets_KP), learned.model.activation, learned.loss, "float64")
        self.width, self.row = learned.width, padded(learned.width, LANES)
        self.shares = Shares(learned.num_points, LANES, inputs_DP.dtype)
        self.points = Points(inputs_DP, targets_KP, len(self.shares.share_P))
        self.places_N = places(self.network, learned.width, LANES)
        self.most_steps = min(MOST_STEPS, len(self.places_N))
        start_N = start_vectors(1, len(self.places_N))[0].numpy()
        self.start = aligned_zeros(self._size, "float64")
        self.start[self.places_N] = start_N / np.linalg.norm(start_N)

    def __call__(self, weights_TN: Tensor) -> Ritz:
        """At some weights, shape ``[T, N]`` in float64.

        A trial's numbers are made by the same instructions whatever is computed beside it.
        """
        weights_TN = weights_TN.contiguous()
        found = {name: weights_TN.new_empty(len(weights_TN)) for name in ("largest", "residuals")}
        found["vectors"] = torch.empty_like(weights_TN)
        memory = self._memory()
        scratch = aligned_zeros(sum(memory.values()), "float64")
        starts = itertools.accumulate(memory.values(), initial=0)
        told = {name: scratch[start:].ctypes.data for name, start in zip(memory, starts, strict=False)}
        told |= {name: array.data_ptr() for name, array in (found | {"weights": weights_TN}).items()}
        lanczos_kernel(self.network)(self._shared() | told | {"num_trials": len(weights_TN)})
        finite_T = found["largest"].isfinite() & found["residuals"].isfinite()
        largest_T, residuals_T = (found[name].where(finite_T, torch.nan) for name in ("largest", "residuals"))
        return Ritz(largest_T, found["vectors"], residuals_T, residuals_T <= TOLERANCE * largest_T.abs())

    @property
    def _size(self) -> int:
        return self.network.rows * self.row + padded(self.network.num_outputs, LANES)

    def _shared(self) -> dict[str, int]:
        return {
            "num_weights": len(self.places_N),
            "places": self.places_N.ctypes.data,
            "width": self.width,
            "row": self.row,
            "size": self._size,
            "most_steps": self.most_steps,
            "start": self.start.ctypes.data,
            "all_inputs": self.points.filled[0].ctypes.data,
            "all_targets": self.points.filled[1].ctypes.data,
            **self.shares.arguments("all"),
        }

    def _memory(self) -> dict[str, int]:
        """Numbers in each of the arrays that a kernel works in."""
        num_sums, small = self.network.num_inputs + 1 + self.network.num_outputs, padded(self.most_steps, LANES)
        return {
            "own_weights": self._size,
            "own_gradient": self._size,
            "chunk_losses": LANES,
            "output_sums": (self.network.num_outputs + 1) * LANES,
            "zeros": num_sums * LANES,
            "sums": self.row * num_sums * LANES,
            "hidden": self.width * len(self.shares.share_P),
            "outputs": self.network.num_outputs * len(self.shares.share_P),
            "tangents": self.width * TILE_REGISTERS * LANES,
            "diagonal": small,
            "beside": small,
            "turn": small,
            "basis": (self.most_steps + 1) * self._size,  # of which only what is needed is ever touched
        }
