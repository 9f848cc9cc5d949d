"""Fields of a dataclass that can be written in a file, with their types."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """The type of a field, and whether it must be written."""

    hint: Any
    required: bool


_type_hints = functools.cache(typing.get_type_hints)


def fields_of(kind: Any) -> Mapping[str, Field]:
    """The fields that the constructor of a dataclass takes, by name, in their order.

    Args:
        kind: A dataclass.

    Returns:
        The type of each field, and whether it has no default.
    """
    hints = _type_hints(kind)
    missing = dataclasses.MISSING
    return {
        field.name: Field(hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
        if field.init
    }


def required_of(kind: type) -> list[str]:
    """Names of the fields of a dataclass that have no default."""
    return [name for name, field in fields_of(kind).items() if field.required]
