"""Extensions that a file or a plan uses: ``use:`` is read first, and its definitions are in scope for all the rest."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pipeline.config.construct import construct, is_readable
from pipeline.config.fields import fields_of
from pipeline.config.from_json import from_json
from pipeline.config.nodes import MappingEntry, MappingNode, Node, ScalarNode, SequenceNode, Source, is_null, refusal
from pipeline.config.registry_lookup import in_scope, kind_and_table
from pipeline.definitions import Definition, canonical
from pipeline.errors import PipelineError
from pipeline.extensions.classes import kind_of
from pipeline.extensions.extension import Extension
from pipeline.extensions.loading import LoadedExtension, load_file, load_package, loaded
from pipeline.extensions.places import in_words, place_of

USE = "use"
"""The key."""

_kept: ContextVar[Path | None] = ContextVar("folder of kept copies", default=None)


@contextmanager
def kept_copies(folder: Path) -> Iterator[None]:
    """In the block, files of extensions are those that a run keeps.

    Args:
        folder: Of the copies.
    """
    token = _kept.set(folder)
    try:
        yield
    finally:
        _kept.reset(token)


@contextmanager
def extensions_of(kind: type, root: Node) -> Iterator[Node]:
    """In the block, the definitions of the extensions that a tree uses can be written by their names.

    Args:
        kind: The dataclass that is to be constructed; only an experiment uses extensions.
        root: The whole tree.

    Yields:
        The tree, in which ``use`` names each extension with its digest.

    Raises:
        PipelineError: If an extension cannot be loaded, or one of its names is taken.
    """
    entry = root.entries.get(USE) if isinstance(root, MappingNode) else None
    may_use = dataclasses.is_dataclass(kind) and any(field.name == USE for field in dataclasses.fields(kind))
    if not may_use or not isinstance(root, MappingNode) or entry is None:
        yield root
        return
    items = entry.node.items if isinstance(entry.node, SequenceNode) else (entry.node,)
    items = () if is_null(entry.node) else items
    found = [_load(item, (USE, position)) for position, item in enumerate(items)]
    definitions = distinct(found)
    source = Source(entry.where, entry.node.folder, has_lines=False)
    node = from_json([canonical(one.extension) for one in found], source)
    with in_scope(definitions):
        yield dataclasses.replace(root, entries={**root.entries, USE: MappingEntry(entry.where, node)})


def distinct(extensions: Iterable[LoadedExtension]) -> tuple[type[Definition], ...]:
    """The definitions of some extensions, none of which has the name of another of its kind.

    Args:
        extensions: The extensions of one experiment.

    Returns:
        All their classes.

    Raises:
        PipelineError: If a name is taken by a definition that is built in, or by another extension.
    """
    taken: dict[tuple[type[Definition], str], str] = {}
    found: dict[type[Definition], None] = {}
    for definition in (definition for one in extensions for definition in one.definitions):
        if definition in found:
            continue
        _check_trainable(definition)
        _check_fields(definition)
        kind, name = kind_of(definition), definition.name()
        owner = taken.get((kind, name)) or ("built in" if name in kind_and_table(kind)[1] else "")
        if owner:
            what = f"the {kind.name()} {name!r} is {owner} already"
            raise PipelineError(what, where=place_of(definition), hint="give the class another name")
        taken[kind, name] = f"defined at {place_of(definition)}"
        found[definition] = None
    return tuple(found)


def _check_trainable(definition: type[Definition]) -> None:
    """Refuse what no engine could compute.

    Raises:
        PipelineError: If it is an optimizer, but no update rule.
    """
    from pipeline.optimizers.rules import Optimizer, UpdateRule

    if issubclass(definition, Optimizer) and not issubclass(definition, UpdateRule):
        what = f"class {definition.__name__} is a solver, whose iterations no engine has"
        raise PipelineError(what, where=place_of(definition), hint="an optimizer of your own is an UpdateRule")


def _check_fields(definition: type[Definition]) -> None:
    """Refuse a field that no file could say.

    Raises:
        PipelineError: If its type is not known, or has no reader.
    """
    try:
        fields = fields_of(definition)
    except Exception as error:  # types are evaluated, so that they may raise whatever code may
        what = f"the types of its fields cannot be read: {in_words(error)}"
        raise PipelineError(what, where=place_of(definition), hint="import what they name") from None
    for name, field in fields.items():
        if not is_readable(field.hint):
            what = f"field {name} has the type {inspect.formatannotation(field.hint)}, which no file can say"
            hint = "take bool, int, float, str, Literal, a kind of definition, or a tuple such as tuple[float, ...]"
            raise PipelineError(what, where=place_of(definition), hint=hint)


def _load(node: Node, position: tuple[str | int, ...]) -> LoadedExtension:
    """The extension that an item of ``use`` names: in a plan with its digest, in a file by its path or entry point."""
    if isinstance(node, MappingNode):
        return loaded(construct(Extension, node, position), _kept.get())
    if not isinstance(node, ScalarNode) or is_null(node):
        raise refusal(node, position, Extension.written_as, "write it like my_bases.py")
    try:
        if not Extension(node.text, "").is_file:
            return load_package(node.text)
        return load_file(construct(Path, node, position))
    except PipelineError as error:
        raise PipelineError(error.what, where=error.where or node.where, hint=error.hint) from None
