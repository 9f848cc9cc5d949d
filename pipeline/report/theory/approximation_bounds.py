"""Rates that theory guarantees for the error of the best approximation as the width grows.

Errors are root mean squares, not squared. For a fixed basis the bound is Jackson's: width^(-s/D)
for a target of smoothness s in D dimensions, unless the basis itself is of a lower order. It is one of the mean square
over a box, where the basis has its order: inside [-1, 1]^D, and for polynomials anywhere. For a network the bound is
Barron's, width^(-1/2) in any dimension, where the target has a Barron constant and the inputs are bounded. What a bound
supposes, the classes of target, measure and basis claim; elsewhere there is none.
"""

from __future__ import annotations

import math

from pipeline.models.activations import Identity, LeakyRelu, Relu
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.random import RandomFeatures, RandomRelu
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.subset_selection import ridge_rate
from pipeline.problems.losses import Task
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.problems.targets import AbsoluteValue

BARRON = 0.5
"""Barron, "Universal approximation bounds for superpositions of a sigmoidal function" (1993)."""
RANDOM = 0.5
"""Rahimi, Recht, "Weighted sums of random kitchen sinks" (NIPS 2008), theorem 1."""
NO_BOUND = "no bound known"


def bound_of(problem: Problem, model: Model) -> tuple[float | None, str]:
    """The rate r that theory guarantees for the error of the best approximation: ``e(m) <= C m^(-r)`` at width m.

    Args:
        problem: Target and measure of the inputs.
        model: Whose functions approximate the target.

    Returns:
        The rate, ``None`` where none is guaranteed, and in words where it comes from, or why there is none.
    """
    if not isinstance(problem, FunctionProblem):
        return None, "of a table nothing is known"
    if problem.task is not Task.REGRESSION:
        return None, NO_BOUND
    target, dimension = problem.target, problem.dimension
    if isinstance(model, Shallow) and not isinstance(model.activation, Identity):
        if isinstance(target, AbsoluteValue) and dimension == 1 and isinstance(model.activation, Relu | LeakyRelu):
            return None, "two units hold |x| exactly"
        if not math.isfinite(max(map(abs, problem.bounds))):
            return None, f"{NO_BOUND} under the law {problem.measure.label()}"
        constant = target.barron_constant(dimension)
        known = constant is not None and math.isfinite(constant)
        return (BARRON, f"Barron: C = {constant:.3g}") if known else (None, "no Barron constant is known")
    if isinstance(model, Greedy):
        return _greedy(problem, model)
    if not isinstance(model, Linear) or model.coordinates != "cartesian":
        return None, NO_BOUND
    if isinstance(model.basis, RandomFeatures):
        inside = -1 <= problem.bounds[0] <= problem.bounds[1] <= 1
        known = inside and model.basis.holds_with_bounded_weights(target, dimension)
        return (RANDOM, "Rahimi, Recht: bounded weights, in the mean") if known else (None, NO_BOUND)
    order = model.basis.approximation_order()
    return (None, NO_BOUND) if order is None else _jackson(problem, model.basis, order)


def _greedy(problem: FunctionProblem, model: Greedy) -> tuple[float | None, str]:
    """No rate: the bound for ridge functions supposes all of them, and a dictionary holds a random sample."""
    barron = problem.target.barron_constant(problem.dimension)
    smooth = math.isinf(problem.target.smoothness) and barron is not None and math.isfinite(barron)
    inside = -1 <= problem.bounds[0] <= problem.bounds[1] <= 1
    if not (isinstance(model.dictionary, RandomRelu) and smooth and inside):
        return None, NO_BOUND
    rate = ridge_rate(problem.dimension, power=1)
    return None, f"{NO_BOUND} of ridges that are drawn; of all ridges Siegel, Xu have {rate:.3g}"


def _jackson(problem: FunctionProblem, basis: Basis, order: float) -> tuple[float | None, str]:
    """The rate ``min(smoothness, order) / D`` of Jackson's theorem, in the mean square over a box.

    Returns:
        The rate with its reason, or ``None`` with why there is no bound.

    Source: DeVore, Lorentz, Constructive Approximation (1993), chapter 7, for one input.
    """
    (low, high), dimension = problem.bounds, problem.dimension
    if not problem.measure.fills_the_box:
        return None, f"{NO_BOUND} under the law {problem.measure.label()}"
    if not (basis.order_holds_everywhere or -1 <= low < high <= 1):
        return None, f"{NO_BOUND} for {basis.name()} on [{low:g}, {high:g}]"
    smoothness = problem.target.smoothness_on(low, high)
    least = min(smoothness, order)
    if math.isinf(least):
        return None, "faster than any power"
    why = "order of the basis" if order < smoothness else "smoothness"
    return least / dimension, f"Jackson: {why} {least:g}" + (f" / {dimension} inputs" if dimension > 1 else "")
