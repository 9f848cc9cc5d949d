"""Text files, and what is said of one that cannot be read."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import PipelineError, nearest, reason_of


def read_text(path: Path) -> str:
    """Read a file of UTF-8 text.

    Returns:
        All of it.

    Raises:
        PipelineError: If it cannot be read; of a missing file the hint names the nearest YAML file beside it, of bytes
            that are not UTF-8 the complaint names the line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PipelineError("there is no such file", where=str(path), hint=_nearest_file(path)) from None
    except IsADirectoryError:
        hint = "name a YAML file inside it"
        raise PipelineError("this is a folder, not a file", where=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        hint = "check its name and your permissions"
        raise PipelineError(f"cannot be read: {reason.lower()}", where=str(path), hint=hint) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte {content[error.start]:#04x} is not UTF-8"
        raise PipelineError(what, where=f"{path}:{line}", hint="save the file as UTF-8") from None


def _nearest_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    except OSError:
        return f"there is no folder {str(path.parent)!r} either"
    return nearest(path.name, names) if names else f"no YAML file is in {str(path.parent)!r}"
