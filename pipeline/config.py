"""YAML in, dataclasses out, complaints with file and line.

The type of a field reads what is written there, so nothing is guessed: ``1e-3`` is a
number in a ``float`` field and a word in a ``str`` field. A text goes three ways: it is
composed into nodes, which know where they were written; ``--set`` values are grafted
onto the tree; the tree is read by the dataclass it is meant for.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import functools
import itertools
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NoReturn, TypeVar, Union

import yaml

from pipeline.definitions import Definition
from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import FieldError, PipelineError, nearest
from pipeline.experiment.experiment import Experiment
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Activation
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.initialisations import INITIALISATIONS, Initialisation
from pipeline.models.model import Model
from pipeline.optimizers.rules import OPTIMIZERS, Optimizer
from pipeline.problems.datasets import DATA, Data
from pipeline.problems.losses import LOSSES, Loss
from pipeline.problems.measures import MEASURES, Measure
from pipeline.problems.targets import TARGETS, Target

T = TypeVar("T")

_KINDS: Mapping[str, tuple[type[Definition], Mapping[str, type[Definition]]]] = {
    "targets": (Target, TARGETS),
    "data": (Data, DATA),
    "measures": (Measure, MEASURES),
    "losses": (Loss, LOSSES),
    "models": (Model, MODELS),
    "bases": (Basis, BASES),
    "activations": (Activation, ACTIVATIONS),
    "initialisations": (Initialisation, INITIALISATIONS),
    "optimizers": (Optimizer, OPTIMIZERS),
    "diagnostics": (Diagnostic, DIAGNOSTICS),
}

TABLES: Mapping[str, Mapping[str, type[Definition]]] = MappingProxyType(
    {plural: table for plural, (_, table) in _KINDS.items()}
)
"""Every table of definitions, by the plural that ``list`` takes."""

MAX_DEPTH = 40
"""Mappings and lists inside each other; an experiment needs 6, and Python's stack bears some hundreds."""

