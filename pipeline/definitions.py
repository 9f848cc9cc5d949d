"""The definition pattern: how a basis, a target, a loss or a diagnostic is added.

A definition is a final frozen dataclass. Its class name in snake case is its name in
a YAML file, its fields are its parameters (each with a default unless it cannot have
one), its class attributes are claims that tests check, and ``__call__`` is the
mathematics. Writing the class is all there is to adding it: ``table`` finds it in
the module that defines it, and the tests run over the tables. Those in a file of a
user's own are found by ``extensions``.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar


class Definition:
    """Base of every definition: its name in YAML, its label in tables, its one-sentence summary."""

    formula: ClassVar[str] = ""
    """The mathematics in LaTeX, for the documentation."""
    not_identity: ClassVar[tuple[str, ...]] = ()
    """Fields that say where a thing is, not what it is; left out of a trial's id."""
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Fields that were added later, each with the values that mean what had always been: at one of those it is left out
    of a trial's id, so that ids from before the field stay as they are."""

    unlabelled: ClassVar[tuple[str, ...]] = ()
    """Fields that a label does not show: those of equal labels are repetitions of one another."""

    code_sha256: ClassVar[str] = ""
    """Digest of the source of a definition of a user's own, a part of the id of its trials; empty of those here."""

    @classmethod
    def name(cls) -> str:
        """The name in YAML: ``LeakyRelu`` is ``leaky_relu``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the docstring, on one line."""
        paragraph = (cls.__doc__ or "").strip().split("\n\n")[0]
        return " ".join(paragraph.split())

    def label(self) -> str:
        """The name with what tells it from its like: ``shallow(leaky_relu(slope=0.2))``.

        Shown are the first field if it is a definition itself, and all that is not at its default, but for what is
        ``unlabelled``.

        Returns:
            The label, which a table or a figure shows.
        """
        shown = []
        for position, field in enumerate(dataclasses.fields(self)):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name in self.unlabelled:
                continue
            changed = field.default is dataclasses.MISSING or value != field.default
            if isinstance(value, Definition) and (changed or position == 0):
                shown.append(value.label())
            elif changed:
                shown.append(f"{field.name}={value}")
        return f"{self.name()}({', '.join(shown)})" if shown else self.name()


Kind = TypeVar("Kind", bound=Definition)


class DefinitionTable(Mapping[str, type[Kind]], Generic[Kind]):
    """The definitions of one kind that some modules define, by name; read-only, in the order of their text.

    It looks for them when it is first looked into. By then the modules are complete, so that a class is found wherever
    in its module it stands, below the table as well.

    Args:
        kind: The abstract class of the kind, like ``Basis``.
        modules: Where they are defined; a class that a module only imports is not taken from there.
    """

    def __init__(self, kind: type[Kind], modules: tuple[ModuleType, ...]) -> None:
        self._kind, self._modules = kind, modules

    @functools.cached_property
    def _members(self) -> dict[str, type[Kind]]:
        """The definitions by name.

        Raises:
            TypeError: If two classes have one name.
        """
        found: dict[str, type[Kind]] = {}
        for module in self._modules:
            for value in vars(module).values():
                if is_definition(value) and issubclass(value, self._kind) and value.__module__ == module.__name__:
                    if value.name() in found:
                        raise TypeError(f"two definitions are called {value.name()!r}")
                    found[value.name()] = value
        return found

    def __getitem__(self, name: str) -> type[Kind]:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def table(kind: type[Kind], *modules: ModuleType) -> Mapping[str, type[Kind]]:
    """The definitions of one kind that the given modules define.

    Args:
        kind: The abstract class of the kind, like ``Basis``.
        modules: Where they are defined.

    Returns:
        A mapping that cannot be changed.
    """
    return DefinitionTable(kind, modules)


def is_definition(value: object) -> bool:
    """Whether something is a class that can be written by its name: a dataclass below ``Definition``."""
    return isinstance(value, type) and issubclass(value, Definition) and "__dataclass_fields__" in vars(value)


CODE = "code sha256"
"""Key under which an id holds the digest of the source of a user's own definition; no field can be called so."""


def definitions_within(content: Any) -> Iterator[Definition]:
    """The definitions in some content, those inside of others too.

    Args:
        content: Dataclasses and tuples.

    Yields:
        Definitions, in the order of the fields.
    """
    if isinstance(content, Definition):
        yield content
    if isinstance(content, tuple):
        for item in content:
            yield from definitions_within(item)
    if dataclasses.is_dataclass(content):
        for field in dataclasses.fields(content):
            yield from definitions_within(getattr(content, field.name))


def canonical(value: Any, *, identity: bool = False) -> Any:
    """Write a value as plain JSON types, defaults included, so that equal content is equal text.

    A definition becomes ``{name: {field: value, ...}}``, another dataclass
    ``{field: value, ...}``, a tuple a list, a mapping itself. The result reads back through the
    configuration reader.

    Args:
        value: Dataclasses, tuples, mappings of names, enumerations, strings, numbers, ``None``.
        identity: Leave out what ``not_identity`` names, and ``unsaid`` at a value it names; add the digest of the
            source of definitions of a user's own.

    Returns:
        Dictionaries, lists, strings, numbers, truth values and ``None``.

    Raises:
        TypeError: If the value holds something else.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        skipped = _not_in_an_id(value) if identity else _not_written(value)
        fields = {
            field.name: canonical(_typed(getattr(value, field.name), str(field.type)), identity=identity)
            for field in dataclasses.fields(value)
            if field.init and field.name not in skipped
        }
        if identity and isinstance(value, Definition) and value.code_sha256:
            fields[CODE] = value.code_sha256
        return {value.name(): fields} if isinstance(value, Definition) else fields
    if isinstance(value, Mapping):
        return {str(name): canonical(item, identity=identity) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [canonical(item, identity=identity) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"cannot write {value!r} canonically")


def _not_in_an_id(value: Any) -> frozenset[str]:
    """The fields of a dataclass that its identity does not depend on."""
    unsaid = {name for name, before in getattr(value, "unsaid", {}).items() if getattr(value, name) in before}
    return frozenset(unsaid | set(value.not_identity if isinstance(value, Definition) else ()))


def _not_written(value: Any) -> frozenset[str]:
    """The fields of a dataclass that are left out wherever it is written, at a value that says nothing."""
    return frozenset(
        name for name, nothing in getattr(value, "unwritten", {}).items() if getattr(value, name) == nothing
    )


def _typed(value: Any, annotation: str) -> Any:
    """The 1 of a field of floats is 1.0: equal content is equal text, however it was written in Python."""
    if "float" not in annotation:
        return value
    if isinstance(value, tuple):
        return tuple(_typed(item, annotation) for item in value)
    if isinstance(value, Mapping):
        return {name: _typed(item, annotation) for name, item in value.items()}
    return float(value) if type(value) is int else value
