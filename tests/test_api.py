"""The package offers its names to Python at once, and loads what they need when they are asked for."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

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


# The notebooks of docs/.

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    """The cells of one kind, in their order."""
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == kind]


def shown_by(source: str, names: dict[str, Any]) -> object:
    """What a notebook shows below a cell: the value of its last line."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
    return last and eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def test_there_is_a_notebook_to_begin_with_and_one_for_a_grid_of_ones_own() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["own_grid", "xor"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where what one notebook has trained is there for the next."""
    return tmp_path_factory.mktemp("notebooks")


def test_what_the_page_shows_runs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    page = (ROOT / "docs" / "python.md").read_text()
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 3
    documented = set(re.findall(r"`run\.(\w+)", page))
    assert documented == {name for name in dir(names["run"]) if not name.startswith("_")}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_something(
    notebook: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    names: dict[str, Any] = {}
    shown = [shown_by("".join(cell["source"]), names) for cell in cells(notebook, "code")]
    pages = [value._repr_html_() for value in shown if hasattr(value, "_repr_html_")]  # type: ignore[attr-defined]
    assert len(pages) >= 2
    assert all(value.height for value in shown if hasattr(value, "height") and hasattr(value, "columns"))
    assert str(names["run"].answer) in capsys.readouterr().out


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_that_would_grow_old(notebook: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(notebook, "code"))
    assert "".join(cells(notebook, "markdown")[0]["source"]).startswith("# ")
