"""A type in words, for complaints."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Union

from pipeline.config.choices import choices_of
from pipeline.config.fields import fields_of
from pipeline.config.registry_lookup import noun_of, with_article
from pipeline.config.scalars import SCALAR_TYPES
from pipeline.definitions import Definition


def is_union(hint: Any) -> bool:
    """Whether values of several types fit."""
    return typing.get_origin(hint) in (Union, types.UnionType)


def either_in_words(options: Sequence[Any]) -> str:
    """The types of a union in words, without those of which there may be a list: "an integer or a list of such"."""
    listed = {item for option in options for item in _items_of(option)}
    return " or ".join(in_words(option) for option in options if option not in listed)


def _items_of(hint: Any) -> tuple[Any, ...]:
    """The types of the items of a list of any length, one of which may be written without the list."""
    if typing.get_origin(hint) is not tuple or typing.get_args(hint)[-1] is not ...:
        return ()
    item = typing.get_args(hint)[0]
    return typing.get_args(item) if is_union(item) else (item,)


def in_words(hint: Any) -> str:
    """A type in words, with its article: "an integer or 'full'".

    Args:
        hint: A type, as a field is annotated with it.

    Returns:
        Words that fit after "must be".
    """
    if is_union(hint):
        return either_in_words(typing.get_args(hint))
    if hint is types.NoneType:
        return "null"
    if typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        return f"{in_words(items[0])} or a list of such" if items[-1] is ... else f"a list of {len(items)}"
    if typing.get_origin(hint) is Mapping:
        return f"a mapping of names, each to {in_words(typing.get_args(hint)[1])}"
    if choices := choices_of(hint):
        return " or ".join(repr(word) for word in choices)
    if hint in SCALAR_TYPES:
        return SCALAR_TYPES[hint].expected
    if issubclass(hint, Definition):
        return f"the name of {with_article(noun_of(hint))}"
    return getattr(hint, "written_as", "") or f"a mapping of {', '.join(fields_of(hint))}"
