"""Every key of a YAML file, from the dataclasses that it is read into: what it may be, its default, its unit."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipeline.config.fields import fields_of, required_of
from pipeline.config.registry import REGISTRY
from pipeline.config.registry_lookup import with_article
from pipeline.config.wording import in_words
from pipeline.definitions import Definition, canonical
from reference_pages.docstrings import markdown, parsed

UNITS = {
    "gib": "GiB",
    "seconds": "seconds",
    "minutes": "minutes",
    "hours": "hours",
}
"""The unit that the last word of a name says; a name that ends otherwise is of a number without a unit, or a word."""
REQUIRED = "required"
OWN = "by default those of its keys"
OPTIONAL = "may be left out"


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of a YAML file.

    Args:
        name: The key.
        kind: What may be written, as Markdown.
        default: As it is written in a file, or ``required``.
        unit: Unit of its number; empty where it has none.
        meaning: What it says.
    """

    name: str
    kind: str
    default: str
    unit: str
    meaning: str

    def entry(self) -> str:
        """The entry of a definition list."""
        default = self.default if self.default in (REQUIRED, OWN, OPTIONAL) else f"default `{self.default}`"
        facts = "; ".join(part for part in (self.kind, default, self.unit and f"in {self.unit}") if part)
        return f"`{self.name}`\n: *{facts}.* {markdown(self.meaning)}"


def keys_of(kind: type) -> list[Key]:
    """The keys of a dataclass.

    Args:
        kind: What a mapping of a file is read into.

    Returns:
        In the order of its fields.
    """
    meanings = parsed(kind).arguments
    defaults = {field.name: default_of(field) for field in dataclasses.fields(kind) if field.init}
    return [
        Key(name, kind_of(field.hint), defaults[name], unit_of(name), meanings.get(name, ""))
        for name, field in fields_of(kind).items()
    ]


def kind_of(hint: Any) -> str:
    """What may be written, as Markdown, with links to the definitions of a kind."""
    words = markdown(in_words(hint).removesuffix(" or null"))
    for plural, (kind, _) in REGISTRY.items():
        noun = with_article(kind.name())
        words = words.replace(f"the name of {noun}", f"the name of [{noun}]({plural}.md)")
    return words


def default_of(field: dataclasses.Field[Any]) -> str:
    """The default of a field as it is written in a file."""
    if dataclasses.is_dataclass(field.default) and not isinstance(field.default, Definition | type):
        kind = type(field.default)
        return OWN if not required_of(kind) and field.default == kind() else written(canonical(field.default))
    if field.default is None:
        return OPTIONAL
    if field.default is not dataclasses.MISSING:
        return written(canonical(field.default))
    if field.default_factory is not dataclasses.MISSING:
        return written(canonical(field.default_factory()))
    return REQUIRED


def written(value: object) -> str:
    """Plain JSON types as YAML on one line, a name without fields as the name alone."""
    if isinstance(value, dict) and len(value) == 1 and list(value.values()) == [{}]:
        return str(next(iter(value)))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) and value else json.dumps(value)


def unit_of(name: str) -> str:
    """The unit that a name says."""
    return UNITS.get(name.rpartition("_")[2], "")


def mappings_below(kind: type) -> list[type]:
    """A dataclass and all that can be written inside it but definitions, each once, from the outside inwards."""
    found = [kind]
    for outer in found:  # grows on the way
        for field in fields_of(outer).values():
            inner = dict.fromkeys(_dataclasses_in(field.hint))
            found += [mapping for mapping in inner if mapping not in found]
    return found


def _dataclasses_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if not issubclass(hint, Definition) and not hasattr(hint, "written_as"):
            yield hint
        return
    for inner in typing.get_args(hint):
        yield from _dataclasses_in(inner)


def yaml_page(kind: type, title: str, lead: str) -> str:
    """The page of a kind of file: a section for its own keys, and one for each mapping inside.

    Args:
        kind: The dataclass that the file is read into.
        title: Of the page.
        lead: Markdown below the title.

    Returns:
        Markdown.
    """
    outermost, *inside = mappings_below(kind)
    places = Counter(place_of(mapping, kind) for mapping in inside)
    sections = [f"# {title}", lead.strip(), *(key.entry() for key in keys_of(outermost))]
    for mapping in inside:
        place, keys = place_of(mapping, kind), keys_of(mapping)
        names = "" if places[place] == 1 else " with " + ", ".join(f"`{key.name}`" for key in keys)
        sections += [f"## `{place}`{names}", markdown(parsed(mapping).summary), *(key.entry() for key in keys)]
    return "\n\n".join(sections) + "\n"


def place_of(mapping: type, root: type) -> str:
    """Where a mapping is written: the dotted names of the keys that may hold it."""
    for outer in mappings_below(root):
        for name, field in fields_of(outer).items():
            if mapping in _dataclasses_in(field.hint):
                return name if outer is root else f"{place_of(outer, root)}.{name}"
    return mapping.__name__
