"""Places in the source of extensions: file and line of what went wrong, for a message without a traceback."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.definitions import Definition, definitions_within
from pipeline.errors import PipelineError

_sources: set[str] = set()
"""Files of all extensions that were loaded in this process."""


def add_sources(files: Iterable[Path]) -> None:
    """Remember files as those of an extension."""
    _sources.update(map(str, files))


def shown(path: Path) -> str:
    """A path as a person reads it: from the working directory, if it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def place_of(definition: type) -> str:
    """File and line of a class of an extension; where the line is not known, the file."""
    path = inspect.getsourcefile(definition)
    if path is None:
        return definition.__module__.rpartition(".")[2]
    try:
        return f"{shown(Path(path))}:{inspect.getsourcelines(definition)[1]}"
    except (OSError, TypeError):
        return shown(Path(path))


def place_in(error: BaseException) -> str:
    """File and line of the innermost frame of an extension in the traceback of an error; empty if there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _sources]
    return f"{shown(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else ""


PACKAGE = Path(__file__).parents[1]

NEAREST_FRAMES = 3
"""Innermost frames of this package in which an extension is looked for: further out, nearly all are at hand."""


@dataclasses.dataclass(frozen=True)
class UsedWhere:
    """The class of an extension that code of this package was using when it failed.

    Args:
        definition: The class.
        line: File and line of this package that failed.
    """

    definition: type[Definition]
    line: str


def used_in(error: BaseException) -> UsedWhere | None:
    """The class of an extension that the code which raised an error had at hand, as after it returned ``None``.

    Args:
        error: As it was caught, with its traceback.

    Returns:
        The class that the innermost frames of this package hold, the nearest first; ``None`` if they hold none.
    """
    walked = traceback.walk_tb(error.__traceback__)
    ours = [(frame, line) for frame, line in walked if frame.f_code.co_filename.startswith(str(PACKAGE))]
    for frame, _ in ours[: -NEAREST_FRAMES - 1 : -1]:
        for definition in (found for value in frame.f_locals.values() for found in _at_hand(value)):
            if definition.code_sha256:
                inside = Path(ours[-1][0].f_code.co_filename).relative_to(PACKAGE.parent)
                return UsedWhere(type(definition), f"{inside}:{ours[-1][1]}")
    return None


def _at_hand(value: Any) -> Iterator[Definition]:
    """The definitions that a variable is, or that its fields are; lists of them, as an experiment has, are not."""
    if isinstance(value, Definition):
        yield from definitions_within(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name, None)
            if isinstance(inner, Definition):
                yield from definitions_within(inner)


def in_words(error: BaseException) -> str:
    """Type and first line of an error."""
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[:1])


def raised_in_extension(error: BaseException) -> PipelineError | None:
    """The complaint about an error that was raised in the code of an extension, or in what that called.

    Args:
        error: As it was caught, with its traceback.

    Returns:
        A complaint with file and line, or with the class if code of this package fails on what a class of an extension
        gave it; ``None`` if neither is in the traceback, or the process was told to end while one ran.
    """
    if isinstance(error, SystemExit) and _told_to_end(error):
        return None
    if place := place_in(error):
        return PipelineError(in_words(error), where=place, hint="this line is your own")
    used = None if isinstance(error, SystemExit) else used_in(error)
    if used is None:
        return None
    what = f"class {used.definition.__name__} was in use when {used.line} failed: {in_words(error)}"
    hint = "this class is your own: look at what its methods return, and at python -m pipeline check"
    return PipelineError(what, where=place_of(used.definition), hint=hint)


def _told_to_end(error: SystemExit) -> bool:
    """Whether a process ends by our answer to a signal, which is further in than all frames of extensions.

    Further in than ``sys.exit`` of a user's own there may be frames of others: W&B puts a function of its own there.

    Returns:
        Whether a frame of this package is among them.
    """
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    inner = itertools.takewhile(lambda file: file not in _sources, reversed(files))
    return any(file.startswith(str(PACKAGE)) for file in inner)


def as_complaint(error: BaseException, path: Path) -> PipelineError:
    """The complaint about an error that was raised while a file was run.

    Args:
        error: As it was caught.
        path: The file.

    Returns:
        A complaint with file and line.
    """
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return PipelineError(f"not Python: {error.msg}", where=f"{shown(path)}:{error.lineno}", hint="mend this line")
    place = place_in(error) or shown(path)
    if isinstance(error, PipelineError):
        return PipelineError(error.what, where=place, hint=error.hint)
    if isinstance(error, ModuleNotFoundError):
        hint = "a file may import what is installed, and the files beside it; a folder of files has to be installed"
        return PipelineError(in_words(error), where=place, hint=hint)
    return PipelineError(in_words(error), where=place, hint=f"python {shown(path)} shows more")
