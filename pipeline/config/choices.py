"""Choices: the scalars that a ``Literal`` or an enumeration admits."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pipeline.config.nodes import Node, Position, ScalarNode, refusal, spelled
from pipeline.errors import nearest


def choices_of(hint: Any) -> Mapping[str, Any]:
    """The choices of a type, by how each is written.

    Args:
        hint: A type, as a field is annotated with it.

    Returns:
        The values of a ``Literal`` or the members of an enumeration; nothing for another type.
    """
    if typing.get_origin(hint) is Literal:
        return {spelled(value): value for value in typing.get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {spelled(member.value): member for member in hint}
    return {}


def construct_choice(choices: Mapping[str, Any], node: Node, position: Position) -> Any:
    """Construct one of the choices from a scalar.

    Args:
        choices: As ``choices_of`` gives them.
        node: The node of the field.
        position: Of the field, for the complaint.

    Returns:
        The value of the choice, or the member of the enumeration.

    Raises:
        PipelineError: If it is none of them; the hint names the nearest. A quoted ``"1"`` is none of ``Literal[1]``.
    """
    if isinstance(node, ScalarNode) and node.text in choices:
        value = choices[node.text]
        if node.plain or isinstance(value, str | enum.Enum):
            return value
        raise refusal(node, position, spelled(value), "leave the quotes out")
    expected = " or ".join(repr(word) for word in choices)
    raise refusal(node, position, expected, nearest(node.text if isinstance(node, ScalarNode) else "", choices))
