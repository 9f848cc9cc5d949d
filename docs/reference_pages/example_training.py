"""Small trainings, by the reference engine, whose losses and diagnostics the pictures show."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import Tanh
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import Dataset, FunctionProblem
from pipeline.problems.targets import AbsoluteValue, Target

WIDTH = 6
RECORDED = (0, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100)
OF_LIMIT = 0.5
"""Learning rate over the largest stable one at the first weights."""
WITHOUT_LIMIT = 0.05
"""Learning rate of a rule of which no limit is known."""
MODELS = {"linear": Linear(Legendre()), "network": Shallow(Tanh())}


@functools.cache
def points_of(target: Target) -> Dataset:
    """Sixteen training points on [-1, 1]."""
    return FunctionProblem(target, Uniform(), 1, 16, 64, 0.0, 0).load()


def snapshots(
    model: Model, optimizer: Optimizer, target: Target | None = None, steps: tuple[int, ...] = RECORDED
) -> Iterator[Snapshot]:
    """One trial at some steps of its training.

    Args:
        model: What is trained, at width 6.
        optimizer: How.
        target: By default |x|.
        steps: When it is looked at, from 0.

    Yields:
        A snapshot at each of these steps.
    """
    target = target or AbsoluteValue()
    context = PackContext(model, WIDTH, optimizer, HalfMeanSquare(), target.task, points_of(target), torch.float64)
    engine = Reference(context, None, torch.device("cpu"))
    start_N = model.initial_weights(WIDTH, 1, 1, stream("an example of the documentation"))
    start_1N = torch.from_numpy(start_N)[None]
    weights_1N = start_1N.clone()
    slots = tuple(torch.zeros(1, columns, dtype=torch.float64) for columns in optimizer.memory(weights_1N.shape[1]))
    rate = rate_for(optimizer, _look(context, engine, 0, weights_1N, start_1N, torch.nan))
    rates_11, bounds_1 = torch.full((1, 1), rate, dtype=torch.float64), torch.full((1,), torch.inf, dtype=torch.float64)
    stack = Stack(("0" * 64,), weights_1N, slots, rates_11, bounds_1)
    yield _look(context, engine, 0, weights_1N, start_1N, rate)
    for before, after in itertools.pairwise(steps):
        if after > 1 and optimizer.in_one_step:
            return
        engine.advance(stack, before, after)
        yield _look(context, engine, after, weights_1N, start_1N, rate)


def _look(
    context: PackContext, engine: Reference, step: int, weights_1N: Tensor, start_1N: Tensor, rate: float
) -> Snapshot:
    losses_1, gradient_1N = engine.value_and_gradient(weights_1N)
    rates_1 = torch.full((1,), rate, dtype=torch.float64)
    return Snapshot(context, step, weights_1N.clone(), losses_1, gradient_1N, rates_1, lambda: start_1N)


def rate_for(optimizer: Optimizer, start: Snapshot) -> float:
    """Half the largest stable learning rate at the first weights, NaN of a solver."""
    factor = optimizer.stability_factor()
    if factor is not None:
        return OF_LIMIT * factor / float(start.top_of_hessian.largest_T[0])
    return WITHOUT_LIMIT if optimizer.uses_learning_rate else torch.nan


def model_for(optimizer: Optimizer) -> Model:
    """A network, or a linear model where the optimizer is for those only."""
    return MODELS["linear" if optimizer.only_linear else "network"]


@functools.cache
def descent(name: str) -> tuple[Snapshot, ...]:
    """Gradient descent on one of ``MODELS``."""
    return tuple(snapshots(MODELS[name], GradientDescent()))
