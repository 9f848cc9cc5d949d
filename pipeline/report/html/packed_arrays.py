"""Arrays as text of a page: numbers in little-endian order and base64, and matrices as products of two small ones.

Shape letters: F rows, X columns, R rank.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

NumberType = Literal["float64", "float32", "bfloat16", "int32", "int16", "uint8"]
INT16_MAX = 32767
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class PackedArray:
    """Numbers of one type as text.

    Args:
        type: What each is written as; a bfloat16 is the upper half of a float32.
        shape: Lengths of the axes; the last one is contiguous.
        base64: The bytes, in little-endian order.
    """

    type: NumberType
    shape: tuple[int, ...]
    base64: str


@dataclass(frozen=True)
class LowRank:
    """A matrix as a product: row f, column x is ``sum_r left[f, r] right[r, x]``.

    Args:
        left: Shape ``[F, R]``, float32.
        right: Shape ``[R, X]``, int16.
    """

    left: PackedArray
    right: PackedArray


def packed(values: ArrayLike, kind: NumberType) -> PackedArray:
    """Numbers as text.

    Args:
        values: Numbers of any shape. What a float32 cannot hold is infinite.
        kind: What they are written as.

    Returns:
        Text, with the shape.
    """
    array = np.asarray(values)
    written = _bfloat16(array) if kind == "bfloat16" else _cast(array, kind)
    little = written.astype(written.dtype.newbyteorder("<"))
    return PackedArray(kind, array.shape, base64.b64encode(little.tobytes()).decode())


def _cast(array: NDArray[Any], kind: str) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return array.astype(kind)


def _bfloat16(array: NDArray[Any]) -> NDArray[np.uint16]:
    """The upper halves of float32, rounded to the nearest; NaN stays NaN.

    Returns:
        The shape of the array.
    """
    whole = _cast(array, "float32")
    bits = np.ascontiguousarray(whole).view(np.uint32).reshape(whole.shape).astype(np.uint64)
    nearest = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(whole), np.uint16(0x7FC0), nearest)


def low_rank(rows_FX: NDArray[np.float64], tolerance: float) -> LowRank:
    """A matrix as a product of as few columns and rows as hold each of its rows to a fraction of its largest number.

    Gram-Schmidt with pivoting: the row that is missed by most is taken next, so that the error is known at every rank,
    in the largest norm. What is learned step by step has few directions in it.

    Args:
        rows_FX: A matrix, finite.
        tolerance: Greatest error of a row, over the largest absolute value in it.

    Returns:
        The product; of rank 0 for a matrix of zeros.

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.4.2: QR with column pivoting.
    """
    scale_F = np.abs(rows_FX).max(axis=1, initial=0.0)
    rest_FX = rows_FX / np.where(scale_F > 0, scale_F, 1.0)[:, None]
    left: list[NDArray[np.float64]] = []
    right: list[NDArray[np.float64]] = []
    while len(right) < min(rows_FX.shape) and np.abs(rest_FX).max(initial=0.0) > tolerance:
        pivot_X = rest_FX[np.abs(rest_FX).max(axis=1).argmax()]
        unit = np.abs(pivot_X).max() / INT16_MAX
        direction_X = np.rint(pivot_X / unit)  # as it will be read, so that later ones mend its rounding
        part_F = rest_FX @ direction_X / (direction_X @ direction_X)
        rest_FX = rest_FX - part_F[:, None] * direction_X
        left.append(part_F * scale_F)
        right.append(direction_X)
    left_FR = np.array(left).reshape(-1, len(rows_FX)).T
    return LowRank(packed(left_FR, "float32"), packed(np.array(right).reshape(-1, rows_FX.shape[1]), "int16"))
