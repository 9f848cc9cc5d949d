"""Mappings into dataclasses, names into definitions; what an object refuses about itself gets a file and a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pipeline.config.fields import fields_of, required_of
from pipeline.config.nodes import (
    Construct,
    MappingEntry,
    MappingNode,
    Node,
    Position,
    ScalarNode,
    as_list,
    clipped,
    dotted,
    is_null,
    locate,
    refusal,
)
from pipeline.config.registry_lookup import definitions_of, noun_of
from pipeline.config.wording import in_words
from pipeline.definitions import Definition
from pipeline.errors import FieldError, PipelineError, nearest


def construct_dataclass(kind: type, node: Node, position: Position, construct: Construct) -> Any:
    """Construct a dataclass from a mapping; from null, one with all its defaults.

    Args:
        kind: The dataclass.
        node: The node of the field.
        position: Of the field that holds it, for complaints.
        construct: For the values of its fields.

    Returns:
        An object of the dataclass.

    Raises:
        PipelineError: If it is no mapping, has an unknown key, lacks a required one, or the dataclass refuses a value:
            then with the line at which that value was written.
    """
    if isinstance(node, MappingNode) or is_null(node):
        place = f" in {dotted(position)}" if position else ""
        return _build(kind, node, position, construct, lambda key: f"unknown key {key}{place}")
    raise refusal(node, position, in_words(kind), "write 'key: value' pairs")


def _build(kind: type, node: Node, position: Position, construct: Construct, unknown: Callable[[str], str]) -> Any:
    """Construct a dataclass from a mapping, or with all its defaults from a scalar."""
    known = fields_of(kind)
    entries = node.entries if isinstance(node, MappingNode) else {}
    for key, entry in entries.items():
        if key not in known:
            hint = nearest(key, known) if known else "it has no fields"
            raise PipelineError(unknown(clipped(key)), where=entry.where, hint=hint)
    values = {key: construct(known[key].hint, entry.node, (*position, key)) for key, entry in entries.items()}
    missing = [name for name in required_of(kind) if name not in entries]
    if missing:
        place = f" in {dotted(position)}" if position else ""
        what = f"missing {'key' if len(missing) == 1 else 'keys'} {', '.join(missing)}{place}"
        raise PipelineError(what, where=node.where, hint=f"{missing[0]} is {in_words(known[missing[0]].hint)}")
    try:
        return kind(**values)
    except FieldError as error:
        raise PipelineError(error.what, where=locate(node, error.path), hint=error.hint) from None
    except PipelineError as error:
        raise PipelineError(error.what, where=error.where or node.where, hint=error.hint) from None


def construct_definition(kind: type[Definition], node: Node, position: Position, construct: Construct) -> Any:
    """Construct a definition from ``name``, ``{name: {field: value}}`` or ``{name: null}``.

    Args:
        kind: A kind of definition, like ``Basis``.
        node: The node of the field.
        position: Of the field that holds it, for complaints.
        construct: For the values of its fields.

    Returns:
        A definition of the kind.

    Raises:
        PipelineError: If it names no definition of the kind, or more than one, or one of its fields is refused.
    """
    if isinstance(node, ScalarNode) and not is_null(node):
        return _build(_look_up(kind, node.text, node.where), node, position, construct, str)
    if not isinstance(node, MappingNode) or not node.entries:
        raise refusal(node, position, in_words(kind), f"known: {', '.join(sorted(definitions_of(kind)))}")
    (name, entry), *others = node.entries.items()
    definition = _look_up(kind, name, entry.where)
    if others:
        _refuse_second(kind, definition, others[0])
    if not isinstance(entry.node, MappingNode) and not is_null(entry.node):
        known = ", ".join(fields_of(definition))
        hint = f"write {{{name}: {{field: value}}}}; fields: {known}" if known else f"{name} has no fields"
        raise refusal(entry.node, (*position, name), "a mapping of its fields", hint)
    return _build(definition, entry.node, (*position, name), construct, lambda key: f"unknown field {key} of {name}")


def _look_up(kind: type[Definition], name: str, where: str) -> type[Definition]:
    known = definitions_of(kind)
    if name not in known:
        hint = f"did you mean {listed}?" if (listed := as_list(name)) else nearest(name, known)
        raise PipelineError(f"unknown {noun_of(kind)} {clipped(name)}", where=where, hint=hint)
    return known[name]


def _refuse_second(kind: type[Definition], first: type[Definition], second: tuple[str, MappingEntry]) -> NoReturn:
    key, entry = second
    noun, name = noun_of(kind), first.name()
    hint = f"give each {noun} an item of its own, '- {name}'"
    if key in fields_of(first):
        hint = f"indent the fields of {name}: {{{name}: {{{key}: ...}}}}"
    raise PipelineError(f"{clipped(key)} stands beside {name}, but this is one {noun}", where=entry.where, hint=hint)
