"""Loading of extensions: the source is read once, its digest is taken, and the module that it makes is kept by that.

A file is run under a module name of its own digest, so that two versions of one file, each used by another
experiment, live beside each other in one process. What it imports from beside it is part of it.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType

from pipeline.definitions import Definition
from pipeline.errors import PipelineError, nearest, reason_of
from pipeline.extensions.classes import definitions_in
from pipeline.extensions.extension import SUFFIX, Extension
from pipeline.extensions.neighbours import digest_of, run_file, with_neighbours
from pipeline.extensions.places import add_sources, as_complaint, shown
from pipeline.extensions.trust import check_trusted, trust

GROUP = "pipeline.definitions"
"""Group of the entry points by which an installed package offers its definitions."""


@dataclass(frozen=True)
class LoadedExtension:
    """An extension, run.

    Args:
        extension: Its name and digest.
        definitions: Its classes, in the order of the text.
        files: Sources by name of the file and of what it imports from beside it, of which a run keeps copies; none of a
            package.
    """

    extension: Extension
    definitions: tuple[type[Definition], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


_loaded: dict[tuple[str, str], LoadedExtension] = {}
"""By name and digest: one source is run once in a process."""


def load_file(path: Path) -> LoadedExtension:
    """Run a Python file that a person names, unless one of its name and content was run before; it is trusted from now.

    Args:
        path: The file.

    Returns:
        The extension that it is now.

    Raises:
        PipelineError: If it cannot be read or run, or defines nothing: with the line of the file.
    """
    files = read_files(path)
    extension = Extension(path.name, digest_of(files), path=path)
    known = _loaded.get((extension.name, extension.sha256)) or _run(extension, path, files)
    trust(extension)
    return known


def read_files(path: Path) -> dict[str, bytes]:
    """Read a file and what it imports from beside it; nothing is run.

    Args:
        path: The file.

    Returns:
        Sources by name, that of the file first.

    Raises:
        PipelineError: If one cannot be read.
    """
    source = _read(path)
    try:
        return with_neighbours(path, source)
    except OSError as error:
        where = shown(Path(str(error.filename)))
        raise PipelineError(f"cannot be read: {reason_of(error).lower()}", where=where, hint=_LOOK) from None


def load_package(name: str) -> LoadedExtension:
    """Import the module that an installed package names in the group ``pipeline.definitions``.

    Args:
        name: Name of the entry point.

    Returns:
        The extension that is installed now.

    Raises:
        PipelineError: If there is no such entry point, or its module cannot be imported or defines nothing.
    """
    entries = {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    if name not in entries:
        hint = nearest(name, entries) if entries else "the name of a file ends in .py; no installed package has any"
        raise PipelineError(f"no installed package has definitions called {name!r}", hint=hint)
    entry = entries[name]
    try:
        module = importlib.import_module(entry.module)
    except (Exception, SystemExit) as error:
        what = f"{entry.module} cannot be imported: {type(error).__name__}: {error}"
        raise PipelineError(what, where=name, hint=f"python -c 'import {entry.module}' shows more") from None
    files = _files_of(module)
    version = f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""
    extension = Extension(name, _digest_of(files), version)
    add_sources(files)
    return _loaded.get((name, extension.sha256)) or _remember(extension, module)


def loaded(extension: Extension, kept: Path | None = None) -> LoadedExtension:
    """The extension that a plan names, as it was when the plan was made.

    Args:
        extension: Its name and digest.
        kept: Folder in which a run keeps copies of the files that it uses.

    Returns:
        The extension, run.

    Raises:
        PipelineError: If the file or the package is another one now.
    """
    known = _loaded.get((extension.name, extension.sha256))
    if known is not None:
        return known
    if not extension.is_file:
        return _same(extension, load_package(extension.name), extension.version)
    path = kept / extension.name if kept is not None else extension.path
    if path is None:
        raise PipelineError(f"where {extension.name} lies is not known", hint="name the file under use:")
    files = read_files(path)
    digest = digest_of(files)
    if digest != extension.sha256:
        what = f"is another file than the one it was planned with (sha256 {digest[:10]}, not {extension.sha256[:10]})"
        raise PipelineError(what, where=shown(path), hint="put the old one back, or run the configuration again")
    if kept is not None:
        check_trusted(extension, path)
    return _run(extension, path, files)


def sources(used: Iterable[Extension]) -> tuple[tuple[Extension, Mapping[str, bytes]], ...]:
    """The source of extensions that were loaded in this process, for ``load_again`` in another one.

    Args:
        used: Those that an experiment uses; whatever else this process has loaded, the other one may not have.

    Returns:
        Each of them with its source.
    """
    loaded = (_loaded[extension.name, extension.sha256] for extension in used)
    return tuple((one.extension, one.files) for one in loaded)


def load_again(known: Iterable[tuple[Extension, Mapping[str, bytes]]]) -> None:
    """Load the extensions of another process, so that objects of their classes can be unpickled in this one.

    Args:
        known: What ``sources`` gave there.
    """
    for extension, files in known:
        if (extension.name, extension.sha256) in _loaded:
            continue
        if extension.path is not None:
            _run(extension, extension.path, files)
        else:
            load_package(extension.name)


def _same(wanted: Extension, found: LoadedExtension, version: str) -> LoadedExtension:
    """The installed package, if it is the one of the plan.

    Returns:
        The package that was found.

    Raises:
        PipelineError: If its source is another.
    """
    if found.extension.sha256 != wanted.sha256:
        what = f"was planned with {version}, and {found.extension.version} with another source is installed"
        raise PipelineError(what, where=wanted.name, hint="install that version, or run the configuration again")
    return found


def _run(extension: Extension, path: Path, files: Mapping[str, bytes]) -> LoadedExtension:
    """Run a file and what it imports from beside it."""
    add_sources(path.with_name(name) for name in files)
    try:
        module = run_file(path, files, extension.sha256)
    except (Exception, SystemExit) as error:
        raise as_complaint(error, path) from None
    return _remember(extension, module, files)


def _remember(extension: Extension, module: ModuleType, files: Mapping[str, bytes] | None = None) -> LoadedExtension:
    found = definitions_in(module)
    for definition in found:
        definition.code_sha256 = extension.sha256
    made = LoadedExtension(extension, found, files or {})
    _loaded[extension.name, extension.sha256] = made
    return made


_LOOK = "look at its permissions"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        others = [other.name for other in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
        hint = nearest(path.name, others) if others else f"no Python file is in {str(path.parent)!r}"
        raise PipelineError("there is no such file", where=shown(path), hint=hint) from None
    except OSError as error:
        hint = "name a Python file" if path.is_dir() else _LOOK
        raise PipelineError(f"cannot be read: {reason_of(error).lower()}", where=shown(path), hint=hint) from None


def _files_of(module: ModuleType) -> list[Path]:
    """The Python files of the top-level package of a module, or the one file of a module that is none."""
    top = sys.modules[module.__name__.partition(".")[0]]
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    if not folders:
        return [Path(str(top.__file__))]
    return sorted(path for folder in folders for path in folder.rglob(f"*{SUFFIX}"))


def _digest_of(files: list[Path]) -> str:
    """Digest of some files, their names and lengths included."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
