"""Points fill whole registers without counting twice, and lie where a processor loads them fast."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.buffers import (
    NOT_A_STRIDE,
    TILE_REGISTERS,
    PointBuffers,
    PointTiling,
    aligned_zeros,
    round_up,
)
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS

DTYPES = [np.dtype("float32"), np.dtype("float64")]


def test_rounding_up_is_to_the_least_multiple():
    assert [round_up(number, 8) for number in (0, 1, 8, 9, 16)] == [0, 8, 8, 16, 16]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_begin_where_a_register_of_memory_does(dtype):
    for count in (1, 7, 64):
        zeros = aligned_zeros(count, dtype)
        assert (zeros.dtype, zeros.tolist()) == (dtype, [0.0] * count)
        assert zeros.ctypes.data % (REGISTER_BITS // 8) == 0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("num_points", [1, 7, 8, 33, 256, 1437])
def test_weights_are_a_mean_over_the_points_and_nothing_beyond(num_points, dtype):
    tiling = PointTiling(num_points, 8, dtype)
    assert (tiling.point_weights_P[:num_points] == dtype.type(1 / num_points)).all()
    assert not tiling.point_weights_P[num_points:].any()
    assert len(tiling.point_weights_P) % 8 == 0
    assert tiling.point_weights_P.nbytes % NOT_A_STRIDE


@pytest.mark.parametrize("most_chunks", [1, 3, 4, 100])
@pytest.mark.parametrize("num_points", [1, 31, 32, 33, 1000])
def test_every_register_of_points_is_in_one_tile_and_every_wide_tile_in_one_chunk(num_points, most_chunks):
    tiling = PointTiling(num_points, 8, np.dtype("float32"), most_chunks)
    assert (tiling.wide_tiles * TILE_REGISTERS + tiling.narrow_tiles) * 8 == round_up(num_points, 8)
    assert tiling.narrow_tiles < TILE_REGISTERS
    assert tiling.num_chunks == max(1, min(most_chunks, tiling.wide_tiles))
    assert (tiling.chunks[0], tiling.chunks[-1]) == (0, tiling.wide_tiles)
    assert (np.diff(tiling.chunks) > 0).all() or tiling.wide_tiles == 0


def points(dtype):
    return PointBuffers(np.arange(6, dtype=dtype).reshape(2, 3), np.arange(10, 13, dtype=dtype)[None], 8)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_last_point_fills_up_a_row(dtype):
    inputs_AP, targets_KP = points(dtype).filled
    assert inputs_AP.tolist() == [[0, 1, 2, 2, 2, 2, 2, 2], [3, 4, 5, 5, 5, 5, 5, 5]]
    assert targets_KP.tolist() == [[10, 11, 12, 12, 12, 12, 12, 12]]
    assert inputs_AP.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_inputs_and_targets_of_a_point_lie_side_by_side(dtype):
    assert points(dtype).together(1).tolist() == [[0, 3, 10], [1, 4, 11], [2, 5, 12]]
    assert points(dtype).together(4)[1].tolist() == [1, 4, 0, 0, 11, 0, 0, 0]
    assert points(dtype).columns(4)[1].tolist() == [1, 4, 0, 0]


def test_arguments_have_the_names_of_their_points():
    arguments = PointTiling(40, 8, np.dtype("float32")).arguments("batch")
    assert all(name.startswith("batch_") for name in arguments)
    assert (arguments["batch_wide_tiles"], arguments["batch_narrow_tiles"]) == (1, 1)
