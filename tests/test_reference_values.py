"""Every verified value is met by a test, which says so by a mark and is given the value by it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
VALUES = json.loads((TESTS / "reference_values.json").read_text())["values"]


def asked_for(source: str) -> Iterator[str]:
    """The names in the marks ``pytest.mark.reference`` of tests that look at the value they are given."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_") and uses_value(function):
            for mark in function.decorator_list:
                match mark:
                    case ast.Call(func=ast.Attribute(attr="reference"), args=[ast.Constant(value=str(names))]):
                        yield names


def uses_value(function: ast.FunctionDef) -> bool:
    """Whether the body reads ``reference["value"]``, or gives the whole entry to a function that does."""
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id="reference"), slice=ast.Constant(value="value")):
                return True
            case ast.Call(args=[*_, ast.Name(id="reference")]):
                return True
    return False


def unmet(names: list[str], sources: list[str]) -> list[str]:
    """Those of the names that no test of the sources asks for."""
    patterns = [pattern for source in sources for pattern in asked_for(source)]
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]


def test_every_verified_value_is_met_by_a_test() -> None:
    sources = [source for path in TESTS.rglob("test_*.py") if "mark.reference" in (source := path.read_text())]
    assert unmet([value["name"] for value in VALUES], sources) == []


def test_names_are_those_of_one_value_each_and_as_many_as_the_table_says() -> None:
    table = json.loads((TESTS / "reference_values.json").read_text())
    assert len({value["name"] for value in VALUES}) == len(VALUES) == table["meta"]["count"]


@pytest.mark.parametrize(
    ("decorator", "body"),
    [
        ('@pytest.mark.reference("kappa_m*")', "assert kappa() == 3"),
        ('@pytest.mark.reference("kappa_m*")', 'assert reference["inputs"]["m"] == 3'),
        ('@pytest.mark.reference("rho_*")', 'assert kappa() == reference["value"]'),
        ("", 'assert kappa() == reference["value"]  # kappa_m3'),
    ],
    ids=["value not looked at", "only its inputs looked at", "another one", "no mark"],
)
def test_a_value_that_no_test_meets_is_found(decorator: str, body: str) -> None:
    assert unmet(["kappa_m3"], [f"{decorator}\ndef test_kappa(reference):\n    {body}\n"]) == ["kappa_m3"]


@pytest.mark.parametrize("body", ['assert kappa() == reference["value"]', "assert known(kappa(), reference)"])
def test_a_value_that_a_test_meets_is_not(body: str) -> None:
    source = f'@pytest.mark.reference("kappa_m*")\ndef test_kappa(reference):\n    {body}\n'
    assert unmet(["kappa_m3"], [source]) == []
