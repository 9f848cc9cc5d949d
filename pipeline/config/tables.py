"""Every table of definitions, and what its kind is called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pipeline.definitions import Definition
from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Activation
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.initialisations import INITIALISATIONS, Initialisation
from pipeline.models.model import Model
from pipeline.optimizers.rules import OPTIMIZERS, Optimizer
from pipeline.problems.datasets import DATA, Data
from pipeline.problems.losses import LOSSES, Loss
from pipeline.problems.measures import MEASURES, Measure
from pipeline.problems.targets import TARGETS, Target

KINDS: Mapping[str, tuple[type[Definition], Mapping[str, type[Definition]]]] = {
    "targets": (Target, TARGETS),
    "data": (Data, DATA),
    "measures": (Measure, MEASURES),
    "losses": (Loss, LOSSES),
    "models": (Model, MODELS),
    "bases": (Basis, BASES),
    "activations": (Activation, ACTIVATIONS),
    "initialisations": (Initialisation, INITIALISATIONS),
    "optimizers": (Optimizer, OPTIMIZERS),
    "diagnostics": (Diagnostic, DIAGNOSTICS),
}


TABLES: Mapping[str, Mapping[str, type[Definition]]] = MappingProxyType(
    {plural: table for plural, (_, table) in KINDS.items()}
)
"""Every table of definitions, by the plural that ``list`` takes."""


def kind_and_table(kind: type[Any]) -> tuple[type[Definition], Mapping[str, type[Definition]]]:
    """The kind of definition that a class is or narrows, and those of its table that are of the class."""
    for base, table in KINDS.values():
        if issubclass(kind, base):
            return base, {name: definition for name, definition in table.items() if issubclass(definition, kind)}
    raise TypeError(f"no table of definitions holds {kind.__name__}")


def definitions_of(kind: type[Definition]) -> Mapping[str, type[Definition]]:
    """What can be written where this kind of definition is expected."""
    return kind_and_table(kind)[1]


def noun_of(kind: type[Definition]) -> str:
    """What a definition of this kind is called."""
    return kind_and_table(kind)[0].name()


def with_article(noun: str) -> str:
    """A basis, an optimizer, but data."""
    if noun == Data.name():
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
