"""The document of a YAML file, opened and composed once, whatever is constructed from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.config.compose import compose
from pipeline.config.construct import construct
from pipeline.config.fields import required_of
from pipeline.config.nodes import MappingNode, Node, ScalarNode, Source, is_null, locate, shown
from pipeline.config.overrides import override
from pipeline.config.text_files import read_text
from pipeline.config.used_extensions import extensions_of
from pipeline.errors import FieldError, PipelineError

if TYPE_CHECKING:
    from pipeline.experiment.experiment import Experiment

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class YamlDocument:
    """The nodes of a YAML file, which know their lines.

    What a file is about decides which dataclass it is constructed as, and a file is opened once for both: it may be
    a pipe, and nobody who edits it in between gets half of one version and half of another.

    Args:
        path: The file; a path written in it starts from its folder.
        root: What the whole file says.
    """

    path: Path
    root: Node

    @property
    def is_game(self) -> bool:
        """Whether it is about the number game: it then has rounds."""
        return isinstance(self.root, MappingNode) and "rounds" in self.root.entries

    @property
    def question(self) -> str:
        """What is to be answered, as it is written; empty where nothing is."""
        written = self.root.entries.get("question") if isinstance(self.root, MappingNode) else None
        return written.node.text if written and isinstance(written.node, ScalarNode) else ""

    def construct(self, kind: type[T], overrides: Sequence[str] = ()) -> T:
        """Construct a dataclass from the root.

        Args:
            kind: The dataclass.
            overrides: Texts of ``--set``, like ``steps=100`` or ``models.0.linear.basis=cosine``.

        Returns:
            An object of the dataclass.

        Raises:
            PipelineError: If what is written does not fit the dataclass.
        """
        if is_null(self.root):
            hint = f"required: {', '.join(required_of(kind))}"
            raise PipelineError("the file is empty", where=str(self.path), hint=hint)
        if not isinstance(self.root, MappingNode):
            what = f"the file must be a mapping, not {shown(self.root)}"
            hint = f"write 'key: value' lines; required: {', '.join(required_of(kind))}"
            raise PipelineError(what, where=self.root.where, hint=hint)
        with extensions_of(kind, override(self.root, overrides)) as root:
            result: T = construct(kind, root, ())
        return result

    @contextmanager
    def located(self, overrides: Sequence[str] = ()) -> Iterator[None]:
        """Give a field that is refused in the block the line at which it is written.

        Args:
            overrides: Texts of ``--set``, with which the experiment was constructed.

        Raises:
            PipelineError: In place of a ``FieldError``.
        """
        try:
            yield
        except FieldError as error:
            where = locate(override(self.root, overrides), error.path)
            raise PipelineError(error.what, where=where, hint=error.hint) from None

    def experiment(self, overrides: Sequence[str] = ()) -> Experiment:
        """Construct the experiment that the file asks for.

        Args:
            overrides: Texts of ``--set``.

        Returns:
            The experiment, its defaults filled in.

        Raises:
            PipelineError: If it asks for something impossible, or for a number game.
        """
        from pipeline.experiment.experiment import Experiment  # not before a file is known to be YAML: it takes seconds

        if self.is_game:
            hint = f"python -m pipeline run {self.path}"
            raise PipelineError("asks for a number game, which needs no training", where=str(self.path), hint=hint)
        return self.construct(Experiment, overrides)


def read_document(path: Path) -> YamlDocument:
    """Read a YAML file into nodes.

    Returns:
        Its one document.

    Raises:
        PipelineError: If it cannot be read, or is not YAML.
    """
    return YamlDocument(path, compose(read_text(path), Source(str(path), path.parent, has_lines=True)))
