"""Lookup in the registry: the definitions that can be written where one of some kind is expected.

The registry takes seconds to import, for the definitions are written in PyTorch. It is imported when the first
definition is met; the profile of a cluster has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pipeline.definitions import Definition

_scope: ContextVar[tuple[type[Definition], ...]] = ContextVar("definitions of extensions", default=())


@contextmanager
def in_scope(definitions: tuple[type[Definition], ...]) -> Iterator[None]:
    """In the block, these can be written beside those that are built in.

    Args:
        definitions: Classes of extensions, whose names are not taken.
    """
    token = _scope.set(definitions)
    try:
        yield
    finally:
        _scope.reset(token)


def kind_and_table(kind: type[Any]) -> tuple[type[Definition], Mapping[str, type[Definition]]]:
    """The registered kind of a class of definitions, and the part of its table that is of the class.

    Args:
        kind: A kind of definition, like ``Optimizer``, or an abstract class below one, like ``Solver``.

    Returns:
        The kind, and its definitions that are of the class, by name.

    Raises:
        TypeError: If no kind in the registry is the class or above it.
    """
    from pipeline.config.registry import REGISTRY

    for base, table in REGISTRY.values():
        if issubclass(kind, base):
            known = (*table.values(), *_scope.get())
            return base, {one.name(): one for one in known if issubclass(one, kind)}
    raise TypeError(f"no table of definitions holds {kind.__name__}")


def definitions_of(kind: type[Definition]) -> Mapping[str, type[Definition]]:
    """The definitions that can be written where one of a kind is expected, by name."""
    return kind_and_table(kind)[1]


def noun_of(kind: type[Definition]) -> str:
    """The noun for a definition of a kind: ``basis``."""
    return kind_and_table(kind)[0].name()


def with_article(noun: str) -> str:
    """A noun with its indefinite article: a basis, an optimizer, but data."""
    from pipeline.problems.datasets import Data

    if noun == Data.name():
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
