"""Cached properties without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class unlocked_cached_property(Generic[T]):  # noqa: N801  # used like ``property``
    """As ``functools.cached_property``, which until Python 3.12 lets only one thread at a time compute it.

    That lock is one for all objects of the class, so chunks of a pack that are looked at side by side would wait
    for each other. Here threads that ask the same object at the same time may each compute it.

    Args:
        compute: From the object to the value.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute, self.name = compute, compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> unlocked_cached_property[T]: ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: object | None, kind: type) -> unlocked_cached_property[T] | T:
        if owner is None:
            return self
        value = self.compute(owner)
        owner.__dict__[self.name] = value  # found there before this is asked again
        return value
