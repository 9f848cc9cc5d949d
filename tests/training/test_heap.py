"""What a pack leaves behind is freed and returned to the system."""

import ctypes
import weakref

from pipeline.training import heap


class Referring:
    """An object that refers to itself, as a trainer and its module do to each other."""

    def __init__(self):
        self.other = self


def test_objects_that_refer_to_each_other_are_freed():
    gone = weakref.ref(Referring())
    heap.release_pack_memory()
    assert gone() is None


def test_heap_is_trimmed_by_the_c_library(monkeypatch):
    calls = []

    class Library:
        malloc_trim = staticmethod(calls.append)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    heap.trim_heap()
    assert calls == [0]


def test_c_library_that_cannot_trim_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    heap.trim_heap()
