"""Pages of the definitions: a page for each kind, on it each definition with its formula, its source and a picture."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path

from pipeline.config.registry import REGISTRY
from pipeline.definitions import Definition, canonical
from reference_pages.docstrings import attributes, markdown, parsed
from reference_pages.yaml_keys import keys_of, written

TITLES = {
    "targets": "Targets",
    "data": "Data",
    "measures": "Distributions of the inputs",
    "losses": "Losses",
    "models": "Models",
    "bases": "Bases",
    "activations": "Activations",
    "initialisations": "Initialisations",
    "optimizers": "Optimizers",
    "diagnostics": "Diagnostics",
}
WRITTEN = {
    "targets": "target: {}",
    "data": "data: {}",
    "measures": "inputs: {{measure: {}}}",
    "losses": "loss: {}",
    "models": "models: [{}]",
    "bases": "models: [linear: {{basis: {}}}]",
    "activations": "models: [shallow: {{activation: {}}}]",
    "initialisations": "models: [shallow: {{initialisation: {}}}]",
    "optimizers": "optimizer: {}",
    "diagnostics": "diagnostics: [{}]",
}
"""How a definition of each kind is written into a file."""
SAID_ELSEWHERE = ("formula", "source", "unit", "unsaid", "not_identity", "unlabelled")
"""Class attributes that are no claims."""


def definition_page(plural: str, pictures: Mapping[str, Path]) -> str:
    """The page of a kind of definition.

    Args:
        plural: A key of the registry.
        pictures: SVG files by the names of definitions, relative to the page.

    Returns:
        Markdown.
    """
    kind, table = REGISTRY[plural]
    said = parsed(kind)
    parts = [f"# {TITLES[plural]}", markdown(said.summary), *(markdown(part) for part in said.body)]
    parts += [section(plural, kind, definition, pictures.get(name)) for name, definition in table.items()]
    made = {name for definition in table.values() for name in claims_of(definition, kind)}
    explained = {name: text for name, text in attributes(kind).items() if name in made}
    if explained:
        parts.append("## What the claims mean")
        parts += [f"`{name}`\n: {markdown(text)}" for name, text in explained.items()]
    return "\n\n".join(parts) + "\n"


def section(plural: str, kind: type[Definition], definition: type[Definition], picture: Path | None) -> str:
    """The section of one definition."""
    name, said = definition.name(), parsed(definition)
    parts = [f"({plural}-{name})=\n## `{name}`", markdown(said.summary)]
    if picture is not None:
        parts.append(f"```{{raw}} html\n:file: {picture}\n```")
    if definition.formula:
        parts.append(f"$$\n{definition.formula}\n$$")
    parts += [markdown(part) for part in said.body]
    parts.append(f"```yaml\n{example(plural, definition)}\n```")
    parts += [key.entry() for key in keys_of(definition)]
    if claims := claims_of(definition, kind):
        parts.append("Claims: " + ", ".join(f"`{name} = {value}`" for name, value in claims.items()) + ".")
    if source := source_of(definition):
        parts.append(f"Source: {markdown(source)}.")
    return "\n\n".join(parts)


def source_of(definition: type[Definition]) -> str:
    """Where a definition is from: its attribute ``source``, or what its docstring says; without a full stop."""
    return str(getattr(definition, "source", "") or parsed(definition).source).rstrip(".")


def example(plural: str, definition: type[Definition]) -> str:
    """A line of YAML that asks for a definition, with the fields that it has."""
    fields = dataclasses.fields(definition)  # type: ignore[arg-type]
    if any(field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING for field in fields):
        keys = ", ".join(f"{key.name}: ..." for key in keys_of(definition) if key.default == "required")
        return WRITTEN[plural].format(f"{{{definition.name()}: {{{keys}}}}}")
    return WRITTEN[plural].format(written(canonical(definition())))


def claims_of(definition: type[Definition], kind: type[Definition]) -> dict[str, str]:
    """The class attributes in which a definition differs from its kind.

    Args:
        definition: The class.
        kind: The abstract class that names the attributes.

    Returns:
        Values in words, by the names of the attributes.
    """
    claims = {}
    for name, hint in inspect.get_annotations(kind).items():
        is_claim = str(hint).startswith("ClassVar")
        value = getattr(definition, name, None)
        if is_claim and name not in SAID_ELSEWHERE and hasattr(definition, name) and value != getattr(kind, name, None):
            claims[name] = in_text(value)
    return claims


def in_text(value: object) -> str:
    """The value of a claim in words."""
    if isinstance(value, Definition):
        return value.label()
    if isinstance(value, frozenset):
        return ", ".join(sorted(in_text(item) for item in value))
    if hasattr(value, "value"):  # of an enumeration
        return str(value.value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
