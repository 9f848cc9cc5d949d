"""What the solvers compute: a small file for each, and which is whose."""

from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.solvers.iteration import Iteration
from pipeline.engines.reference.solvers.lbfgs import LbfgsIteration
from pipeline.engines.reference.solvers.levenberg_marquardt import LevenbergMarquardtIteration
from pipeline.engines.reference.solvers.variable_projection import VariableProjectionIteration
from pipeline.optimizers.rules import Optimizer
from pipeline.optimizers.solvers import Lbfgs, LevenbergMarquardt, VariableProjection


def iteration(context: PackContext, points: tuple[Tensor, Tensor]) -> Iteration:
    """The iteration of a pack's solver, on prepared inputs ``[C, P]`` and targets ``[K, P]``.

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
