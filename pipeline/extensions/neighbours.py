"""Files beside an extension that it imports: found in its text before it runs, so that its digest covers them.

A file imports its neighbours as a program does that Python is given: by their names, those beside it first. They are
run under the digest of all of them together, so that two versions of one neighbour live beside each other as well.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.extensions.extension import SUFFIX

INSTALLED = sys.stdlib_module_names | {"pipeline"}
"""Names that no file beside an extension takes: Python's own, and this package."""


def with_neighbours(path: Path, source: bytes) -> dict[str, bytes]:
    """The source of a file, and of every file beside it that it imports, by itself or through another.

    Args:
        path: The file.
        source: What was read of it.

    Returns:
        Sources by the names of the files, its own first.

    Raises:
        OSError: If a neighbour cannot be read.
    """
    found, left = {path.name: source}, [source]
    while left:
        for name in sorted(set(_imported(left.pop())) - INSTALLED):
            beside = path.with_name(f"{name}{SUFFIX}")
            if beside.name not in found and beside.is_file():
                found[beside.name] = beside.read_bytes()
                left.append(found[beside.name])
    return found


def _imported(source: bytes) -> Iterator[str]:
    """First parts of the names that a text imports, wherever in it; nothing of what is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return  # running it tells the line
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level <= 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.partition(".")[0] for name in names)


def digest_of(files: Mapping[str, bytes]) -> str:
    """Digest of an extension: of one file its SHA-256, of several that of all of them with their names and lengths.

    Args:
        files: Sources by name.

    Returns:
        64 hexadecimal digits.
    """
    if len(files) == 1:
        return hashlib.sha256(*files.values()).hexdigest()
    digest = hashlib.sha256()
    for name, source in sorted(files.items()):
        digest.update(f"{name} {len(source)}\n".encode())
        digest.update(source)
    return digest.hexdigest()


def run_file(path: Path, files: Mapping[str, bytes], digest: str) -> ModuleType:
    """Run a file as a module, whose name ends with that of the file, and its neighbours once it imports them.

    Args:
        path: The file.
        files: Its source and those of its neighbours, by name.
        digest: Of all of them, after which the module is named.

    Returns:
        The module.

    Raises:
        BaseException: Whatever the file raises.
    """
    package = f"pipeline_extension_{digest[:16]}"
    importer = _NeighbourImporter(package, path.parent, files)
    sys.modules[package] = ModuleType(package)
    try:
        return importer.module(path.stem)
    except BaseException:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        raise


class _SourceInMemory(importlib.abc.SourceLoader):
    """Runs the bytes whose digest was taken; no bytecode is kept beside the file."""

    def __init__(self, path: Path, source: bytes) -> None:
        self.path, self.source = path, source

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        if Path(str(path)) != self.path:
            raise FileNotFoundError(path)
        return self.source


@dataclass(frozen=True)
class _NeighbourImporter:
    """What ``import`` calls in the files of an extension, in place of ``builtins.__import__``; only there.

    Args:
        package: Name under which all of them are run.
        folder: In which they lie.
        files: Their sources by name.
    """

    package: str
    folder: Path
    files: Mapping[str, bytes]
    builtins: dict[str, Any] = field(default_factory=lambda: dict(vars(builtins)))

    def __post_init__(self) -> None:
        self.builtins["__import__"] = self

    def __call__(
        self,
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0 and self._is_beside(name):
            return self.module(name)
        if level == 1:  # from . import name, and from .name import something: Python finds what was run before
            for one in [name] if name else fromlist or ():
                if self._is_beside(one):
                    self.module(one)
        return builtins.__import__(name, globals_, locals_, fromlist or (), level)

    def _is_beside(self, name: str) -> bool:
        return name not in INSTALLED and f"{name}{SUFFIX}" in self.files

    def module(self, stem: str) -> ModuleType:
        """The module of a file, run unless it was; of two that import each other one is half done, as ever."""
        name, path = f"{self.package}.{stem}", self.folder / f"{stem}{SUFFIX}"
        if name in sys.modules:
            return sys.modules[name]
        loader = _SourceInMemory(path, self.files[path.name])
        spec = importlib.util.spec_from_loader(name, loader, origin=str(path))
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        module.__file__ = str(path)
        vars(module)["__builtins__"] = self.builtins
        sys.modules[name] = module  # dataclasses, type hints and pickles look there
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module
