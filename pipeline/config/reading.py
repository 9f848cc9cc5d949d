"""Files and plans into dataclasses: the way from one end of this room to the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.config.compose import compose
from pipeline.config.construct import read
from pipeline.config.fields import required_of
from pipeline.config.from_json import from_json
from pipeline.config.nodes import Map, Source, is_null, shown
from pipeline.config.overrides import override
from pipeline.config.text_files import read_text
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.experiment.experiment import Experiment

T = TypeVar("T")


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read the experiment that a YAML file asks for.

    Args:
        path: The file.
        overrides: Texts of ``--set``, like ``steps=100`` or ``models.0.linear.basis=cosine``.

    Raises:
        PipelineError: If the file cannot be read or asks for something impossible.
    """
    from pipeline.experiment.experiment import Experiment

    if asks_for_a_game(path):
        hint = f"python -m pipeline run {path}"
        raise PipelineError("asks for a number game, which needs no training", where=str(path), hint=hint)
    return read_file(path, Experiment, overrides)


def asks_for_a_game(path: Path) -> bool:
    """Whether a YAML file is about the number game: it then has rounds.

    Raises:
        PipelineError: If the file cannot be read.
    """
    root = compose(read_text(path), Source(str(path), path.parent, has_lines=True))
    return isinstance(root, Map) and "rounds" in root.entries


def read_file(path: Path, kind: type[T], overrides: Sequence[str] = ()) -> T:
    """Read a dataclass from a YAML file; a path written there starts from the folder of the file.

    Raises:
        PipelineError: If the file cannot be read or does not fit the dataclass.
    """
    root = compose(read_text(path), Source(str(path), path.parent, has_lines=True))
    if is_null(root):
        raise PipelineError("the file is empty", where=str(path), hint=f"required: {', '.join(required_of(kind))}")
    if not isinstance(root, Map):
        raise PipelineError(
            f"the file must be a mapping, not {shown(root)}",
            where=root.where,
            hint=f"write 'key: value' lines; required: {', '.join(required_of(kind))}",
        )
    result: T = read(kind, override(root, overrides), ())
    return result


def read_canonical(content: object, kind: type[T], where: str, overrides: Sequence[str] = ()) -> T:
    """Build a dataclass from the plain JSON types that ``definitions.canonical`` writes.

    Args:
        content: Dictionaries, lists, strings, numbers, truth values and ``None``.
        kind: The dataclass, or a kind of definition.
        where: Where the content comes from, for complaints.
        overrides: Texts of ``--set``.

    Raises:
        PipelineError: If the content does not fit the dataclass.
        TypeError: If the content is not made of JSON types.
    """
    root = from_json(content, Source(where, Path.cwd(), has_lines=False))
    result: T = read(kind, override(root, overrides), ())
    return result
