"""What is written: words, lists and mappings that know where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

MAX_DEPTH = 40
"""Mappings and lists inside each other; an experiment needs 6, and Python's stack bears some hundreds."""

DEEP_HINT = "an experiment needs far fewer lists and mappings inside each other"


@dataclass(frozen=True, eq=False)
class Written:
    """Anything written: where, and the folder from which its paths start."""

    where: str
    folder: Path


@dataclass(frozen=True, eq=False)
class Word(Written):
    """A scalar, as its characters."""

    text: str
    plain: bool  # without quotes


@dataclass(frozen=True, eq=False)
class List(Written):
    """Items one after another."""

    items: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """What a key of a mapping stands for."""

    where: str  # of the key
    node: Node


@dataclass(frozen=True, eq=False)
class Map(Written):
    """Keys and what they stand for, in the order of the text."""

    entries: Mapping[str, Entry]


Node = Word | List | Map

Position = tuple[str | int, ...]
"""Field names and positions in lists, from the outermost object inwards."""

Reader = Callable[[Any, Node, Position], Any]
"""Reads a node as a value of a type."""


@dataclass(frozen=True)
class Source:
    """A file, a ``--set`` option or a JSON document."""

    label: str
    folder: Path
    has_lines: bool

    def where(self, line: int) -> str:
        """A line of it, counted from 0, for complaints."""
        return f"{self.label}:{line + 1}" if self.has_lines else self.label


def is_null(node: Node) -> bool:
    """Whether nothing is written, or that there is nothing."""
    return isinstance(node, Word) and node.plain and node.text in ("", "~", "null")


def clipped(text: str) -> str:
    """A text as a complaint shows it."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def shown(node: Node) -> str:
    """What is written as a complaint shows it."""
    if isinstance(node, List):
        return "a list"
    if isinstance(node, Map):
        return "a mapping" if node.entries else "an empty mapping"
    if is_null(node):
        return "null" if node.text else "left empty"
    return clipped(node.text) if node.plain else f"the text {clipped(node.text)}"


def spelled(value: object) -> str:
    """How a JSON value is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def dotted(position: Iterable[str | int]) -> str:
    """A position as ``--set`` takes it."""
    return ".".join(str(part) for part in position)


def refusal(node: Node, position: Position, expected: str, hint: str) -> PipelineError:
    """The complaint that something else is expected here."""
    name = dotted(position) or "all of it"
    return PipelineError(f"{name} must be {expected}, not {shown(node)}", where=node.where, hint=hint)


def too_deep(where: str) -> PipelineError:
    """The complaint about more than ``MAX_DEPTH``."""
    return PipelineError(f"nested more than {MAX_DEPTH} deep", where=where, hint=DEEP_HINT)


def check_characters(text: str, where: str) -> None:
    """Refuse what cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"{text[error.start]!r} is half a character"
        raise PipelineError(what, where=where, hint="write the character itself") from None


def locate(node: Node, path: Position) -> str:
    """Where a field was written, or the innermost thing around it that was."""
    for part in path:
        inner = _inside(node, part)
        if inner is None:
            break
        node = inner
    return node.where


def _inside(node: Node, part: str | int) -> Node | None:
    if isinstance(node, List):
        return node.items[part] if isinstance(part, int) and 0 <= part < len(node.items) else None
    if part == 0:  # a single value stands for a list of one
        return node
    if isinstance(node, Word) or isinstance(part, int):
        return None
    if part in node.entries:
        return node.entries[part].node
    for entry in node.entries.values():  # a definition: its fields stand under its name
        if isinstance(entry.node, Map) and part in entry.node.entries and len(node.entries) == 1:
            return entry.node.entries[part].node
    return None
