"""Options of the verbs: what argparse has parsed, as frozen dataclasses, made once."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

CLUSTER = "cluster."
"""How an override begins that is of the profile of a cluster."""

T = TypeVar("T")


@dataclass(frozen=True)
class Overrides:
    """Overrides of ``--set``: fields of the experiment, and of the profile of the cluster.

    Args:
        texts: As they were given, such as ``steps=100`` and ``cluster.queue=long``.
    """

    texts: tuple[str, ...] = ()

    @property
    def experiment(self) -> tuple[str, ...]:
        """The overrides of the experiment."""
        return tuple(text for text in self.texts if not text.startswith(CLUSTER))

    @property
    def profile(self) -> tuple[str, ...]:
        """The overrides of the profile, without ``cluster.``."""
        return tuple(text.removeprefix(CLUSTER) for text in self.texts if text.startswith(CLUSTER))


def options_from(namespace: argparse.Namespace, kind: type[T]) -> T:
    """Make the options of a verb.

    Args:
        namespace: What argparse has parsed; it has an attribute for each field.
        kind: A dataclass.

    Returns:
        The dataclass, with tuples where argparse has lists.
    """
    assert dataclasses.is_dataclass(kind)
    return kind(
        **{field.name: _frozen(field.name, getattr(namespace, field.name)) for field in dataclasses.fields(kind)}
    )


def _frozen(name: str, value: Any) -> Any:
    if name == "overrides":
        return Overrides(tuple(value))
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
