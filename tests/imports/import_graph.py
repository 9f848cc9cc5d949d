"""The import graph: which module of the package, or which test, imports which module, as its text says."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Graph = Mapping[str, Set[str]]
"""The modules that each module imports."""


def dotted(path: Path, root: Path) -> str:
    """The name of a module: ``pipeline/config/__init__.py`` is ``pipeline.config``."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


@functools.lru_cache(maxsize=1)
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Every node of a text; those of the last one are kept, since several questions are asked of it in turn."""
    return tuple(ast.walk(ast.parse(source)))


@functools.cache
def imports(source: str, package: str) -> tuple[str, ...]:
    """Everything that a text imports, wherever in it: ``from a import b`` is ``a.b``."""
    return tuple(_imports(source, package))


def _imports(source: str, package: str) -> Iterator[str]:
    for node in nodes(source):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, level):
                start = importlib.util.resolve_name("." * level + (module or ""), package) if level else module
                yield from (f"{start}.{alias.name}" for alias in names)
            case ast.Call(
                ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"), [ast.Constant(name), *_]
            ):
                yield str(name)


def imports_of(path: Path, root: Path) -> list[str]:
    """Everything that a file imports."""
    name = dotted(path, root)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return list(imports(path.read_text(), package))


def import_graph(paths: Iterable[Path], root: Path) -> dict[str, set[str]]:
    """The graph over some files; that a module's package is imported before it does not count.

    Imports inside functions count, and those for type checkers: whoever reads the module has to know the other.
    """
    paths = list(paths)
    names = {dotted(path, root) for path in paths}
    return {
        dotted(path, root): {found for name in imports_of(path, root) if (found := module_of(name, names))}
        for path in paths
    }


def module_of(name: str, names: Set[str]) -> str:
    """The module that is imported with a name: ``a.b`` for ``a.b.function``; empty if it is not among the names."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


def circle(graph: Graph) -> list[str]:
    """Modules each of which imports the next, and the last the first; empty where there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))  # graphlib lists what comes first first: the imported before its importer
    return []


def distances(graph: Graph, targets: Iterable[str]) -> dict[str, int]:
    """Imports between each module and the nearest of some, 0 for those themselves; only of modules that reach one."""
    importers: dict[str, list[str]] = {}
    for importing, imported in graph.items():
        for name in imported:
            importers.setdefault(name, []).append(importing)
    found = dict.fromkeys(targets, 0)
    queue = list(found)
    for name in queue:  # breadth first: what is appended is visited, too
        for importing in importers.get(name, ()):
            if importing not in found:
                found[importing] = found[name] + 1
                queue.append(importing)
    return found
