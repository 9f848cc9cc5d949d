"""The words that a ``Literal`` or an enumeration admits."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pipeline.config.nodes import Node, Position, Word, refusal, spelled
from pipeline.errors import nearest


def choices_of(hint: Any) -> Mapping[str, Any]:
    """The values of a ``Literal`` or an enumeration as they are written; none for another type."""
    if typing.get_origin(hint) is Literal:
        return {spelled(value): value for value in typing.get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {spelled(member.value): member for member in hint}
    return {}


def read_choice(choices: Mapping[str, Any], node: Node, position: Position) -> Any:
    """Read one of the words, or refuse it with the nearest of them."""
    if isinstance(node, Word) and node.text in choices:
        value = choices[node.text]
        if node.plain or isinstance(value, str | enum.Enum):
            return value
        raise refusal(node, position, spelled(value), "leave the quotes out")
    expected = " or ".join(repr(word) for word in choices)
    raise refusal(node, position, expected, nearest(node.text if isinstance(node, Word) else "", choices))
