"""The verb list."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import PipelineError, nearest

LISTABLE_KINDS = (
    "activations",
    "bases",
    "clusters",
    "configs",
    "data",
    "diagnostics",
    "initialisations",
    "losses",
    "measures",
    "models",
    "optimizers",
    "targets",
)


@dataclass(frozen=True)
class ListOptions:
    """Options of list.

    Args:
        kind: One of ``LISTABLE_KINDS``; empty if none was named, which is refused.
    """

    kind: str


def list_kind(options: ListOptions) -> int:
    """Print what can be written in a YAML file, one name and one sentence a line; of files also where they lie."""
    if not options.kind:
        raise PipelineError("a kind is missing", where="python -m pipeline list", hint=nearest("", LISTABLE_KINDS))
    if options.kind not in LISTABLE_KINDS:
        raise PipelineError(f"unknown kind {options.kind!r}", hint=nearest(options.kind, LISTABLE_KINDS))
    of_files = {"clusters": _clusters, "configs": _configs}
    sentences = of_files[options.kind]() if options.kind in of_files else _definitions(options.kind)
    width = max(len(name) for name in sentences)
    for name, sentence in sentences.items():
        print(f"{name:<{width}}  {sentence}")
    return 0


list_kind.__name__ = "list"


def _definitions(kind: str) -> dict[str, str]:
    """Every definition of a kind, with one sentence."""
    from pipeline.config.registry import TABLES

    return {name: definition.summary() for name, definition in TABLES[kind].items()}


def _clusters() -> dict[str, str]:
    """Every cluster that has a profile, with one sentence and the file."""
    from pipeline.launch.clusters.lookup import profiles, read_profile

    return {name: f"{read_profile(name).description}  {path}" for name, path in profiles().items()}


def _configs() -> dict[str, str]:
    """Every experiment that can be run by its name, with its question and the file."""
    from pipeline.config import configs, read_document

    return {name: f"{read_document(path).question}  {path}" for name, path in configs().items()}
