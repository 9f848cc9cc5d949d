"""What is observed of a trial: the table of diagnostics."""

from pipeline.definitions import table
from pipeline.diagnostics import conditioning, convergence
from pipeline.diagnostics.diagnostic import Diagnostic

DIAGNOSTICS = table(Diagnostic, convergence, conditioning)

DEFAULT_DIAGNOSTICS: tuple[Diagnostic, ...] = tuple(definition() for definition in DIAGNOSTICS.values())
"""All of them: a diagnostic is recorded by existing."""
