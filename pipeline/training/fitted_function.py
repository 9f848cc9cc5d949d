"""What the best trial of a pack has learned, as something to draw."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from pipeline.models.shallow import Shallow
from pipeline.problems.losses import Task, threshold
from pipeline.records.schema import HIDDEN, LINE, PLANE
from pipeline.records.store import write_fitted_samples
from pipeline.training.module import PackModule

FIT_POINTS = 201
SIDE = 31
"""Points along each side of a map of the plane."""
MOST_POINTS = 500
"""Points that are drawn in the space of the hidden units."""


def write_best_fit(run: Path, module: PackModule) -> None:
    """Write what the trial of lowest training loss has learned, where that can be drawn.

    That is: a function of one input; the answers to a yes-or-no question about a point of the
    plane, and for a network of two hidden units also where these put the training points.
    """
    problem, alive = module.pack.shape.problem, module.alive
    if problem.num_outputs != 1 or not len(alive):
        return
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach()[alive])
    best = int(alive[losses_T.argmin()])
    if problem.num_inputs == 1 and problem.task is Task.REGRESSION:
        parts = [line_of(module, best)]
    elif problem.num_inputs == 2 and problem.task is Task.LABELS:
        parts = [plane_of(module, best), *hidden_space_of(module, best)]
    else:
        return
    rows = pl.concat(parts).with_columns(trial=pl.lit(module.pack.trials[best].id))
    write_fitted_samples(run, module.pack.id, rows)


def line_of(module: PackModule, trial: int) -> pl.DataFrame:
    """The learned function of one input, from the least to the greatest test point."""
    inputs_PD = module.context.dataset.test_inputs_PD
    line_P = torch.linspace(float(inputs_PD.min()), float(inputs_PD.max()), FIT_POINTS, dtype=torch.float64)
    return table(LINE, line_P, None, outputs_at(module, trial, line_P[:, None]))


def plane_of(module: PackModule, trial: int) -> pl.DataFrame:
    """How far the output lies above the threshold of a yes, where there is one on a grid that holds all test points."""
    inputs_PD = module.context.dataset.test_inputs_PD.double()
    low_D, high_D = inputs_PD.amin(dim=0), inputs_PD.amax(dim=0)
    margin_D = 0.15 * (high_D - low_D)
    sides = [torch.linspace(float(a), float(b), SIDE) for a, b in zip(low_D - margin_D, high_D + margin_D, strict=True)]
    grid_PD = torch.cartesian_prod(*(side.double() for side in sides))
    grid_PD = grid_PD[module.context.model.defined_at(grid_PD)]
    value_P = outputs_at(module, trial, grid_PD) - threshold(module.context.loss)
    return table(PLANE, grid_PD[:, 0], grid_PD[:, 1], value_P)


def hidden_space_of(module: PackModule, trial: int) -> list[pl.DataFrame]:
    """Where two hidden units put the training points, and their labels; nothing for other models."""
    context = module.context
    if not isinstance(context.model, Shallow) or context.width != 2:
        return []
    inputs_PD = context.dataset.train_inputs_PD[:MOST_POINTS].double()
    weights_1N = module.weights.detach()[trial][None].double()
    features_PF = context.model.features(weights_1N, context.model.prepare(inputs_PD, 2), 2, 1)[0]
    return [table(HIDDEN, features_PF[:, 0], features_PF[:, 1], context.dataset.train_targets_PK[:MOST_POINTS, 0])]


def outputs_at(module: PackModule, trial: int, inputs_PD: Tensor) -> Tensor:
    """The output of a trial at points, shape ``[P]``, in float64."""
    context = module.context
    prepared_AP = context.model.prepare(inputs_PD.to(module.weights.device), context.width)
    weights_1N = module.weights.detach()[trial][None].double()
    return context.model.outputs(weights_1N, prepared_AP, context.width, 1)[0, 0]


def table(space: str, x_P: Tensor, y_P: Tensor | None, value_P: Tensor) -> pl.DataFrame:
    """Rows of a part of the fit."""
    y = pl.lit(None, pl.Float64) if y_P is None else pl.Series(y_P.cpu().numpy())
    frame = pl.DataFrame({"x": x_P.cpu().numpy(), "value": value_P.cpu().double().numpy()})
    return frame.with_columns(y.alias("y"), space=pl.lit(space))
