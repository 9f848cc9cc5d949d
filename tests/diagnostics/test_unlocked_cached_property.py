"""A property is computed once for each object, and for several objects at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.diagnostics.snapshot import Snapshot
from pipeline.diagnostics.unlocked_cached_property import unlocked_cached_property


@dataclass(frozen=True)
class Looked:
    asked: list
    both: threading.Barrier

    @unlocked_cached_property
    def number(self):
        """What it is."""
        self.asked.append(1)
        self.both.wait(timeout=200)  # ends only when two are in here
        return len(self.asked)


def test_each_object_computes_it_once_and_two_objects_at_the_same_time():
    both = threading.Barrier(2)
    pair = [Looked([], both), Looked([], both)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda looked: looked.number, pair)) == [1, 1]
    assert [looked.number for looked in pair] == [1, 1]
    assert [looked.asked for looked in pair] == [[1], [1]]


def test_class_shows_what_it_is():
    assert Looked.number.__doc__ == "What it is."
    assert isinstance(Snapshot.singular_values_TS, unlocked_cached_property)
