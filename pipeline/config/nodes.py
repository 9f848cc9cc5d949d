"""Nodes of a YAML tree: scalars, sequences and mappings that know the file and line they were written at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

MAX_DEPTH = 40
"""Mappings and sequences inside each other; an experiment needs 6, and Python's stack bears some hundreds."""

DEEP_HINT = "an experiment needs far fewer lists and mappings inside each other"


@dataclass(frozen=True, eq=False)
class Located:
    """Where a node was written.

    Args:
        where: File and line, for complaints.
        folder: The folder from which a path in it starts.
    """

    where: str
    folder: Path


@dataclass(frozen=True, eq=False)
class ScalarNode(Located):
    """A scalar, as its characters.

    Args:
        text: The characters, escapes resolved.
        plain: Whether it is without quotes, YAML's plain style.
    """

    text: str
    plain: bool


@dataclass(frozen=True, eq=False)
class SequenceNode(Located):
    """Items in their order."""

    items: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class MappingEntry:
    """The value of a key.

    Args:
        where: File and line of the key.
        node: The value.
    """

    where: str
    node: Node


@dataclass(frozen=True, eq=False)
class MappingNode(Located):
    """Keys with their values, in the order of the text."""

    entries: Mapping[str, MappingEntry]


Node = ScalarNode | SequenceNode | MappingNode

Position = tuple[str | int, ...]
"""Field names and positions in lists, from the outermost object inwards."""

Construct = Callable[[Any, Node, Position], Any]
"""Constructs a value of a type from a node; passed down where modules would otherwise import each other in a circle."""


@dataclass(frozen=True)
class Source:
    """What a text or a JSON document comes from: a file, or a ``--set`` option.

    Args:
        label: Its name in complaints.
        folder: The folder from which paths in it start.
        has_lines: Whether a complaint names a line of it.
    """

    label: str
    folder: Path
    has_lines: bool

    def where(self, line: int) -> str:
        """A line of it, counted from 0, for complaints."""
        return f"{self.label}:{line + 1}" if self.has_lines else self.label


def is_null(node: Node) -> bool:
    """Whether a node is YAML's null: empty, ``~`` or ``null`` without quotes."""
    return isinstance(node, ScalarNode) and node.plain and node.text in ("", "~", "null")


def clipped(text: str) -> str:
    """A text by ``repr``, at most 60 characters of it, for a complaint."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def shown(node: Node) -> str:
    """What a node says, in a complaint's few words."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a mapping" if node.entries else "an empty mapping"
    if is_null(node):
        return "null" if node.text else "left empty"
    return clipped(node.text) if node.plain else f"the text {clipped(node.text)}"


def as_list(text: str) -> str:
    """A text of names or numbers with commas in between as the list that it was meant for; nothing for another."""
    return f"[{text}]" if re.fullmatch(r"[\w.+-]+(, ?[\w.+-]+)+", text) else ""


def spelled(value: object) -> str:
    """The plain scalar that YAML 1.2 reads as a JSON value: ``True`` is ``true``, ``None`` is ``null``."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def dotted(position: Iterable[str | int]) -> str:
    """A position as ``--set`` takes it: ``models.0.linear.basis``."""
    return ".".join(str(part) for part in position)


def refusal(node: Node, position: Position, expected: str, hint: str) -> PipelineError:
    """The complaint that a node is not of the type of its field.

    Args:
        node: The node of the field.
        position: Of the field.
        expected: What the type is, in words.
        hint: What to write instead.

    Returns:
        The error, to be raised.
    """
    name = dotted(position) or "all of it"
    return PipelineError(f"{name} must be {expected}, not {shown(node)}", where=node.where, hint=hint)


def too_deep(where: str) -> PipelineError:
    """The complaint about more than ``MAX_DEPTH``."""
    return PipelineError(f"nested more than {MAX_DEPTH} deep", where=where, hint=DEEP_HINT)


def check_characters(text: str, where: str) -> None:
    """Refuse a text with half of a surrogate pair, which JSON and YAML escapes can spell and UTF-8 cannot.

    Raises:
        PipelineError: If it has one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"{text[error.start]!r} is half a character"
        raise PipelineError(what, where=where, hint="write the character itself") from None


def locate(node: Node, path: Position) -> str:
    """File and line of a field, or of the innermost node around it that was written.

    Args:
        node: The root of what was constructed.
        path: Field names and positions from there, as a ``FieldError`` names them.

    Returns:
        ``file:line`` of what was written there.
    """
    for part in path:
        inner = _inside(node, part)
        if inner is None:
            break
        node = inner
    return node.where


def _inside(node: Node, part: str | int) -> Node | None:
    if isinstance(node, SequenceNode):
        return node.items[part] if isinstance(part, int) and 0 <= part < len(node.items) else None
    if part == 0:  # a single value stands for a list of one
        return node
    if isinstance(node, ScalarNode) or isinstance(part, int):
        return None
    if part in node.entries:
        return node.entries[part].node
    for entry in node.entries.values():  # a definition: its fields stand under its name
        if isinstance(entry.node, MappingNode) and part in entry.node.entries and len(node.entries) == 1:
            return entry.node.entries[part].node
    return None
