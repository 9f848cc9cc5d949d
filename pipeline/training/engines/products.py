"""Products of Hessians with directions, by kernels written for the shape of a pack."""

from __future__ import annotations

import functools
import itertools
from typing import final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.snapshot import Learned
from pipeline.models.shallow import Shallow
from pipeline.numerics.lanczos import Product
from pipeline.training.engines.fused.curvature import product_program
from pipeline.training.engines.fused.lanes import BITS, REGISTER_BITS
from pipeline.training.engines.fused.machine import Kernel
from pipeline.training.engines.fused.memory import Points, Shares, aligned_zeros
from pipeline.training.engines.fused.network import TILE_REGISTERS, Network, padded, places

LANES = REGISTER_BITS // BITS["float64"]


@functools.cache
def product_kernel(network: Network) -> Kernel:
    """What computes products."""
    return Kernel(product_program(network))


@final
class HessianProducts:
    """The Hessians of the training loss of networks of one shape, in float64 whatever they are trained in.

    Several threads may call it at the same time, and each product that it makes is for one of them.

    Args:
        learned: What is trained.
    """

    def __init__(self, learned: Learned) -> None:
        assert isinstance(learned.model, Shallow)
        inputs_DP = np.ascontiguousarray(learned.dataset.train_inputs_PD.mT.numpy())
        targets_KP = np.ascontiguousarray(learned.dataset.train_targets_PK.mT.numpy())
        self.network = Network(len(inputs_DP), len(targets_KP), learned.model.activation, learned.loss, "float64")
        self.width, self.row = learned.width, padded(learned.width, LANES)
        self.shares = Shares(learned.num_points, LANES, inputs_DP.dtype)
        self.points = Points(inputs_DP, targets_KP, len(self.shares.share_P))
        self.places_N = places(self.network, learned.width, LANES)

    def __call__(self, weights_TN: Tensor) -> Product:
        """What multiplies the Hessians at some weights, shape ``[T, N]`` in float64, with directions of that shape.

        A trial's product is made by the same instructions whatever is computed beside it.
        """
        memory = self._memory()
        scratch = aligned_zeros(sum(memory.values()), "float64")
        starts = itertools.accumulate(memory.values(), initial=0)
        places = (scratch.ctypes.data + start * scratch.itemsize for start in starts)
        told = self._shared() | dict(zip(memory, places, strict=False)) | {"num_trials": len(weights_TN)}
        return functools.partial(self._product, weights_TN.contiguous(), scratch, told)

    def _product(self, weights_TN: Tensor, scratch: np.ndarray, told: dict[str, int], directions_TN: Tensor) -> Tensor:
        """The products; some of the addresses told point into ``scratch``, and others into arrays of this object."""
        directions_TN, products_TN = directions_TN.contiguous(), torch.empty_like(weights_TN)
        arrays = {"weights": weights_TN, "slot_0": directions_TN, "products": products_TN}
        product_kernel(self.network)(told | {name: array.data_ptr() for name, array in arrays.items()})
        return products_TN

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
            "all_inputs": self.points.filled[0].ctypes.data,
            "all_targets": self.points.filled[1].ctypes.data,
            **self.shares.arguments("all"),
        }

    def _memory(self) -> dict[str, int]:
        """Numbers in each of the arrays that a kernel works in."""
        num_sums = self.network.num_inputs + 1 + self.network.num_outputs
        return {
            "own_weights": self._size,
            "own_slot_0": self._size,
            "own_gradient": self._size,
            "chunk_losses": LANES,
            "output_sums": (self.network.num_outputs + 1) * LANES,
            "zeros": num_sums * LANES,
            "sums": self.row * num_sums * LANES,
            "hidden": self.width * TILE_REGISTERS * LANES,
            "tangents": self.width * TILE_REGISTERS * LANES,
        }
