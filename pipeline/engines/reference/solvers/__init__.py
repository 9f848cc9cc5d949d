"""Iterations of the second-order solvers, a file for each, and which solver has which."""

from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.solvers.iteration import Iteration
from pipeline.engines.reference.solvers.lbfgs import LbfgsIteration
from pipeline.engines.reference.solvers.levenberg_marquardt import LevenbergMarquardtIteration
from pipeline.engines.reference.solvers.variable_projection import VariableProjectionIteration
from pipeline.optimizers.rules import Optimizer
from pipeline.optimizers.solvers import Lbfgs, LevenbergMarquardt, VariableProjection


def iteration(context: PackContext, points: tuple[Tensor, Tensor]) -> Iteration:
    """The iteration of a pack's solver.

    Args:
        context: Model, loss and solver.
        points: Prepared inputs ``[A, P]`` and targets ``[K, P]``.

    Returns:
        What makes one iteration of some trials each time it is called.

    Raises:
        TypeError: For an optimizer that is no solver.
    """
    optimizer: Optimizer = context.optimizer
    match optimizer:
        case VariableProjection():
            return VariableProjectionIteration(context, points, optimizer.damping)
        case LevenbergMarquardt():
            return LevenbergMarquardtIteration(context, points, optimizer.damping)
        case Lbfgs():
            return LbfgsIteration(context, points, optimizer.history)
    raise TypeError(f"{optimizer.name()} has no iteration")
