"""Overrides: values of ``--set``, or of Python, grafted onto the nodes of a file."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.config.compose import compose
from pipeline.config.from_json import from_json
from pipeline.config.nodes import (
    MAX_DEPTH,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Source,
    clipped,
    dotted,
    is_null,
    shown,
)
from pipeline.errors import PipelineError, brief


def override(root: Node, overrides: Iterable[str]) -> Node:
    """The tree with every ``path=value`` in its place.

    Args:
        root: The tree, which stays as it is.
        overrides: Texts of ``--set``, like ``steps=100`` or ``models.0.linear.basis=cosine``; a value is YAML.

    Returns:
        The new tree; what an override adds is where its option is.

    Raises:
        PipelineError: If there is no such place, or it is set twice.
    """
    seen: dict[str, str] = {}
    for text in overrides:
        where = f"--set {text}"
        _, equals, value = text.partition("=")
        parts = _place(text)
        if not equals or not all(parts) or len(parts) > MAX_DEPTH:
            hint = "write it like steps=100 or inputs.noise=0.1"
            raise PipelineError(f"{clipped(text)} is not path=value", where=where, hint=hint)
        target = dotted(parts)
        if target in seen:
            what = f"{target} is set twice, first by {seen[target]}"
            raise PipelineError(what, where=where, hint="keep one of the two")
        seen[target] = where
        root = _graft(root, parts, 0, compose(value, Source(where, Path.cwd(), has_lines=False)))
    return root


def set_values(root: Node, values: Mapping[str, object]) -> Node:
    """The tree with every value in its place, as ``override`` puts the texts of ``--set`` there.

    Args:
        root: The tree, which stays as it is.
        values: Plain JSON types by their places, like ``{"steps": 100, "inputs.noise": 0.1}``.

    Returns:
        The new tree; what a value adds is where its place is.

    Raises:
        PipelineError: If there is no such place.
        TypeError: If a value is not made of JSON types.
    """
    for place, value in values.items():
        source = Source(f"{place}={brief(repr(value))}", Path.cwd(), has_lines=False)
        root = _graft(root, _place(place), 0, from_json(value, source))
    return root


def later_wins(earlier: Iterable[str], later: Sequence[str]) -> list[str]:
    """The overrides of two commands in a row, the later winning where both set a place or one inside it.

    Args:
        earlier: Texts of ``--set`` of the first command.
        later: Those of the second.

    Returns:
        Texts for ``override``, which still refuses a place that the later command itself sets twice.
    """
    anew = {_place(text) for text in later}
    kept = [text for text in earlier if not any(_place(text)[: len(place)] == place for place in anew)]
    return [*kept, *later]


def _place(text: str) -> tuple[str, ...]:
    """Where an override puts its value: the names on the way there."""
    return tuple(part.strip() for part in text.partition("=")[0].split("."))


def _graft(node: Node | None, parts: tuple[str, ...], depth: int, value: Node) -> Node:
    """The tree with a value at a place; what the way there lacks is created."""
    if depth == len(parts):
        return value
    part, inside = parts[depth], functools.partial(_graft, parts=parts, depth=depth + 1, value=value)
    if isinstance(node, SequenceNode):
        position = _index(part, len(node.items), parts[:depth], value)
        items = (inside(item) if at == position else item for at, item in enumerate(node.items))
        return dataclasses.replace(node, items=tuple(items))
    if part.isdecimal():  # a single value stands for a list of one
        _index(part, 1, parts[:depth], value)
        return inside(node)
    if node is None or is_null(node):
        return MappingNode(value.where, value.folder, {part: MappingEntry(value.where, inside(None))})
    if isinstance(node, ScalarNode):
        if node.text != part:
            what = f"{dotted(parts[:depth])} is {shown(node)}, which has no {clipped(part)} inside"
            raise PipelineError(what, where=value.where, hint=f"set {dotted(parts[:depth])} as a whole")
        return MappingNode(
            node.where, node.folder, {part: MappingEntry(node.where, inside(None))}
        )  # relu is {relu: null}
    old = node.entries.get(part)
    new = MappingEntry(old.where if old else value.where, inside(old.node if old else None))
    return dataclasses.replace(node, entries={**node.entries, part: new})


def _index(part: str, length: int, above: tuple[str, ...], value: Node) -> int:
    if re.fullmatch("[0-9]{1,9}", part) and int(part) < length:
        return int(part)
    positions = f"its positions are 0 to {length - 1}" if length else "it is empty"
    name = dotted(above) or "the file"
    raise PipelineError(f"{name} has no {clipped(part)}", where=value.where, hint=f"{name} is a list; {positions}")
