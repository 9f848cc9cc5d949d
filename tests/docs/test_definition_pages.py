"""Every definition has a section on the page of its kind: its sentence, its formula, a line of YAML, its source."""

from pathlib import Path

import pytest
from reference_pages.definition_pages import TITLES, claims_of, definition_page, example, source_of

from pipeline.config.reading import read_canonical
from pipeline.config.registry import REGISTRY, TABLES
from pipeline.definitions import canonical
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.random import RandomRelu

DEFINED = [(plural, name) for plural, table in TABLES.items() for name in table]


@pytest.fixture(scope="module")
def pages():
    return {plural: definition_page(plural, {}) for plural in REGISTRY}


def section_of(page: str, plural: str, name: str) -> str:
    _, _, rest = page.partition(f"({plural}-{name})=\n")
    return rest.partition(")=\n")[0]


def test_every_kind_has_a_page():
    assert TITLES.keys() == REGISTRY.keys()


@pytest.mark.parametrize(("plural", "name"), DEFINED)
def test_every_definition_has_one_section_with_its_formula_and_a_line_of_yaml(pages, plural, name):
    page, definition = pages[plural], TABLES[plural][name]
    section = section_of(page, plural, name)
    assert page.count(f"({plural}-{name})=\n") == 1
    assert section.startswith(f"## `{name}`\n")
    assert definition.formula in section
    assert definition.formula or plural == "data"
    assert f"```yaml\n{example(plural, definition)}\n```" in section
    assert "](" not in section or "](/" not in section


@pytest.mark.parametrize("plural", ["bases", "targets", "activations", "initialisations", "losses", "optimizers"])
def test_a_definition_names_its_source(plural):
    assert [name for name, definition in TABLES[plural].items() if not source_of(definition)] == []


def test_a_line_of_yaml_asks_for_the_definition_with_its_fields():
    table = TABLES["bases"]
    assert example("bases", table["legendre"]) == "models: [linear: {basis: legendre}]"
    assert example("bases", table["b_spline"]) == "models: [linear: {basis: {b_spline: {degree: 3}}}]"
    assert read_canonical({"b_spline": {"degree": 3}}, Basis, "here") == table["b_spline"]()
    assert canonical(table["b_spline"]()) == {"b_spline": {"degree": 3}}
    assert example("data", TABLES["data"]["table"]) == "data: {table: {path: ..., inputs: ..., output: ...}}"


def test_claims_are_what_a_class_says_otherwise_than_its_kind():
    assert claims_of(Legendre, Basis) == {
        "orthonormal_under": "uniform",
        "order": "inf",
        "order_holds_everywhere": "true",
    }
    assert claims_of(RandomRelu, Basis).keys() == {"begins_with_one", "independent", "ordered_products"}


def test_a_picture_is_put_where_one_is_given():
    page = definition_page("activations", {"tanh": Path("pictures/tanh.html")})
    assert page.count("{raw} html") == 1
    assert ":file: pictures/tanh.html" in section_of(page, "activations", "tanh")
