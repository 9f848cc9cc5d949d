"""How weights are found: the table of optimizers."""

from pipeline.optimizers.rules import OPTIMIZERS

__all__ = ["OPTIMIZERS"]
