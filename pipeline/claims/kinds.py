"""Kinds of definitions with the claims that each is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.claims.activation_claims import ACTIVATION_CLAIMS, ACTIVATION_GRANTED
from pipeline.claims.basis_claims import BASIS_CLAIMS, BASIS_GRANTED
from pipeline.claims.claim import Claim, examine
from pipeline.claims.data_claims import DATA_CLAIMS, DATA_GRANTED
from pipeline.claims.diagnostic_claims import DIAGNOSTIC_CLAIMS, DIAGNOSTIC_GRANTED
from pipeline.claims.initialisation_claims import INITIALISATION_CLAIMS, INITIALISATION_GRANTED
from pipeline.claims.loss_claims import LOSS_CLAIMS, LOSS_GRANTED
from pipeline.claims.measure_claims import MEASURE_CLAIMS, MEASURE_GRANTED
from pipeline.claims.target_claims import TARGET_CLAIMS, TARGET_GRANTED
from pipeline.claims.update_rule_claims import UPDATE_RULE_CLAIMS, UPDATE_RULE_GRANTED
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
"""Claims by kind. Models and solvers have tests of their own."""

GRANTED: Mapping[type[Definition], tuple[Claim, ...]] = {
    Activation: ACTIVATION_GRANTED,
    Basis: BASIS_GRANTED,
    Data: DATA_GRANTED,
    Diagnostic: DIAGNOSTIC_GRANTED,
    Initialisation: INITIALISATION_GRANTED,
    Loss: LOSS_GRANTED,
    Measure: MEASURE_GRANTED,
    Target: TARGET_GRANTED,
    UpdateRule: UPDATE_RULE_GRANTED,
}
"""Those that training takes for granted."""


def claims_of(
    kind: type[Definition], among: Mapping[type[Definition], tuple[Claim, ...]] = CLAIMS
) -> tuple[Claim, ...]:
    """The claims of a definition; none of a model or a solver."""
    return next((claims for base, claims in among.items() if issubclass(kind, base)), ())


def try_out(content: object) -> None:
    """Hold every definition of an extension in an experiment against what training takes for granted.

    Args:
        content: The experiment.

    Raises:
        PipelineError: With file and line of the definition for which that does not hold.
    """
    for definition in dict.fromkeys(own_definitions(content)):
        for finding in examine(definition, claims_of(type(definition), GRANTED)):
            if finding.verdict == "fails":
                what = f"{definition.name()}: {finding.what} (of every {_noun(definition)}, {finding.claim})"
                hint = "python -m pipeline check holds all its claims against it"
                raise PipelineError(what, where=place_of(type(definition)), hint=hint)


def _noun(definition: Definition) -> str:
    return next((base.name().replace("_", " ") for base in CLAIMS if isinstance(definition, base)), "definition")


def own_definitions(content: object) -> Iterator[Definition]:
    """The definitions of extensions in some content, in the order of the fields."""
    return (definition for definition in definitions_within(content) if definition.code_sha256)
