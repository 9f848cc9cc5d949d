"""Composing: the text of a YAML file into nodes. No type is guessed, and what has no meaning here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pipeline.config.nodes import (
    DEEP_HINT,
    MAX_DEPTH,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Source,
    check_characters,
    clipped,
    shown,
)
from pipeline.errors import PipelineError


def compose(text: str, source: Source) -> Node:
    """Compose the one document of a YAML text.

    Args:
        text: The whole text.
        source: What it is the text of, for complaints and for paths in it.

    Returns:
        The root of the tree of nodes; of an empty text an empty plain scalar.

    Raises:
        PipelineError: If it is not YAML, or uses of YAML what has no meaning here.
    """
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
        return ScalarNode(source.where(0), source.folder, "", plain=True)
    return _NodeComposer(source).read(root, root.start_mark.line)


class _Loader(yaml.BaseLoader):
    """PyYAML's composer without the guessing of types, which stops before Python's stack overflows.

    ``BaseLoader`` leaves every scalar a string. The others of PyYAML 6 read ``1e-3`` as a string, ``no`` as False and
    ``010`` as 8; here the field that a scalar is written for says what it means.
    """

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


COLUMN_HINT = "begin all items of a list, and all keys of a mapping, in one column; write '- item' with a space"
_SYNTAX_HINTS = {
    "'\\t'": "indent with spaces, not tabs",
    "mapping values are not allowed": "quote a text that contains ': ', and indent keys of one mapping alike",
    "expected <block end>": COLUMN_HINT,
    "undefined alias": "write &name before *name",
    "nested more": DEEP_HINT,
}


def _syntax_error(error: yaml.MarkedYAMLError, source: Source) -> PipelineError:
    problem = error.problem or "malformed"
    mark = error.problem_mark or error.context_mark
    if problem == "could not find expected ':'" and error.context_mark:  # found only where the next line begins
        where = source.where(error.context_mark.line)
        hint = "write 'key: value', with a space after the colon"
        return PipelineError("not YAML: there is no ': ' behind a key", where=where, hint=hint)
    hint = next((hint for sign, hint in _SYNTAX_HINTS.items() if sign in problem), "")
    if not hint and error.context and error.context_mark:
        hint = f"{error.context} that starts at {source.where(error.context_mark.line)}"
    where = source.where(mark.line) if mark else source.label
    return PipelineError(f"not YAML: {problem}", where=where, hint=hint or "check brackets, quotes and indentation")


class _NodeComposer:
    """Turns PyYAML's nodes into ours; refuses tags, merge keys, repeated keys and values that contain themselves."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.done: dict[int, Node] = {}  # an alias is the node of its anchor: read once, however often named
        self.open: set[int] = set()

    def read(self, node: yaml.Node, line: int) -> Node:
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

    def _read_new(self, node: yaml.Node, where: str) -> Node:
        folder = self.source.folder
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG)
            return MappingNode(where, folder, self._entries(node))
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG)
            return SequenceNode(where, folder, tuple(self.read(item, item.start_mark.line) for item in node.value))
        assert isinstance(node, yaml.ScalarNode)
        self._check_tag(node, yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG)
        check_characters(node.value, where)
        return ScalarNode(where, folder, node.value, plain=not node.style)

    def _check_tag(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            hint = "leave the tag out; the field says what it is"
            raise PipelineError(f"tag {clipped(node.tag)} has no meaning here", where=self._where(node), hint=hint)

    def _entries(self, node: yaml.MappingNode) -> Mapping[str, MappingEntry]:
        entries: dict[str, MappingEntry] = {}
        for key_node, value_node in node.value:
            key, where = self._key(key_node), self._where(key_node)
            if key in entries:
                what = f"key {clipped(key)} is written twice, first at {entries[key].where}"
                raise PipelineError(what, where=where, hint="keep one of the two")
            block = isinstance(value_node, yaml.CollectionNode) and not value_node.flow_style
            line = (key_node if block else value_node).start_mark.line  # a block is where its heading is
            entries[key] = MappingEntry(where, self.read(value_node, line))
        return entries

    def _key(self, node: yaml.Node) -> str:
        key = self.read(node, node.start_mark.line)
        if not isinstance(key, ScalarNode):
            raise PipelineError(f"a key must be a word, not {shown(key)}", where=key.where, hint="write 'key: value'")
        if key.plain and key.text == "<<":
            raise PipelineError("merge key '<<' has no meaning here", where=key.where, hint="write the keys out")
        return key.text
