"""Blocks for products of matrices have sides that matrix units take, and cover every point and hidden unit."""

import itertools

import pytest

from pipeline.engines.gpu.block_sizes import LEAST, launch_blocks, padded_columns, rounded_up

SIZES = list(itertools.product([1, 16, 17, 1437], [1, 50, 1024]))


@pytest.mark.parametrize(("num_points", "width"), SIZES)
@pytest.mark.parametrize(("real_bytes", "rounded"), [(4, False), (4, True), (8, False)])
def test_sides_are_powers_of_two_of_at_least_sixteen(num_points, width, real_bytes, rounded):
    blocks = launch_blocks(num_points, width, real_bytes, rounded=rounded)
    for block in (blocks.of_points, blocks.of_units):
        for side in (block.points, block.units):
            assert side >= LEAST
            assert side & (side - 1) == 0
        assert block.warps in (4, 8)


@pytest.mark.parametrize(("num_points", "width"), SIZES)
def test_places_are_whole_blocks_of_both_launches(num_points, width):
    blocks = launch_blocks(num_points, width, 4, rounded=False)
    places = blocks.num_places(num_points)
    assert num_points <= places
    assert places % blocks.of_points.points == places % blocks.of_units.points == 0


def test_one_column_needs_no_matrix_and_others_sixteen_or_a_power_of_two():
    assert [padded_columns(number) for number in (1, 2, 16, 17, 128)] == [1, 16, 16, 32, 128]


def test_rounding_up_is_to_the_least_multiple():
    assert [rounded_up(number, 16) for number in (1, 16, 17)] == [16, 16, 32]
