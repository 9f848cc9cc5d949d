"""Parts of a report in which code of a user's own fails: they are left out, and the reason is told.

A definition that has trained may fail where theory asks it for other points, or where the data of a trial that failed
are drawn again. The rest of the report does not depend on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pipeline.errors import PipelineError
from pipeline.extensions.places import raised_in_extension

R = TypeVar("R")

_told: list[dict[str, dict[str, None]]] = []
"""What is noted now: parts by their reason. Of the process, for theory works on threads."""


@contextmanager
def parts_left_out() -> Iterator[dict[str, dict[str, None]]]:
    """In the block, parts in which code of a user's own fails are left out; a block within another notes into that.

    Yields:
        Names of parts by the reason, in order; filled in the block.
    """
    outer = bool(_told)
    if not outer:
        _told.append({})
    try:
        yield _told[0]
    finally:
        if not outer:
            _told.clear()


def unless_own_code_fails(part: str, compute: Callable[[], R], otherwise: R) -> R:
    """Compute a part of a report, or leave it out and note the reason if code of a user's own fails in it.

    Args:
        part: Its name for a reader.
        compute: Makes it.
        otherwise: What stands for it.

    Returns:
        The part, or what stands for it.

    Raises:
        PipelineError: Of a damaged file, and the like.
        Exception: Outside of ``parts_left_out``, or from other code.
    """
    try:
        return compute()
    except PipelineError:
        raise
    except Exception as error:
        complaint = raised_in_extension(error) if _told else None
        if complaint is None:
            raise
        reason = f"{complaint.where}: {complaint.what}"
        _told[0].setdefault(reason, {})[part] = None
        return otherwise


def anything_left_out() -> bool:
    """Whether a part has been left out so far, in the block."""
    return any(_told)


def in_sentences(left_out: dict[str, dict[str, None]]) -> list[str]:
    """What was left out, a sentence for each reason."""
    return [f"left out: {', '.join(parts)}; {reason}" for reason, parts in left_out.items()]
