"""What ``make check`` runs: the tests that touch what changed since the last commit, nearest first, for a while.

A test touches a file if it imports it, directly or through other modules, or if it names it in quotes, as one does a
file that is no module. Nearness is the number of imports in between; a test of a changed module's own name is as near
as a changed test. What conftest.py imports touches every test beneath it, but most take other fixtures, so it counts as
one import more. Among equals those come first that stand in the room of what changed.

Left out are tests that reach a module by a program only (``python -m pipeline`` in a subprocess), tests of a real
cluster, all but the nearest ``MOST_FILES``, and what the time does not suffice for. The summary names the last two.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from import_graph import distances, dotted, imports_of, module_of

MOST_FILES = 40
"""Test files that are collected: each takes some 0.2 s to import, whether or not there is time for its tests."""
MOST_NAMES = 10
LATE = "no time left"
BESIDE = ("imports", "launch/stand_in", "tracking/loopback")
"""Folders of tests/ whose modules are imported by their bare names."""


def changed_files(root: Path) -> list[str]:
    """Files that differ from the last commit: changed, new, or gone."""
    changed = _git(root, "diff", "--name-only", "--no-renames", "-z", "HEAD")
    return sorted({*changed, *_git(root, "ls-files", "--others", "--exclude-standard", "-z")})


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name]


def nearest_tests(changed: Iterable[str], root: Path) -> dict[str, int]:
    """Test files that touch changed files, nearest first, each with the number of imports in between.

    Args:
        changed: Paths below the root.
        root: The folder that holds ``pipeline`` and ``tests``.
    """
    changed = list(changed)
    far = distances(_graph(root, changed), {_node(name) for name in changed})
    mirrored = {_mirrored(name) for name in changed if name.endswith(".py")}
    rooms = {Path(name).parent for name in mirrored}
    near = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = str(path.relative_to(root))
        if name in mirrored or _node(name) in far:
            near[name] = 0 if name in mirrored else far[_node(name)]
    return dict(sorted(near.items(), key=lambda item: (item[1], Path(item[0]).parent not in rooms)))


def _mirrored(name: str) -> str:
    """The test of a module: ``pipeline/plans.py`` is tested by ``tests/test_plans.py``."""
    room, file = Path(*Path(name).parts[1:-1]), Path(name).name
    return str(Path("tests") / room / (file if file.startswith("test_") else f"test_{file}"))


def _node(name: str) -> str:
    """A file as a node of the graph: a module by its dotted name, another file by its path."""
    return dotted(Path(name), Path()) if name.endswith(".py") else name


def _graph(root: Path, changed: Iterable[str]) -> dict[str, set[str]]:
    """What each module, test and conftest.py imports, and which of the changed files that are no modules it names."""
    paths = {_node(str(path.relative_to(root))): path for top in ("pipeline", "tests") for path in _python(root / top)}
    names = {*paths, *map(_node, changed)}  # what is gone is still imported
    bare = {name.rpartition(".")[2]: name for name in names if name.startswith(tuple(map(_package, BESIDE)))}
    others = [name for name in changed if not name.endswith(".py")]
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        imported = imports_of(path, root)
        found = {module_of(one, names) or bare.get(one.split(".")[0], "") for one in imported}
        graph[name] = found - {""} | _named(path.read_text(), others)
    for name, path in paths.items():
        if path.name == "conftest.py":
            graph[f"fixtures of {name}"] = {name}
            for test in path.parent.rglob("test_*.py"):
                graph[_node(str(test.relative_to(root)))].add(f"fixtures of {name}")
    return graph


def _python(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _package(folder: str) -> str:
    return f"tests.{folder.replace('/', '.')}."


def _named(text: str, files: Iterable[str]) -> set[str]:
    """The files that a text names in quotes, by their own name or that of a folder they are in."""

    def names(part: str) -> bool:
        return f'"{part}"' in text or f'/{part}"' in text

    return {file for file in files if any(map(names, set(Path(file).parts) - {"pipeline", "tests"}))}


# How they are run: the hooks are those of every process, the summary is printed by the first.


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--until", type=float, default=float("inf"), help="seconds since 1970 after which no test begins")
    parser.addoption("--whole", default="", help="test files that are run however late it is, with commas in between")


@pytest.hookimpl(tryfirst=True)  # before fixtures are made
def pytest_runtest_setup(item: pytest.Item) -> None:
    whole = item.config.option.whole.split(",")
    if time.time() > item.config.option.until and _file_of(item.nodeid) not in whole:
        pytest.skip(LATE)


def _file_of(node_id: str) -> str:
    return node_id.partition("::")[0]


class Summary:
    """Says in the end which test files touch what changed and were not run, or not to their end."""

    def __init__(self, num_changed: int, near: Sequence[str]) -> None:
        self.num_changed, self.near = num_changed, near
        self.late: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[2] == f"Skipped: {LATE}":
            self.late.add(_file_of(report.nodeid))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        left = [name for name in self.near if name in self.late or name in self.near[MOST_FILES:]]
        terminalreporter.write_line(
            f"files changed: {self.num_changed}; test files that touch them: {len(self.near)}; run to their end: "
            f"{len(self.near) - len(left)}, without tests of a real cluster"
        )
        if left:
            terminalreporter.write_line(f"left out, nearest first: {', '.join(left[:MOST_NAMES])}{_more(left)}")


def _more(left: Sequence[str]) -> str:
    rooms = Counter("/".join(Path(name).parts[:2]) if name.count("/") > 1 else "tests" for name in left[MOST_NAMES:])
    return f"; and {', '.join(f'{num} of {room}' for room, num in rooms.items())}" if rooms else ""


def main(seconds: float, options: Sequence[str]) -> int:
    """Run the nearest tests, of which none begins later than some seconds from now but those of what changed itself."""
    until = time.time() + seconds
    changed = changed_files(Path.cwd())
    near = nearest_tests(changed, Path.cwd())
    if not near:
        print(f"no test touches the {len(changed)} files that changed since the last commit")
        return 0
    whole = ",".join(name for name, far in near.items() if not far)
    plugin = ["-p", Path(__file__).stem, f"--until={until}", f"--whole={whole}", "-m", "not cluster"]
    summary = Summary(len(changed), list(near))
    return int(pytest.main([*plugin, *options, *list(near)[:MOST_FILES]], plugins=[summary]))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
