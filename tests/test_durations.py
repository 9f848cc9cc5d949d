"""Durations read as people say them."""

import pytest

from pipeline.durations import duration


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.2, "0 s"),
        (42, "42 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.7, "1 h 0 min"),
        (7800, "2 h 10 min"),
        (360000, "100 h 0 min"),
    ],
)
def test_time_is_told_as_people_say_it(seconds, text):
    assert duration(seconds) == text
