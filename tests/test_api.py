"""The package offers its names to Python at once, and loads what they need when they are asked for."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "polars", "numpy", "lightning", "altair", "yaml", "argparse"}


def test_importing_the_package_loads_nothing_heavy_and_takes_less_than_a_tenth_of_a_second() -> None:
    program = (
        "import sys, time; began = time.process_time(); import pipeline; took = time.process_time() - began; "
        "print(took, *sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    seconds, *modules = told.split()
    assert float(seconds) < 0.1
    assert not HEAVY & set(modules)
    assert [name for name in modules if name.startswith("pipeline")] == ["pipeline"]


def test_what_type_checkers_are_told_is_what_there_is() -> None:
    """The stub names each module; that it is the same object there is seen here."""
    stub = ast.parse((ROOT / "pipeline" / "__init__.pyi").read_text())
    told = {
        alias.asname: (node.module, alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {name: (home, pipeline.NAMES_THERE.get(name, name)) for name, home in pipeline.HOMES.items()}
    assert sorted(told) == sorted(pipeline.__all__)
    (exported,) = [ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign)]
    assert exported == pipeline.__all__
    assert set(pipeline.__all__) < set(dir(pipeline))
    assert (ROOT / "pipeline" / "py.typed").exists()


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_name_is_documented_with_its_arguments(name: str) -> None:
    offered = getattr(pipeline, name)
    said = inspect.getdoc(offered) or ""
    functions = [offered] if inspect.isfunction(offered) else []
    assert said
    for function in functions:
        assert "Returns:" in said
        assert "Raises:" in said
        assert [name for name in inspect.signature(function).parameters if f"{name}: " not in said] == []


def test_a_name_that_is_not_there_is_none() -> None:
    with pytest.raises(AttributeError, match=r"^module 'pipeline' has no attribute 'rum'$"):
        pipeline.rum  # noqa: B018, type: ignore[attr-defined]
