"""Errors of W&B: unreachable, transient, permanent; and the exceptions of its client, read as one of these."""

from __future__ import annotations

import json
from typing import Any

from pipeline.errors import PipelineError

NO_ACCESS = (401, 403, 404)
"""HTTP statuses that are about key, entity or project, so that every run gets them; a 400 is about one run."""
PERMANENT = (400, 401, 403, 404)
"""HTTP statuses that a retry does not change."""


class UnreachableError(PipelineError):
    """The server cannot be reached from here."""


class TroubleError(PipelineError):
    """A transient error: the server is there and does not do what it should; a retry may help."""


class RefusedError(PipelineError):
    """A permanent error: the server says no, and will say so again."""


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status behind an exception of the client, if there is one.

    wandb 0.31.0 wraps exceptions of ``requests`` as ``__cause__`` or as ``exc``, now and then twice.

    Returns:
        The status; ``None`` where the server has not answered.
    """
    while error is not None:
        response = getattr(error, "response", None)
        status = getattr(response, "http_status", None) or getattr(response, "status_code", None)
        if status:
            return int(status)
        error = getattr(error, "exc", None) or error.__cause__
    return None


def as_pipeline_error(error: Exception, where: str) -> PipelineError:
    """An exception of W&B's client as an error with a hint.

    Args:
        error: Of a dozen kinds.
        where: What was asked for.

    Returns:
        A ``RefusedError`` where a retry is no use, else a ``TroubleError``.
    """
    status, words = status_of(error), " ".join(str(error).split())[:300]
    said = words if status is None or str(status) in words else f"HTTP {status}: {words}"
    if status == 401 or "API key" in words:
        return RefusedError(f"the key is refused: {said}", where=where, hint="wandb login --relogin, or WANDB_API_KEY")
    if status in (403, 404):
        hint = "ask for access, or name another: --set tracking.entity=... --set tracking.project=..."
        return RefusedError(f"no access: {said}", where=where, hint=hint)
    if status in PERMANENT:
        return RefusedError(f"W&B refuses the question: {said}", where=where, hint="another version of wandb may help")
    return TroubleError(f"W&B does not answer as it should: {said}", where=where, hint="try again later")


def parsed_page(spec: str, what: str, where: str) -> dict[str, Any]:
    """The content of a workspace or report of W&B, from JSON.

    Args:
        spec: As W&B has it.
        what: What it is, in words.
        where: Entity and project.

    Returns:
        The object.

    Raises:
        RefusedError: If it is no JSON object.
    """
    try:
        content = json.loads(spec)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        hint = "open it there and save it, or delete it: it is made again"
        raise RefusedError(f"what W&B has of the {what} is not JSON", where=where, hint=hint)
    return content
