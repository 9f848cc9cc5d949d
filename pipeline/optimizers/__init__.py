"""How weights are found: the table of optimizers."""

from pipeline.definitions import table
from pipeline.optimizers import rules, solvers
from pipeline.optimizers.rules import Optimizer

OPTIMIZERS = table(Optimizer, rules, solvers)
