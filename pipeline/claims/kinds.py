"""Kinds of definitions with the claims that each is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.claims.activation_claims import ACTIVATION_CLAIMS
from pipeline.claims.basis_claims import BASIS_CLAIMS
from pipeline.claims.claim import Claim, examine
from pipeline.claims.data_claims import DATA_CLAIMS
from pipeline.claims.diagnostic_claims import DIAGNOSTIC_CLAIMS
from pipeline.claims.initialisation_claims import INITIALISATION_CLAIMS
from pipeline.claims.loss_claims import LOSS_CLAIMS
from pipeline.claims.measure_claims import MEASURE_CLAIMS
from pipeline.claims.target_claims import TARGET_CLAIMS
from pipeline.claims.update_rule_claims import UPDATE_RULE_CLAIMS
from pipeline.definitions import Definition, definitions_within
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import PipelineError
from pipeline.extensions.places import place_of
from pipeline.models.activations import Activation
from pipeline.models.bases.basis import Basis
from pipeline.models.initialisations import Initialisation
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.datasets import Data
from pipeline.problems.losses import Loss
from pipeline.problems.measures import Measure
from pipeline.problems.targets import Target

CLAIMS: Mapping[type[Definition], tuple[Claim, ...]] = {
    Activation: ACTIVATION_CLAIMS,
    Basis: BASIS_CLAIMS,
    Data: DATA_CLAIMS,
    Diagnostic: DIAGNOSTIC_CLAIMS,
    Initialisation: INITIALISATION_CLAIMS,
    Loss: LOSS_CLAIMS,
    Measure: MEASURE_CLAIMS,
    Target: TARGET_CLAIMS,
    UpdateRule: UPDATE_RULE_CLAIMS,
}
"""Claims by kind; the first is what training takes for granted. Models and solvers have tests of their own."""


def claims_of(kind: type[Definition]) -> tuple[Claim, ...]:
    """The claims of a definition; none of a model or a solver."""
    return next((claims for base, claims in CLAIMS.items() if issubclass(kind, base)), ())


def try_out(content: object) -> None:
    """Hold every definition of an extension in an experiment against what training takes for granted, the shape.

    Args:
        content: The experiment.

    Raises:
        PipelineError: With file and line of the definition that gives something else.
    """
    for definition in dict.fromkeys(own_definitions(content)):
        for finding in examine(definition, claims_of(type(definition))[:1]):
            if finding.verdict == "fails":
                what = f"{definition.name()}: {finding.what} (of every {_noun(definition)}, {finding.claim})"
                hint = "python -m pipeline check holds all its claims against it"
                raise PipelineError(what, where=place_of(type(definition)), hint=hint)


def _noun(definition: Definition) -> str:
    return next((base.name().replace("_", " ") for base in CLAIMS if isinstance(definition, base)), "definition")


def own_definitions(content: object) -> Iterator[Definition]:
    """The definitions of extensions in some content, in the order of the fields."""
    return (definition for definition in definitions_within(content) if definition.code_sha256)
