"""Numbers, lists and settings as a reader says them."""

import math

import pytest

from pipeline.report.answer.phrases import from_to, listed, setting_in_words, short, times


@pytest.mark.parametrize(
    ("items", "said"),
    [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("abcdefg", "a, b, c, d and 3 others")],
)
def test_things_in_a_row(items, said):
    assert listed(list(items)) == said


@pytest.mark.parametrize(
    ("larger", "smaller", "said"),
    [(4, 2, "2 times"), (19, 2, "9.5 times"), (1.01, 1, ""), (1, 0, ""), (math.inf, 1, ""), (1e9, 1, "")],
)
def test_a_ratio_is_named_where_it_says_something(larger, smaller, said):
    assert times(larger, smaller) == said


def test_a_range_of_one_number_is_the_number():
    assert (from_to([0.5, 0.50001]), from_to([2, 1]), short(0.0002204)) == ("0.5", "1 to 2", "0.00022")


def test_where_a_setting_is_says_only_what_varies():
    row = {"width": 8, "rate_axis": 0.5}
    assert setting_in_words(row, True, True, True) == "width 8, 0.5 times the limit"
    assert setting_in_words(row, False, True, False) == "learning rate 0.5"
    assert setting_in_words(row | {"rate_axis": None}, True, True, False) == "width 8"
    assert setting_in_words(row, False, False, False) == ""
