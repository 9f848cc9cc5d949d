"""What a W&B server refuses of a run's names, in its own words, and names of metrics that its pages cannot sort by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = {"jobType": 64, "displayName": 128, "groupName": 128, "project": 128, "name": 128}
LONGEST_TAG = 64
MOST_BYTES_OF_CONFIG = 15 * 2**20
METRIC = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
"""As W&B's pages ask of a metric; the real server takes others, and then cannot sort or filter by them."""


class RefusedError(Exception):
    """The server says no, with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def check_names(asked: Mapping[str, Any]) -> None:
    """Refuse a run whose names are too long."""
    for field, longest in LONGEST.items():
        if len((asked.get(field) or "").encode()) > longest:
            raise RefusedError(400, f"invalid parameters: {longest} limit exceeded for {field[0].upper()}{field[1:]}")
    for tag in asked.get("tags") or []:
        if not 1 <= len(tag.encode()) <= LONGEST_TAG:
            raise RefusedError(400, f"invalid parameters: invalid tag {tag!r}, must be 1 to {LONGEST_TAG} characters")
    if len(asked.get("config") or "") > MOST_BYTES_OF_CONFIG:
        raise RefusedError(400, "run config cannot exceed 15 MB")


def check_metrics(names: Iterable[str]) -> None:
    """Refuse names of metrics that break the rule."""
    for name in names:
        if not METRIC.fullmatch(name):
            raise RefusedError(400, f"invalid metric name {name!r}")


def check_artifact(names: Iterable[str | list[str]]) -> None:
    """Refuse an artifact whose name W&B does not take."""
    for name in (one for said in names for one in ([said] if isinstance(said, str) else said)):
        if not re.fullmatch(r"[-\w.]{1,128}", name, re.ASCII):
            raise RefusedError(400, f"invalid artifact name {name}, must be 128 characters or less")
