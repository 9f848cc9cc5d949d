"""What kernels with a trial in each lane take: blocks of trials, and points of one input in their order.

Shape letters: B blocks, L lanes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.codegen.simd import BITS

LANES = REGISTER_BITS // BITS["float64"]


def blocks(rows_TN: Tensor) -> np.ndarray:
    """Rows of trials in float64 blocks, a trial in each lane, shape ``[B, N, L]``; the last one fills its block up."""
    missing = -len(rows_TN) % LANES
    filled_TN = torch.cat([rows_TN.detach().double(), rows_TN[-1:].detach().double().expand(missing, -1)])
    found: np.ndarray = filled_TN.view(-1, LANES, rows_TN.shape[1]).mT.contiguous().numpy()
    return found


def rows(blocks_BNL: np.ndarray, num_trials: int) -> Tensor:
    """Blocks as rows of trials again, shape ``[T, N]``."""
    return torch.from_numpy(blocks_BNL).mT.flatten(0, 1)[:num_trials]


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
