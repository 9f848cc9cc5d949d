"""Points and working memory in the layout of kernels.

Shape letters: R rows of any kind.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue, buffer
from pipeline.engines.cpu.codegen.simd import BITS, FloatDtype

TILE_REGISTERS = 4
"""Registers of points worked on at a time: enough that no instruction waits for the one before."""

NOT_A_STRIDE = 1024
"""Bytes of which the distance of two inputs is no multiple, because they would push each other out of the cache."""


@dataclass(frozen=True)
class PointBuffers:
    """Points in rows, one for each input and output, the lanes of the last register filled up with the last point.

    Args:
        inputs_AP: Prepared inputs.
        targets_KP: Targets.
        size: Length of a row with what fills it up.
    """

    inputs_AP: np.ndarray
    targets_KP: np.ndarray
    size: int

    @functools.cached_property
    def filled(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets in full registers, each of which begins where one of memory does."""
        return self._filled(self.inputs_AP), self._filled(self.targets_KP)

    def _filled(self, rows_RP: np.ndarray) -> np.ndarray:
        dtype: FloatDtype = "float32" if rows_RP.dtype == np.float32 else "float64"
        filled = aligned_zeros(len(rows_RP) * self.size, dtype).reshape(len(rows_RP), self.size)
        filled[:, : self.num_points], filled[:, self.num_points :] = rows_RP, rows_RP[:, -1:]
        return filled

    def columns(self, lanes: int) -> np.ndarray:
        """The inputs of each point in full registers, filled up with zeros."""
        inputs_AP = self.filled[0]
        return np.ascontiguousarray(np.pad(inputs_AP, ((0, -len(inputs_AP) % lanes), (0, 0))).T)

    def together(self, multiple: int) -> np.ndarray:
        """Inputs and targets of each point side by side, for batches to be gathered from.

        Args:
            multiple: Inputs and targets are each filled up to a multiple of it by zeros.

        Returns:
            A row for each point.
        """
        parts = [np.pad(rows, ((0, -len(rows) % multiple), (0, 0))) for rows in (self.inputs_AP, self.targets_KP)]
        together_PR = np.concatenate(parts).T
        dtype: FloatDtype = "float32" if together_PR.dtype == np.float32 else "float64"
        found = aligned_zeros(together_PR.size, dtype).reshape(together_PR.shape)
        found[:] = together_PR
        return found

    @property
    def num_points(self) -> int:
        """P."""
        return self.inputs_AP.shape[1]


class PointTiling:
    """The weight ``1 / P`` of each lane in a mean over points, and the tiles and chunks of tiles that the points make.

    Args:
        num_points: P.
        lanes: Lanes of a register.
        dtype: Of the arithmetic.
        most_chunks: Chunks wanted; there are fewer where there are fewer tiles.
    """

    def __init__(self, num_points: int, lanes: int, dtype: np.dtype, most_chunks: int = 1) -> None:
        self.registers = -(-num_points // lanes)
        size = self.registers * lanes
        if size * dtype.itemsize % NOT_A_STRIDE == 0:
            size += lanes
        self.point_weights_P = np.zeros(size, dtype)
        self.point_weights_P[:num_points] = 1 / num_points
        self.wide_tiles, self.narrow_tiles = divmod(self.registers, TILE_REGISTERS)
        self.num_chunks = max(1, min(most_chunks, self.wide_tiles))  # none is without a tile
        self.chunks = np.arange(self.num_chunks + 1) * self.wide_tiles // self.num_chunks

    def arguments(self, of: str) -> dict[str, ArgumentValue]:
        """The arguments of a kernel by name, with the prefix ``all``, or ``batch`` for those of a batch."""
        return {
            f"{of}_point_weights": buffer(self.point_weights_P),
            f"{of}_stride": len(self.point_weights_P),
            f"{of}_wide_tiles": self.wide_tiles,
            f"{of}_narrow_tiles": self.narrow_tiles,
            f"{of}_num_chunks": self.num_chunks,
            f"{of}_chunks": buffer(self.chunks),
        }


def aligned_zeros(count: int, dtype: FloatDtype) -> np.ndarray:
    """Zeros that begin where a register's worth of memory does.

    Args:
        count: How many.
        dtype: ``float32`` or ``float64``.

    Returns:
        Shape ``[count]``.
    """
    alignment = REGISTER_BITS // 8
    numbers = np.zeros(count * BITS[dtype] // 8 + alignment, dtype=np.uint8)
    start = -numbers.ctypes.data % alignment
    return numbers[start : start + count * BITS[dtype] // 8].view(dtype)


def round_up(number: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is not below ``number``, as the lanes of a register fill up a row."""
    return -(-number // multiple) * multiple
