"""A field that may hold values of several types: the one that fits what is written."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import types
import typing
from collections.abc import Iterable
from typing import Any

from pipeline.config.choices import choices_of
from pipeline.config.fields import fields_of
from pipeline.config.nodes import List, Map, Node, Position, Reader, Word, clipped, is_null, refusal
from pipeline.config.registry_lookup import definitions_of
from pipeline.config.scalars import SCALARS
from pipeline.config.wording import in_words
from pipeline.definitions import Definition
from pipeline.errors import PipelineError, nearest


def read_union(options: tuple[Any, ...], node: Node, position: Position, read: Reader) -> Any:
    """Read the option that fits the kind of node: a word, a list or a mapping."""
    if types.NoneType in options and is_null(node):
        return None
    options = tuple(option for option in options if option is not types.NoneType)
    fitting = tuple(option for option in options if _fits(option, node) or len(options) == 1)
    if not fitting and not isinstance(node, List):
        fitting = tuple(option for option in options if typing.get_origin(option) is tuple)
    if len(fitting) == 1:
        return read(fitting[0], node, position)
    if fitting and isinstance(node, Map):
        return read(_best_match(fitting, node), node, position)
    return _read_first(fitting, options, node, position, read)


def _fits(option: Any, node: Node) -> bool:
    """Whether values of a type are written as this kind of node."""
    is_tuple = typing.get_origin(option) is tuple
    definition = isinstance(option, type) and issubclass(option, Definition)
    if isinstance(node, List):
        return is_tuple
    if isinstance(node, Map):
        return definition or dataclasses.is_dataclass(option)
    return definition or option in SCALARS or bool(choices_of(option))


def _read_first(
    fitting: tuple[Any, ...], options: tuple[Any, ...], node: Node, position: Position, read: Reader
) -> Any:
    """Read the first option that can, text last; or say what all of them are."""
    order = list(SCALARS)
    for option in sorted(fitting, key=lambda option: order.index(option) if option in order else -1):
        try:
            return read(option, node, position)
        except PipelineError:
            continue
    words = list(itertools.chain.from_iterable(_words(option) for option in fitting))
    expected = " or ".join(in_words(option) for option in options)
    wrong = node.text if isinstance(node, Word) else ""
    close = difflib.get_close_matches(wrong, words, n=1)
    hint = nearest(wrong, words) if close else f"write {expected}"
    raise refusal(node, position, expected, hint)


def _words(option: Any) -> Iterable[str]:
    """The words that a type knows, or the keys."""
    if isinstance(option, type) and issubclass(option, Definition):
        return definitions_of(option)
    if isinstance(option, type) and dataclasses.is_dataclass(option):
        return fields_of(option)
    return choices_of(option)


def _best_match(options: tuple[Any, ...], node: Map) -> Any:
    """The option that knows most of the keys."""
    known = [sum(key in _words(option) for key in node.entries) for option in options]
    if max(known):
        return options[known.index(max(known))]
    words = sorted(itertools.chain.from_iterable(_words(option) for option in options))
    for key, entry in node.entries.items():
        raise PipelineError(f"unknown key {clipped(key)}", where=entry.where, hint=nearest(key, words))
    raise PipelineError("the mapping is empty", where=node.where, hint=f"known: {', '.join(words)}")