MAX_INTEGER = 2**63 - 1
"""The largest int64, which every whole number meets on its way to NumPy and Arrow."""


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read the experiment that a YAML file asks for.

    Args:
        path: The file.
        overrides: Texts of ``--set``, like ``steps=100`` or ``models.0.linear.basis=cosine``.

    Raises:
        PipelineError: If the file cannot be read or asks for something impossible.
    """
    return read_file(path, Experiment, overrides)


def read_file(path: Path, kind: type[T], overrides: Sequence[str] = ()) -> T:
    """Read a dataclass from a YAML file; a path written there starts from the folder of the file.

    Raises:
        PipelineError: If the file cannot be read or does not fit the dataclass.
    """
    root = _compose(_read_text(path), _Source(str(path), path.parent, has_lines=True))
    if _is_null(root):
        raise PipelineError("the file is empty", where=str(path), hint=f"required: {', '.join(_required(kind))}")
    if not isinstance(root, _Mapping):
        raise PipelineError(
            f"the file must be a mapping, not {_shown(root)}",
            where=root.where,
            hint=f"write 'key: value' lines; required: {', '.join(_required(kind))}",
        )
    result: T = _read(kind, _override(root, overrides), ())
    return result


def read_canonical(content: object, kind: type[T], where: str) -> T:
    """Build a dataclass from the plain JSON types that ``definitions.canonical`` writes.

    Args:
        content: Dictionaries, lists, strings, numbers, truth values and ``None``.
        kind: The dataclass, or a kind of definition.
        where: Where the content comes from, for complaints.

    Raises:
        PipelineError: If the content does not fit the dataclass.
        TypeError: If the content is not made of JSON types.
    """
    result: T = _read(kind, _from_json(content, _Source(where, Path.cwd(), has_lines=False), 0), ())
    return result


# What is written: words, lists and mappings that know where they stand.


@dataclass(frozen=True, eq=False)
class _Written:
    """Anything written: where, and the folder from which its paths start."""

    where: str
    folder: Path


@dataclass(frozen=True, eq=False)
class _Word(_Written):
    text: str
    plain: bool  # without quotes


@dataclass(frozen=True, eq=False)
class _List(_Written):
    items: tuple[_Node, ...]


@dataclass(frozen=True, eq=False)
class _Entry:
    where: str  # of the key
    node: _Node


@dataclass(frozen=True, eq=False)
class _Mapping(_Written):
    entries: Mapping[str, _Entry]


_Node = _Word | _List | _Mapping
_Position = tuple[str | int, ...]


@dataclass(frozen=True)
class _Source:
    """A file, a ``--set`` option or a JSON document."""

    label: str
    folder: Path
    has_lines: bool

    def where(self, line: int) -> str:
        return f"{self.label}:{line + 1}" if self.has_lines else self.label


def _is_null(node: _Node) -> bool:
    return isinstance(node, _Word) and node.plain and node.text in ("", "~", "null")


def _clipped(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _shown(node: _Node) -> str:
    if isinstance(node, _List):
        return "a list"
    if isinstance(node, _Mapping):
        return "a mapping" if node.entries else "an empty mapping"
    if _is_null(node):
        return "null" if node.text else "left empty"
    return _clipped(node.text) if node.plain else f"the text {_clipped(node.text)}"


# Text into nodes.


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PipelineError("there is no such file", where=str(path), hint=_nearest_file(path)) from None
    except IsADirectoryError:
        hint = "name a YAML file inside it"
        raise PipelineError("this is a folder, not a file", where=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "check its name and your permissions"
        raise PipelineError(f"cannot be read: {reason.lower()}", where=str(path), hint=hint) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte {content[error.start]:#04x} is not UTF-8"
        raise PipelineError(what, where=f"{path}:{line}", hint="save the file as UTF-8") from None


def _nearest_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    except OSError:
        return f"there is no folder {str(path.parent)!r} either"
    return nearest(path.name, names) if names else f"no YAML file is in {str(path.parent)!r}"


class _Loader(yaml.BaseLoader):
    """Composes nodes without guessing types, and stops before the stack does."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = parent.start_mark if parent else None
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _compose(text: str, source: _Source) -> _Node:
    """Compose the one document of a text; an empty one is an empty word."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        where = source.where(text.count("\n", 0, error.position))
        what = f"character {text[error.position]!r} is not allowed in YAML"
        raise PipelineError(
            what, where=where, hint="delete it, or write it as an escape between double quotes"
        ) from None
    try:
        root = loader.get_node() if loader.check_node() else None
        second = loader.get_node() if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from None
    except (ValueError, OverflowError):  # PyYAML lets them through from impossible escapes and version numbers
        hint = "check the escapes after backslashes and the lines that start with %"
        raise PipelineError("not YAML: impossible number", where=source.where(loader.line), hint=hint) from None
    if second is not None:
        where = source.where(second.start_mark.line)
        raise PipelineError("a second document starts here", where=where, hint="delete the line '---' before it")
    if root is None:
        return _Word(source.where(0), source.folder, "", plain=True)
    return _NodeReader(source).read(root, root.start_mark.line)


_SYNTAX_HINTS = {
    "'\\t'": "indent with spaces, not tabs",
    "mapping values are not allowed": "quote a text that contains ': ', and indent keys of one mapping alike",
    "undefined alias": "write &name before *name",
    "nested more": "an experiment needs far fewer lists and mappings inside each other",
}


def _syntax_error(error: yaml.MarkedYAMLError, source: _Source) -> PipelineError:
    problem = error.problem or "malformed"
    mark = error.problem_mark or error.context_mark
    hint = next((hint for sign, hint in _SYNTAX_HINTS.items() if sign in problem), "")
    if not hint and error.context and error.context_mark:
        hint = f"{error.context} that starts at {source.where(error.context_mark.line)}"
    where = source.where(mark.line) if mark else source.label
    return PipelineError(f"not YAML: {problem}", where=where, hint=hint or "check brackets, quotes and indentation")


class _NodeReader:
    """Turns the nodes of PyYAML into ours; refuses what has no meaning here."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.done: dict[int, _Node] = {}  # an alias is the node of its anchor: read once, however often named
        self.open: set[int] = set()

    def read(self, node: yaml.Node, line: int) -> _Node:
        if id(node) in self.open:
            hint = "write the value out instead of *name"
            raise PipelineError("this value contains itself", where=self._where(node), hint=hint)
        if id(node) not in self.done:
            self.open.add(id(node))
            self.done[id(node)] = self._read_new(node, self.source.where(line))
            self.open.remove(id(node))
        return self.done[id(node)]

    def _where(self, node: yaml.Node) -> str:
        return self.source.where(node.start_mark.line)

    def _read_new(self, node: yaml.Node, where: str) -> _Node:
        folder = self.source.folder
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG)
            return _Mapping(where, folder, self._entries(node))
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG)
            return _List(where, folder, tuple(self.read(item, item.start_mark.line) for item in node.value))
        assert isinstance(node, yaml.ScalarNode)
        self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG)
        _check_characters(node.value, where)
        return _Word(where, folder, node.value, plain=not node.style)

    def _check_tag(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            hint = "leave the tag out; the field says what it is"
            raise PipelineError(f"tag {_clipped(node.tag)} has no meaning here", where=self._where(node), hint=hint)

    def _entries(self, node: yaml.MappingNode) -> Mapping[str, _Entry]:
        entries: dict[str, _Entry] = {}
        for key_node, value_node in node.value:
            key, where = self._key(key_node), self._where(key_node)
            if key in entries:
                what = f"key {_clipped(key)} is written twice, first at {entries[key].where}"
                raise PipelineError(what, where=where, hint="keep one of the two")
            block = isinstance(value_node, yaml.CollectionNode) and not value_node.flow_style
            line = (key_node if block else value_node).start_mark.line  # a block is where its heading is
            entries[key] = _Entry(where, self.read(value_node, line))
        return entries

    def _key(self, node: yaml.Node) -> str:
        key = self.read(node, node.start_mark.line)
        if not isinstance(key, _Word):
            raise PipelineError(f"a key must be a word, not {_shown(key)}", where=key.where, hint="write 'key: value'")
        if key.plain and key.text == "<<":
            raise PipelineError("merge key '<<' has no meaning here", where=key.where, hint="write the keys out")
        return key.text


def _check_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"{text[error.start]!r} is half a character"
        raise PipelineError(what, where=where, hint="write the character itself") from None


def _from_json(content: object, source: _Source, depth: int) -> _Node:
    where, folder = source.label, source.folder
    if depth > MAX_DEPTH:
        raise PipelineError(f"nested more than {MAX_DEPTH} deep", where=where, hint=_SYNTAX_HINTS["nested more"])
    match content:
        case dict():
            nodes = {str(key): _from_json(value, source, depth + 1) for key, value in content.items()}
            return _Mapping(where, folder, {key: _Entry(where, node) for key, node in nodes.items()})
        case list():
            return _List(where, folder, tuple(_from_json(item, source, depth + 1) for item in content))
        case str():
            _check_characters(content, where)
            return _Word(where, folder, content, plain=False)
        case None | bool() | int() | float():
            return _Word(where, folder, _spelled(content), plain=True)
    raise TypeError(f"{content!r} is not made of JSON types")


def _spelled(value: object) -> str:
    """How a JSON value is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


# Values of --set onto the tree.


def _override(root: _Node, overrides: Iterable[str]) -> _Node:
    seen: dict[str, str] = {}
    for text in overrides:
        where = f"--set {text}"
        target, equals, value = text.partition("=")
        parts = tuple(part.strip() for part in target.split("."))
        if not equals or not all(parts) or len(parts) > MAX_DEPTH:
            hint = "write it like steps=100 or inputs.noise=0.1"
            raise PipelineError(f"{_clipped(text)} is not path=value", where=where, hint=hint)
        target = _dotted(parts)
        if target in seen:
            what = f"{target} is set twice, first by {seen[target]}"
            raise PipelineError(what, where=where, hint="keep one of the two")
        seen[target] = where
        root = _graft(root, parts, 0, _compose(value, _Source(where, Path.cwd(), has_lines=False)))
    return root


def _graft(node: _Node | None, parts: tuple[str, ...], depth: int, value: _Node) -> _Node:
    """The tree with a value at a place; what the way there lacks is created."""
    if depth == len(parts):
        return value
    part, inside = parts[depth], functools.partial(_graft, parts=parts, depth=depth + 1, value=value)
    if isinstance(node, _List):
        position = _index(part, len(node.items), parts[:depth], value)
        items = (inside(item) if at == position else item for at, item in enumerate(node.items))
        return dataclasses.replace(node, items=tuple(items))
    if part.isdecimal():  # a single value stands for a list of one
        _index(part, 1, parts[:depth], value)
        return inside(node)
    if node is None or _is_null(node):
        return _Mapping(value.where, value.folder, {part: _Entry(value.where, inside(None))})
    if isinstance(node, _Word):
        if node.text != part:
            what = f"{_dotted(parts[:depth])} is {_shown(node)}, which has no {_clipped(part)} inside"
            raise PipelineError(what, where=value.where, hint=f"set {_dotted(parts[:depth])} as a whole")
        return _Mapping(node.where, node.folder, {part: _Entry(node.where, inside(None))})  # relu is {relu: null}
    old = node.entries.get(part)
    new = _Entry(old.where if old else value.where, inside(old.node if old else None))
    return dataclasses.replace(node, entries={**node.entries, part: new})


def _index(part: str, length: int, above: tuple[str, ...], value: _Node) -> int:
    if re.fullmatch("[0-9]{1,9}", part) and int(part) < length:
        return int(part)
    positions = f"its positions are 0 to {length - 1}" if length else "it is empty"
    name = _dotted(above) or "the file"
    raise PipelineError(f"{name} has no {_clipped(part)}", where=value.where, hint=f"{name} is a list; {positions}")


# Nodes into values: one reader per type.


def _dotted(position: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in position)


def _refusal(node: _Node, position: _Position, expected: str, hint: str) -> PipelineError:
    name = _dotted(position) or "all of it"
    return PipelineError(f"{name} must be {expected}, not {_shown(node)}", where=node.where, hint=hint)


def _read(hint: Any, node: _Node, position: _Position) -> Any:
    """Read a node as a value of a type."""
    if len(position) > MAX_DEPTH:  # aliases can nest deeper than the text does
        raise PipelineError(f"nested more than {MAX_DEPTH} deep", where=node.where, hint=_SYNTAX_HINTS["nested more"])
    if _is_union(hint):
        return _read_union(typing.get_args(hint), node, position)
    if typing.get_origin(hint) is tuple:
        return _read_tuple(hint, node, position)
    if choices := _choices(hint):
        return _read_choice(choices, node, position)
    if hint in _SCALARS:
        return _read_scalar(_SCALARS[hint], node, position)
    if isinstance(hint, type) and issubclass(hint, Definition):
        return _read_definition(hint, node, position)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _read_record(hint, node, position)
    raise TypeError(f"no reader for {hint!r}, the type of {_dotted(position)}")


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


def _choices(hint: Any) -> Mapping[str, Any]:
    """The values of a ``Literal`` or an enumeration as they are written; none for another type."""
    if typing.get_origin(hint) is Literal:
        return {_spelled(value): value for value in typing.get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {_spelled(member.value): member for member in hint}
    return {}


def _expected(hint: Any) -> str:
    """A type in words."""
    if _is_union(hint):
        return " or ".join(_expected(option) for option in typing.get_args(hint))
    if hint is types.NoneType:
        return "null"
    if typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        return f"{_expected(items[0])} or a list of such" if items[-1] is ... else f"a list of {len(items)}"
    if choices := _choices(hint):
        return " or ".join(repr(word) for word in choices)
    if hint in _SCALARS:
        return _SCALARS[hint].expected
    if issubclass(hint, Definition):
        return f"the name of {_with_article(_noun(hint))}"
    return f"a mapping of {', '.join(_fields(hint))}"


# Scalars.


@dataclass(frozen=True)
class _Scalar:
    expected: str
    hint: str
    convert: Callable[[_Word], Any]  # raises ValueError
    takes_quotes: bool = False


def _integer(word: _Word) -> int:
    """Digits, or digits and a power of ten that is not negative: both are whole beyond doubt."""
    digits = re.fullmatch(r"([+-]?[0-9]{1,19})(?:[eE]\+?([0-9]{1,2}))?", word.text)
    if digits is None:
        raise ValueError
    value: int = int(digits[1]) * 10 ** int(digits[2] or 0)
    if abs(value) > MAX_INTEGER:
        raise ValueError
    return value


def _float(word: _Word) -> float:
    if not re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", word.text):
        raise ValueError
    value = float(word.text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _bool(word: _Word) -> bool:
    if word.text not in ("true", "false"):
        raise ValueError
    return word.text == "true"


def _text(word: _Word) -> str:
    if _is_null(word):
        raise ValueError
    return word.text


def _path(word: _Word) -> Path:
    """An absolute path; links are followed in its folder only, for the ending of a file's name says what it is."""
    if not _text(word) or "\0" in word.text:
        raise ValueError
    try:
        path = word.folder / Path(word.text).expanduser()
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:  # no such home, a loop of links
        raise ValueError from error


_SCALARS: Mapping[Any, _Scalar] = {
    bool: _Scalar("true or false", "write true or false", _bool),
    int: _Scalar("a whole number", "write it in decimal digits, like 20000 or 2e4", _integer),
    float: _Scalar("a finite number", "write it like 0.001 or 1e-3", _float),
    Path: _Scalar("a path", "it starts from the folder of this file", _path, takes_quotes=True),
    str: _Scalar("text", "write it between quotes", _text, takes_quotes=True),
}
"""In the order in which a union tries them: text fits everything, so it comes last."""


def _read_scalar(scalar: _Scalar, node: _Node, position: _Position) -> Any:
    if isinstance(node, _Word) and not node.plain and not scalar.takes_quotes:
        raise _refusal(node, position, scalar.expected, "leave the quotes out")
    if not isinstance(node, _Word):
        raise _refusal(node, position, scalar.expected, "give one value")
    try:
        return scalar.convert(node)
    except ValueError:
        raise _refusal(node, position, scalar.expected, scalar.hint) from None


def _read_choice(choices: Mapping[str, Any], node: _Node, position: _Position) -> Any:
    if isinstance(node, _Word) and node.text in choices:
        value = choices[node.text]
        if node.plain or isinstance(value, str | enum.Enum):
            return value
        raise _refusal(node, position, _spelled(value), "leave the quotes out")
    expected = " or ".join(repr(word) for word in choices)
    raise _refusal(node, position, expected, nearest(node.text if isinstance(node, _Word) else "", choices))


# Lists and unions.


def _read_tuple(hint: Any, node: _Node, position: _Position) -> tuple[Any, ...]:
    items = typing.get_args(hint)
    if items[-1] is ...:
        if not isinstance(node, _List):  # a single value stands for a list of one
            return (_read(items[0], node, position),)
        return tuple(_read(items[0], item, (*position, at)) for at, item in enumerate(node.items))
    if not isinstance(node, _List) or len(node.items) != len(items):
        there = f"a list of {len(node.items)}" if isinstance(node, _List) else _shown(node)
        what = f"{_dotted(position)} must be a list of {len(items)}, not {there}"
        raise PipelineError(what, where=node.where, hint=f"write [{', '.join(['...'] * len(items))}]")
    return tuple(
        _read(kind, item, (*position, at)) for at, (kind, item) in enumerate(zip(items, node.items, strict=True))
    )


def _read_union(options: tuple[Any, ...], node: _Node, position: _Position) -> Any:
    """Read the option that fits the kind of node: a word, a list or a mapping."""
    if types.NoneType in options and _is_null(node):
        return None
    options = tuple(option for option in options if option is not types.NoneType)
    fitting = tuple(option for option in options if _fits(option, node) or len(options) == 1)
    if not fitting and not isinstance(node, _List):
        fitting = tuple(option for option in options if typing.get_origin(option) is tuple)
    if len(fitting) == 1:
        return _read(fitting[0], node, position)
    if fitting and isinstance(node, _Mapping):
        return _read(_best_match(fitting, node), node, position)
    return _read_first(fitting, options, node, position)


def _fits(option: Any, node: _Node) -> bool:
    """Whether values of a type are written as this kind of node."""
    is_tuple = typing.get_origin(option) is tuple
    definition = isinstance(option, type) and issubclass(option, Definition)
    if isinstance(node, _List):
        return is_tuple
    if isinstance(node, _Mapping):
        return definition or dataclasses.is_dataclass(option)
    return definition or option in _SCALARS or bool(_choices(option))


def _read_first(fitting: tuple[Any, ...], options: tuple[Any, ...], node: _Node, position: _Position) -> Any:
    """Read the first option that can, text last; or say what all of them are."""
    order = list(_SCALARS)
    for option in sorted(fitting, key=lambda option: order.index(option) if option in order else -1):
        try:
            return _read(option, node, position)
        except PipelineError:
            continue
    words = list(itertools.chain.from_iterable(_words(option) for option in fitting))
    expected = " or ".join(_expected(option) for option in options)
    wrong = node.text if isinstance(node, _Word) else ""
    close = difflib.get_close_matches(wrong, words, n=1)
    hint = nearest(wrong, words) if close else f"write {expected}"
    raise _refusal(node, position, expected, hint)


def _words(option: Any) -> Iterable[str]:
    """The words that a type knows, or the keys."""
    if isinstance(option, type) and issubclass(option, Definition):
        return _definitions(option)
    if isinstance(option, type) and dataclasses.is_dataclass(option):
        return _fields(option)
    return _choices(option)


def _best_match(options: tuple[Any, ...], node: _Mapping) -> Any:
    """The option that knows most of the keys."""
    known = [sum(key in _words(option) for key in node.entries) for option in options]
    if max(known):
        return options[known.index(max(known))]
    words = sorted(itertools.chain.from_iterable(_words(option) for option in options))
    for key, entry in node.entries.items():
        raise PipelineError(f"unknown key {_clipped(key)}", where=entry.where, hint=nearest(key, words))
    raise PipelineError("the mapping is empty", where=node.where, hint=f"known: {', '.join(words)}")


# Dataclasses.


@dataclass(frozen=True)
class _Field:
    hint: Any
    required: bool


_type_hints = functools.cache(typing.get_type_hints)


def _fields(kind: Any) -> Mapping[str, _Field]:
    """What can be written of a dataclass."""
    hints = _type_hints(kind)
    missing = dataclasses.MISSING
    return {
        field.name: _Field(hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
        if field.init
    }


def _required(kind: type) -> list[str]:
    return [name for name, field in _fields(kind).items() if field.required]


def _read_record(kind: type, node: _Node, position: _Position) -> Any:
    if isinstance(node, _Mapping) or _is_null(node):
        place = f" in {_dotted(position)}" if position else ""
        return _build(kind, node, position, lambda key: f"unknown key {key}{place}")
    raise _refusal(node, position, _expected(kind), "write 'key: value' pairs")


def _build(kind: type, node: _Node, position: _Position, unknown: Callable[[str], str]) -> Any:
    """Build a dataclass from a mapping, or with all its defaults from a word."""
    known = _fields(kind)
    entries = node.entries if isinstance(node, _Mapping) else {}
    for key, entry in entries.items():
        if key not in known:
            hint = nearest(key, known) if known else "it has no fields"
            raise PipelineError(unknown(_clipped(key)), where=entry.where, hint=hint)
    values = {key: _read(known[key].hint, entry.node, (*position, key)) for key, entry in entries.items()}
    missing = [name for name in _required(kind) if name not in entries]
    if missing:
        place = f" in {_dotted(position)}" if position else ""
        what = f"missing {'key' if len(missing) == 1 else 'keys'} {', '.join(missing)}{place}"
        raise PipelineError(what, where=node.where, hint=f"{missing[0]} is {_expected(known[missing[0]].hint)}")
    try:
        return kind(**values)
    except FieldError as error:
        raise PipelineError(error.what, where=_locate(node, error.path), hint=error.hint) from None
    except PipelineError as error:
        raise PipelineError(error.what, where=error.where or node.where, hint=error.hint) from None


def _locate(node: _Node, path: _Position) -> str:
    """Where a field was written, or the innermost thing around it that was."""
    for part in path:
        inner = _inside(node, part)
        if inner is None:
            break
        node = inner
    return node.where


def _inside(node: _Node, part: str | int) -> _Node | None:
    if isinstance(node, _List):
        return node.items[part] if isinstance(part, int) and 0 <= part < len(node.items) else None
    if part == 0:  # a single value stands for a list of one
        return node
    if isinstance(node, _Word) or isinstance(part, int):
        return None
    if part in node.entries:
        return node.entries[part].node
    for entry in node.entries.values():  # a definition: its fields stand under its name
        if isinstance(entry.node, _Mapping) and part in entry.node.entries and len(node.entries) == 1:
            return entry.node.entries[part].node
    return None


# Definitions.


def _kind_and_table(kind: type[Any]) -> tuple[type[Definition], Mapping[str, type[Definition]]]:
    for base, table in _KINDS.values():
        if issubclass(kind, base):
            return base, {name: definition for name, definition in table.items() if issubclass(definition, kind)}
    raise TypeError(f"no table of definitions holds {kind.__name__}")


def _definitions(kind: type[Definition]) -> Mapping[str, type[Definition]]:
    """What can be written where this kind of definition is expected."""
    return _kind_and_table(kind)[1]


def _noun(kind: type[Definition]) -> str:
    return _kind_and_table(kind)[0].name()


def _with_article(noun: str) -> str:
    if noun == Data.name():
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _read_definition(kind: type[Definition], node: _Node, position: _Position) -> Any:
    """Read ``name``, ``{name: {field: value}}`` or ``{name: null}``."""
    if isinstance(node, _Word) and not _is_null(node):
        return _build(_look_up(kind, node.text, node.where), node, position, str)
    if not isinstance(node, _Mapping) or not node.entries:
        raise _refusal(node, position, _expected(kind), f"known: {', '.join(sorted(_definitions(kind)))}")
    (name, entry), *others = node.entries.items()
    definition = _look_up(kind, name, entry.where)
    if others:
        _refuse_second(kind, definition, others[0])
    if not isinstance(entry.node, _Mapping) and not _is_null(entry.node):
        known = ", ".join(_fields(definition))
        hint = f"write {{{name}: {{field: value}}}}; fields: {known}" if known else f"{name} has no fields"
        raise _refusal(entry.node, (*position, name), "a mapping of its fields", hint)
    return _build(definition, entry.node, (*position, name), lambda key: f"unknown field {key} of {name}")


def _look_up(kind: type[Definition], name: str, where: str) -> type[Definition]:
    known = _definitions(kind)
    if name not in known:
        raise PipelineError(f"unknown {_noun(kind)} {_clipped(name)}", where=where, hint=nearest(name, known))
    return known[name]


def _refuse_second(kind: type[Definition], first: type[Definition], second: tuple[str, _Entry]) -> NoReturn:
    key, entry = second
    noun, name = _noun(kind), first.name()
    hint = f"give each {noun} an item of its own, '- {name}'"
    if key in _fields(first):
        hint = f"indent the fields of {name}: {{{name}: {{{key}: ...}}}}"
    raise PipelineError(f"{_clipped(key)} stands beside {name}, but this is one {noun}", where=entry.where, hint=hint)
