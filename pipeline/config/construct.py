"""Constructing: nodes into values. The type of a field says how its node is read."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from pipeline.config.choices import choices_of, construct_choice
from pipeline.config.nodes import MAX_DEPTH, MappingNode, Node, Position, SequenceNode, dotted, refusal, shown, too_deep
from pipeline.config.objects import construct_dataclass, construct_definition
from pipeline.config.scalars import SCALAR_TYPES, construct_scalar
from pipeline.config.unions import construct_union
from pipeline.config.wording import in_words, is_union
from pipeline.definitions import Definition
from pipeline.errors import PipelineError


def construct(hint: Any, node: Node, position: Position) -> Any:
    """Construct a value of a type from a node.

    Args:
        hint: The type, as a field is annotated with it: a scalar type, a ``Literal`` or an enumeration, a tuple, a
            mapping of names, a dataclass, a kind of definition, or a union of such.
        node: The node of the field.
        position: Of the field in the object that is constructed, for complaints.

    Returns:
        A value of the type.

    Raises:
        PipelineError: If no value of the type is written there.
        TypeError: If no reader knows the type.
    """
    if len(position) > MAX_DEPTH:  # aliases can nest deeper than the text does
        raise too_deep(node.where)
    if is_union(hint):
        return construct_union(typing.get_args(hint), node, position, construct)
    if typing.get_origin(hint) is tuple:
        return _construct_tuple(hint, node, position)
    if typing.get_origin(hint) is Mapping:
        return _construct_mapping(hint, node, position)
    if choices := choices_of(hint):
        return construct_choice(choices, node, position)
    if hint in SCALAR_TYPES:
        return construct_scalar(SCALAR_TYPES[hint], node, position)
    if isinstance(hint, type) and issubclass(hint, Definition):
        return construct_definition(hint, node, position, construct)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return construct_dataclass(hint, node, position, construct)
    raise TypeError(f"no reader for {hint!r}, the type of {dotted(position)}")


def is_readable(hint: Any) -> bool:
    """Whether ``construct`` has a reader for a type, and for all that is inside.

    Args:
        hint: The type, as a field is annotated with it.

    Returns:
        False of ``list``, ``object``, ``Any`` and the like.
    """
    inside = [item for item in typing.get_args(hint) if item not in (..., types.NoneType)]
    if is_union(hint) or typing.get_origin(hint) in (tuple, Mapping):
        return all(map(is_readable, inside))
    known = isinstance(hint, type) and (issubclass(hint, Definition) or dataclasses.is_dataclass(hint))
    return known or bool(choices_of(hint)) or hint in SCALAR_TYPES


def _construct_mapping(hint: Any, node: Node, position: Position) -> Mapping[str, Any]:
    """Values of one type by keys that whoever owns the field knows."""
    if not isinstance(node, MappingNode):
        raise refusal(node, position, in_words(hint), "write 'key: value' pairs")
    _, kind = typing.get_args(hint)
    return {key: construct(kind, entry.node, (*position, key)) for key, entry in node.entries.items()}


def _construct_tuple(hint: Any, node: Node, position: Position) -> tuple[Any, ...]:
    items = typing.get_args(hint)
    if items[-1] is ...:
        if not isinstance(node, SequenceNode):  # a single value stands for a list of one
            return (construct(items[0], node, position),)
        return tuple(construct(items[0], item, (*position, at)) for at, item in enumerate(node.items))
    if not isinstance(node, SequenceNode) or len(node.items) != len(items):
        there = f"a list of {len(node.items)}" if isinstance(node, SequenceNode) else shown(node)
        what = f"{dotted(position)} must be a list of {len(items)}, not {there}"
        raise PipelineError(what, where=node.where, hint=f"write [{', '.join(['...'] * len(items))}]")
    return tuple(
        construct(kind, item, (*position, at)) for at, (kind, item) in enumerate(zip(items, node.items, strict=True))
    )
