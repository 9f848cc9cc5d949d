"""Registry of all tables of definitions, and of the kind that each holds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.definitions import Definition
from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Activation
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.initialisations import INITIALISATIONS, Initialisation
from pipeline.models.model import Model
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.datasets import DATA, Data
from pipeline.problems.losses import LOSSES, Loss
from pipeline.problems.measures import MEASURES, Measure
from pipeline.problems.targets import TARGETS, Target

REGISTRY: Mapping[str, tuple[type[Definition], Mapping[str, type[Definition]]]] = {
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
"""Kind and table, by the plural that ``list`` takes."""

TABLES: Mapping[str, Mapping[str, type[Definition]]] = MappingProxyType(
    {plural: table for plural, (_, table) in REGISTRY.items()}
)
"""Every table of definitions, by the same plural."""
