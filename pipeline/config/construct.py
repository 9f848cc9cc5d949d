"""What is written into values: the type of a field says how."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from pipeline.config.choices import choices_of, read_choice
from pipeline.config.nodes import MAX_DEPTH, List, Node, Position, dotted, shown, too_deep
from pipeline.config.objects import read_definition, read_record
from pipeline.config.scalars import SCALARS, read_scalar
from pipeline.config.unions import read_union
from pipeline.config.wording import is_union
from pipeline.definitions import Definition
from pipeline.errors import PipelineError


def read(hint: Any, node: Node, position: Position) -> Any:
    """Read a node as a value of a type.

    Raises:
        PipelineError: If it is not one.
        TypeError: If no reader knows the type.
    """
    if len(position) > MAX_DEPTH:  # aliases can nest deeper than the text does
        raise too_deep(node.where)
    if is_union(hint):
        return read_union(typing.get_args(hint), node, position, read)
    if typing.get_origin(hint) is tuple:
        return _read_tuple(hint, node, position)
    if choices := choices_of(hint):
        return read_choice(choices, node, position)
    if hint in SCALARS:
        return read_scalar(SCALARS[hint], node, position)
    if isinstance(hint, type) and issubclass(hint, Definition):
        return read_definition(hint, node, position, read)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return read_record(hint, node, position, read)
    raise TypeError(f"no reader for {hint!r}, the type of {dotted(position)}")


def _read_tuple(hint: Any, node: Node, position: Position) -> tuple[Any, ...]:
    items = typing.get_args(hint)
    if items[-1] is ...:
        if not isinstance(node, List):  # a single value stands for a list of one
            return (read(items[0], node, position),)
        return tuple(read(items[0], item, (*position, at)) for at, item in enumerate(node.items))
    if not isinstance(node, List) or len(node.items) != len(items):
        there = f"a list of {len(node.items)}" if isinstance(node, List) else shown(node)
        what = f"{dotted(position)} must be a list of {len(items)}, not {there}"
        raise PipelineError(what, where=node.where, hint=f"write [{', '.join(['...'] * len(items))}]")
    return tuple(
        read(kind, item, (*position, at)) for at, (kind, item) in enumerate(zip(items, node.items, strict=True))
    )
