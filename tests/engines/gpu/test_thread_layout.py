"""A thread layout has room for every hidden unit, in registers that a thread has, in warps that a program may have."""

import itertools

import pytest

from pipeline.engines.gpu.thread_layout import (
    MOST_WARPS,
    REGISTERS_OF_WEIGHTS,
    WARP_THREADS,
    most_unit_rows,
    most_units,
    power_of_two,
    thread_layout,
)

SIZES = list(itertools.product([1, 32, 256, 4096], [1, 3, 64, 200, 1024]))
"""Points and hidden units."""


@pytest.mark.parametrize(("rows", "slots", "real_bytes"), [*itertools.product([3, 7, 21], [0, 2], [4, 8])])
def test_every_unit_and_point_has_a_thread_in_few_enough_warps(rows, slots, real_bytes):
    fitting = [(points, width) for points, width in SIZES if width <= most_units(rows, slots, real_bytes)]
    assert fitting
    for num_points, width in fitting:
        layout = thread_layout(num_points, width, rows, slots, real_bytes)
        assert layout.units >= width
        assert layout.unit_lanes * layout.point_lanes == WARP_THREADS
        assert 1 <= layout.warps <= MOST_WARPS
        for number in (layout.unit_rows, layout.units, layout.points, layout.warps):
            assert number & (number - 1) == 0


def test_weights_memory_and_sums_of_a_thread_fit_into_its_registers():
    for rows, slots, real_bytes in itertools.product([3, 7, 21], [0, 1, 2], [4, 8]):
        taken = most_unit_rows(rows, slots, real_bytes) * rows * (2 + slots) * (real_bytes // 4)
        assert taken <= REGISTERS_OF_WEIGHTS or most_unit_rows(rows, slots, real_bytes) == 1


def test_a_power_of_two_is_the_least_that_is_no_less():
    assert [power_of_two(number) for number in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 4, 8, 1024]
