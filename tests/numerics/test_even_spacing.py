"""Thinned sequences keep both ends."""

import pytest

from pipeline.numerics.even_spacing import evenly_spaced, every


def test_evenly_spaced_items_have_both_ends_among_them():
    assert evenly_spaced(range(100), 4) == [0, 33, 66, 99]
    assert evenly_spaced([1, 2], 4) == [1, 2]


@pytest.mark.parametrize(("stride", "kept"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (3, [0, 3, 4]), (9, [0, 4])])
def test_one_of_every_few_items_and_the_last_are_kept(stride, kept):
    assert every(range(5), stride) == kept


def test_thinning_twice_keeps_a_part_of_what_thinning_once_keeps():
    assert set(every(range(50), 4)) <= set(every(range(50), 2))
