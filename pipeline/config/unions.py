"""Unions: fields of several types. The kind of node that is written decides which of them is meant."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.config.choices import choices_of
from pipeline.config.fields import fields_of
from pipeline.config.nodes import (
    Construct,
    MappingNode,
    Node,
    Position,
    ScalarNode,
    SequenceNode,
    clipped,
    dotted,
    is_null,
    refusal,
)
from pipeline.config.registry_lookup import definitions_of, noun_of, with_article
from pipeline.config.scalars import SCALAR_TYPES
from pipeline.config.wording import either_in_words
from pipeline.definitions import Definition
from pipeline.errors import PipelineError, nearest


def construct_union(options: tuple[Any, ...], node: Node, position: Position, construct: Construct) -> Any:
    """Construct a value of the one type of a union that fits the kind of node: a scalar, a sequence or a mapping.

    Args:
        options: The types of the union.
        node: The node of the field.
        position: Of the field, for complaints.
        construct: For a value of one of the types.

    Returns:
        A value of one of the types.

    Raises:
        PipelineError: If none fits; the complaint names all of them. If one fits better than the others, the complaint
            is that one's own.
    """
    if types.NoneType in options and is_null(node):
        return None
    options = tuple(option for option in options if option is not types.NoneType)
    fitting = tuple(option for option in options if _fits(option, node) or len(options) == 1)
    if not fitting and not isinstance(node, SequenceNode):
        fitting = tuple(option for option in options if typing.get_origin(option) is tuple)
    if len(fitting) == 1:
        return construct(fitting[0], node, position)
    if fitting and isinstance(node, MappingNode):
        return construct(_best_match(fitting, node, position), node, position)
    return _construct_first(fitting, options, node, position, construct)


def _fits(option: Any, node: Node) -> bool:
    """Whether values of a type are written as this kind of node."""
    is_tuple = typing.get_origin(option) is tuple
    definition = isinstance(option, type) and issubclass(option, Definition)
    if isinstance(node, SequenceNode):
        return is_tuple
    if isinstance(node, MappingNode):
        return definition or dataclasses.is_dataclass(option) or typing.get_origin(option) is Mapping
    return definition or option in SCALAR_TYPES or bool(choices_of(option))


def _construct_first(
    fitting: tuple[Any, ...], options: tuple[Any, ...], node: Node, position: Position, construct: Construct
) -> Any:
    """Construct the first option that can be, text last, for text fits every scalar."""
    order = list(SCALAR_TYPES)
    for option in sorted(fitting, key=lambda option: order.index(option) if option in order else -1):
        try:
            return construct(option, node, position)
        except PipelineError:
            continue
    names = list(itertools.chain.from_iterable(_names_in(option) for option in fitting))
    expected = either_in_words(options)
    wrong = node.text if isinstance(node, ScalarNode) else ""
    close = difflib.get_close_matches(wrong, names, n=1)
    hint = nearest(wrong, names) if close else f"write {expected}"
    raise refusal(node, position, expected, hint)


def _names_in(option: Any) -> Iterable[str]:
    """What can be written of a type by name: definitions, keys of a mapping, or choices."""
    if isinstance(option, type) and issubclass(option, Definition):
        return definitions_of(option)
    if isinstance(option, type) and dataclasses.is_dataclass(option):
        return fields_of(option)
    return choices_of(option)


def _best_match(options: tuple[Any, ...], node: MappingNode, position: Position) -> Any:
    """The option that knows most of the keys."""
    if not node.entries:
        where, hint = dotted(position) or "all of it", f"write {'; or '.join(map(_keys_in_words, options))}"
        raise PipelineError(f"{where} is an empty mapping", where=node.where, hint=hint)
    known = [sum(key in _names_in(option) for key in node.entries) for option in options]
    if max(known):
        return options[known.index(max(known))]
    for option in options:
        if typing.get_origin(option) is Mapping:  # whose keys are of whoever owns the field
            return option
    names = sorted(itertools.chain.from_iterable(_names_in(option) for option in options))
    key, entry = next(iter(node.entries.items()))
    raise PipelineError(f"unknown key {clipped(key)}", where=entry.where, hint=nearest(key, names))


def _keys_in_words(option: Any) -> str:
    """What may be written in a mapping of a type."""
    if typing.get_origin(option) is Mapping:
        return "names, each with a value of its own"
    if isinstance(option, type) and issubclass(option, Definition):
        return f"the name of {with_article(noun_of(option))}"
    *first, last = _names_in(option)
    return f"{', '.join(first)} and {last}" if first else last
