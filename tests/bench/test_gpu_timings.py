"""Thread layouts that are tried are near the chosen one, and cells say errors in one line."""

import pytest

pytest.importorskip("triton")

from pipeline.bench.gpu_timings import error_cell, nearby_layouts, operations_of, row
from pipeline.engines.gpu.thread_layout import thread_layout


def test_layouts_near_the_chosen_one_have_room_for_the_same_units():
    chosen = thread_layout(256, 64, 4, 0, 4)
    first, *others = nearby_layouts(chosen, 4)
    assert first == chosen
    assert others
    assert len({first, *others}) == 1 + len(others)
    assert {layout.units for layout in others} == {chosen.units}
    assert max(layout.warps for layout in others) <= 16


def test_a_step_takes_two_operations_for_each_product_forward_and_backward():
    assert operations_of((256, 2, 64, 1)) == 256 * 64 * (4 * 2 + 6 + 4)


def test_cells_stand_in_columns():
    first, second = row("a", 1), row("bbb", 22)
    assert first.index("1") == second.index("22")
    assert error_cell(ValueError("no room\nfor two")) == "ValueError: no room"
