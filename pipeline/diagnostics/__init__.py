"""Diagnostics, numbers observed of a trial while it trains: their registry."""

from pipeline.definitions import table
from pipeline.diagnostics import conditioning, convergence, error_parts, prediction, representation, sharpness
from pipeline.diagnostics.diagnostic import Diagnostic

DIAGNOSTICS = table(Diagnostic, convergence, error_parts, prediction, conditioning, sharpness, representation)

DEFAULT_DIAGNOSTICS: tuple[Diagnostic, ...] = (
    *(kind() for kind in DIAGNOSTICS.values() if kind.by_default),
    sharpness.Sharpness(at="ends"),
)
"""All that cost little beside training: such a diagnostic is recorded by existing. And the sharpness of networks at the
first and the last step, which says how far a learning rate is from the largest stable one.

The others are recorded where an experiment names them. At 60 log-spaced of 3,000 steps of networks with 256 points and
width 2 to 32 those here were measured to add about 14 % to training by the reference engine, every decomposition of a
Jacobian or a Hessian 50 to 60 % more. The fused engine trains 20 times faster: at 60 of 10,000 steps, width 64, those
here take 12 s of a thousand networks beside 13 s of training, two thirds of it for singular values, and sharpness 3 s.
"""
