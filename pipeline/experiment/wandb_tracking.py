"""Tracking on W&B: which trials have a run of their own there, and in which project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import FieldError


@dataclass(frozen=True)
class ChosenRuns:
    """A sample of the trials of a sweep, each with a run of its own on W&B.

    Args:
        best: Number of trials of the least test error, of each problem and model.
        diverged: Number of those that diverged, and of those that failed.
        random: Number drawn at random of all trials, always the same ones.
    """

    best: int = 3
    diverged: int = 10
    random: int = 50

    def __post_init__(self) -> None:
        for field in ("best", "diverged", "random"):
            if getattr(self, field) < 0:
                hint = "0 leaves them out"
                raise FieldError((field,), f"{field} must not be negative, not {getattr(self, field)!r}", hint=hint)


@dataclass(frozen=True)
class Tracking:
    """What is sent to W&B: one run for the whole sweep, and a run for each trial that ``runs`` names.

    Args:
        runs: Which trials; ``auto`` is all of them up to 200, a chosen few where there are more.
        project: Project on W&B; none: the cluster's, ``WANDB_PROJECT``, or ``pipeline``.
        entity: User or team on W&B; none: the cluster's, ``WANDB_ENTITY``, or that of the key.
    """

    runs: Literal["auto", "all", "none"] | ChosenRuns = "auto"
    project: str | None = None
    entity: str | None = None

    def __post_init__(self) -> None:
        for field in ("project", "entity"):
            value = getattr(self, field)
            if value is not None and not is_name(value):
                raise FieldError((field,), f"W&B has no {field} named {value!r}", hint=NAMES)


LONGEST_NAME = 128
NAMES = rf"leave it out, or take a name of at most {LONGEST_NAME} bytes without / \ # ? % :"


def is_name(text: str) -> bool:
    """Whether W&B accepts a name for a project or an entity.

    Returns:
        False for an empty text, one above 128 bytes, and one with a character that is unprintable or in ``/\\#?%:``.

    Source: wandb 0.31.0, ``Settings.validate_project``.
    """
    if not text.isprintable() or set(text) & set("/\\#?%:"):
        return False
    return bool(text.strip()) and len(text.encode()) <= LONGEST_NAME
