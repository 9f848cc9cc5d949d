"""Every definition of every table can be written by its name, and nothing else can."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from pipeline.config import read_canonical, read_file
from pipeline.config.fields import fields_of, required_of
from pipeline.config.registry import REGISTRY, TABLES
from pipeline.config.registry_lookup import kind_and_table
from pipeline.definitions import Definition, canonical
from pipeline.errors import PipelineError

DEFINITIONS = [definition for table in TABLES.values() for definition in table.values()]


def needs_fields(definition: type[Definition]) -> bool:
    return bool(required_of(definition))


def kind_of(definition: type[Definition]) -> type[Definition]:
    return kind_and_table(definition)[0]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name())
def test_every_definition_is_written_by_its_name(definition):
    kind, name = kind_of(definition), definition.name()
    if needs_fields(definition):
        pattern = f"^{re.escape('here: missing key')}"
        with pytest.raises(PipelineError, match=pattern):
            read_canonical(name, kind, "here")
        return
    for written in (name, {name: None}, {name: {}}, canonical(definition())):
        assert read_canonical(json.loads(json.dumps(written)), kind, "here") == definition()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name())
def test_every_definition_with_defaults_is_one_word_of_a_yaml_file(definition, write):
    if needs_fields(definition):
        pytest.skip("has fields without a default")
    holder = dataclasses.make_dataclass(
        "Holder", [("one", kind_of(definition)), ("many", tuple[kind_of(definition), ...])]
    )
    read = read_file(write(f"one: {definition.name()}\nmany: [{definition.name()}]\n"), holder)
    assert (read.one, read.many) == (definition(), (definition(),))


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name())
def test_every_definition_refuses_fields_it_does_not_have(definition, refused):
    fields = fields_of(definition)
    hint = f"known: {', '.join(sorted(fields))}" if fields else "it has no fields"
    with refused("here", None, f"unknown field '?' of {definition.name()}", hint):
        read_canonical({definition.name(): {"?": 1}}, kind_of(definition), "here")


@pytest.mark.parametrize("plural", TABLES)
def test_every_table_refuses_an_unknown_name_with_the_known_ones(plural, refused):
    kind, table = REGISTRY[plural]
    for written in ("??", {"??": None}):
        with refused("here", None, f"unknown {kind.name()} '??'", f"known: {', '.join(sorted(table))}"):
            read_canonical(written, kind, "here")
