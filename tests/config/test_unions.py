"""A mapping is read as the type that knows most of its keys."""

from __future__ import annotations

from pipeline.config import read_file


def test_a_mapping_is_read_as_the_option_that_knows_most_of_its_keys(write, everything, refused):
    path = write("rates: {log_from: 1, times_limt: 2}")
    with refused(path, 1, "unknown key 'times_limt' in rates", "known: log_from, log_to, num"):
        read_file(path, everything)
    path = write("rates: {times_limt: 2}")
    with refused(
        path, 1, "unknown key 'times_limt'", "did you mean 'times_limit'? known: log_from, log_to, num, times_limit"
    ):
        read_file(path, everything)
    path = write("rates: {}")
    with refused(path, 1, "rates is an empty mapping", "write log_from, log_to and num; or times_limit"):
        read_file(path, everything)
