"""What kernels with a trial in each lane take: blocks of trials, and points of one input in their order.

Shape letters: B blocks, L lanes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.engines.cpu.codegen.compile import BoundKernel
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.codegen.simd import BITS
from pipeline.engines.engine import Stack

LANES = REGISTER_BITS // BITS["float64"]

FEWEST_LANES = 2
"""Lanes of a block at least. A number by itself takes twice as long as two: where one of two is chosen, LLVM branches,
and the processor guesses wrong.
"""


def lanes_of_block(num_trials: int) -> int:
    """Lanes of the blocks of a pack: fewer for few trials, whose numbers then lie closer together.

    Measured on one core, in us a step of one ReLU network of 64 x 256, of 1, 2 and 4 trials: 2.0, 0.86 and 0.48; in
    full blocks 2.5, 1.29 and 0.66.

    Args:
        num_trials: T.

    Returns:
        A power of two.
    """
    return min(LANES, max(FEWEST_LANES, 1 << (num_trials - 1).bit_length()))


def blocks(rows_TN: Tensor, dtype: torch.dtype = torch.float64, lanes: int | None = None) -> np.ndarray:
    """Rows of trials in blocks, a trial in each lane, shape ``[B, N, L]``; the last one fills its block up.

    Args:
        rows_TN: A row for each trial.
        dtype: Of the blocks.
        lanes: L; none: as many as fit into a register.

    Returns:
        The blocks.
    """
    lanes = lanes or REGISTER_BITS // (8 * dtype.itemsize)
    rows_TN = rows_TN.detach().to(dtype)
    filled_TN = torch.cat([rows_TN, rows_TN[-1:].expand(-len(rows_TN) % lanes, -1)])
    found: np.ndarray = filled_TN.view(-1, lanes, rows_TN.shape[1]).mT.contiguous().numpy()
    return found


def rows(blocks_BNL: np.ndarray, num_trials: int) -> Tensor:
    """Blocks as rows of trials again, shape ``[T, N]``."""
    return torch.from_numpy(blocks_BNL).mT.flatten(0, 1)[:num_trials]


def advance_in_lanes(kernel: BoundKernel, stack: Stack, corrections_H2: np.ndarray, lanes: int | None = None) -> Tensor:
    """Make updates of some trials in place, by a kernel that takes them in blocks.

    Args:
        kernel: The kernel, with what all trials have in common.
        stack: The trials, in any dtype.
        corrections_H2: Corrections of the steps to make, in the dtype of the kernel.
        lanes: Trials of a block; none: as many as fit into a register.

    Returns:
        Shape ``[T]``: the number, from 0, of the update before which the loss was out of bounds, or -1.
    """
    arrays, dtype = stack.arrays(), torch.from_numpy(corrections_H2).dtype
    told = {name: blocks(array if array.dim() > 1 else array[:, None], dtype, lanes) for name, array in arrays.items()}
    told["bounds"].reshape(-1)[len(stack) :] = -np.inf  # lanes that are left over end at once
    found_T = np.full(told["rates"].size, -1)
    numbers = {"num_blocks": len(told["weights"]), "num_steps": len(corrections_H2)}
    kernel.bind_all({**told, **numbers, "corrections": corrections_H2, "diverged": found_T})()
    for name in arrays.keys() - {"rates", "bounds"}:
        arrays[name].copy_(rows(told[name], len(stack)))
    return torch.from_numpy(found_T[: len(stack)])


def sorted_points(inputs_P: Tensor, targets_PK: Tensor) -> dict[str, ArgumentValue]:
    """Points of one input as arguments of kernels.

    Args:
        inputs_P: Inputs in any order, float64.
        targets_PK: Targets, float64.

    Returns:
        The number of points and how often it can be halved, their inputs in order with the targets that go with them,
        and the weight of each.
    """
    order_P = torch.argsort(inputs_P, stable=True)
    return {
        "num_points": len(inputs_P),
        "halvings": len(inputs_P).bit_length(),
        "inputs": inputs_P[order_P].contiguous(),
        "targets": targets_PK[order_P].mT.contiguous(),
        "point_weight": np.array([1 / len(inputs_P)]),
    }
