"""Optimizers, by which weights are found: their registry."""

from pipeline.definitions import table
from pipeline.optimizers import rules, solvers
from pipeline.optimizers.rules import Optimizer

OPTIMIZERS = table(Optimizer, rules, solvers)
