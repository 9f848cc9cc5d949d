"""What can be written where a definition of some kind is expected.

The tables of definitions take seconds to load, so they are loaded when the first definition
is met: the profile of a cluster has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.definitions import Definition


def kind_and_table(kind: type[Any]) -> tuple[type[Definition], Mapping[str, type[Definition]]]:
    """The kind of definition that a class is or narrows, and those of its table that are of the class."""
    from pipeline.config.registry import KINDS

    for base, table in KINDS.values():
        if issubclass(kind, base):
            return base, {name: definition for name, definition in table.items() if issubclass(definition, kind)}
    raise TypeError(f"no table of definitions holds {kind.__name__}")


def definitions_of(kind: type[Definition]) -> Mapping[str, type[Definition]]:
    """What can be written where this kind of definition is expected."""
    return kind_and_table(kind)[1]


def noun_of(kind: type[Definition]) -> str:
    """What a definition of this kind is called."""
    return kind_and_table(kind)[0].name()


def with_article(noun: str) -> str:
    """A basis, an optimizer, but data."""
    from pipeline.problems.datasets import Data

    if noun == Data.name():
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
