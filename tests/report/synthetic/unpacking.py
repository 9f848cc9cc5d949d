"""Arrays of a page as its scripts read them."""

import base64

import numpy as np

from pipeline.report.html.packed_arrays import LowRank, PackedArray


def unpacked(array: PackedArray) -> np.ndarray:
    content = base64.b64decode(array.base64)
    if array.type == "bfloat16":
        halves = np.frombuffer(content, "<u2").astype(np.uint32) << 16
        return halves.view(np.float32).reshape(array.shape)
    return np.frombuffer(content, np.dtype(array.type).newbyteorder("<")).reshape(array.shape)


def product(matrix: LowRank) -> np.ndarray:
    return unpacked(matrix.left).astype(float) @ unpacked(matrix.right).astype(float)
