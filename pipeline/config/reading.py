"""Files and plans into dataclasses: from one end of this room to the other in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.config.construct import construct
from pipeline.config.from_json import from_json
from pipeline.config.nodes import Source
from pipeline.config.overrides import override
from pipeline.config.used_extensions import extensions_of
from pipeline.config.yaml_document import read_document

if TYPE_CHECKING:
    from pipeline.experiment.experiment import Experiment

T = TypeVar("T")


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read the experiment that a YAML file asks for.

    Args:
        path: The file.
        overrides: Texts of ``--set``, like ``steps=100`` or ``models.0.linear.basis=cosine``.

    Returns:
        The experiment, its defaults filled in.

    Raises:
        PipelineError: If the file cannot be read or asks for something impossible.
    """
    return read_document(path).experiment(overrides)


def read_file(path: Path, kind: type[T], overrides: Sequence[str] = ()) -> T:
    """Read a dataclass from a YAML file; a path written there starts from the folder of the file.

    Args:
        path: The file.
        kind: The dataclass.
        overrides: Texts of ``--set``.

    Returns:
        An object of the dataclass.

    Raises:
        PipelineError: If the file cannot be read or does not fit the dataclass.
    """
    return read_document(path).construct(kind, overrides)


def read_canonical(content: object, kind: type[T], where: str, overrides: Sequence[str] = ()) -> T:
    """Construct a dataclass from the plain JSON types that ``definitions.canonical`` writes.

    Args:
        content: Dictionaries, lists, strings, numbers, truth values and ``None``.
        kind: The dataclass, or a kind of definition.
        where: Where the content comes from, for complaints.
        overrides: Texts of ``--set``.

    Returns:
        An object of the dataclass, equal to the one that was written.

    Raises:
        PipelineError: If the content does not fit the dataclass.
        TypeError: If the content is not made of JSON types.
    """
    root = from_json(content, Source(where, Path.cwd(), has_lines=False))
    with extensions_of(kind, override(root, overrides)) as used:
        result: T = construct(kind, used, ())
    return result
