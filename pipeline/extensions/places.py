"""Places in the source of extensions: file and line of what went wrong, for a message without a traceback."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterable
from pathlib import Path

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


def in_words(error: BaseException) -> str:
    """Type and first line of an error."""
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[:1])


def raised_in_extension(error: BaseException) -> PipelineError | None:
    """The complaint about an error that was raised in the code of an extension, or in what that called.

    Args:
        error: As it was caught, with its traceback.

    Returns:
        A complaint with file and line; ``None`` if no line of an extension is in the traceback, or the process was told
        to end while one ran.
    """
    if isinstance(error, SystemExit) and traceback.extract_tb(error.__traceback__)[-1].filename not in _sources:
        return None
    place = place_in(error)
    return PipelineError(in_words(error), where=place, hint="this line is your own") if place else None


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
        hint = "a file may import what is installed, and no file beside it: put all into one, or make a package of them"
        return PipelineError(in_words(error), where=place, hint=hint)
    return PipelineError(in_words(error), where=place, hint=f"python {shown(path)} shows more")
