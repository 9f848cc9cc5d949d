"""Samples of the function that the best trial of a pack has fitted, to be drawn in a report."""

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

LINE_POINTS = 201
GRID_SIDE = 31
"""Points along each side of a grid over the plane."""
MOST_HIDDEN_POINTS = 500
"""Training points that are drawn in the space of the hidden units."""


def write_best_fit(run: Path, module: PackModule) -> None:
    """Write samples of the function of the trial with the lowest training loss, where it can be drawn.

    That is: a function of one input; the answers to a yes-or-no question about a point of the
    plane, and for a network of two hidden units also where these map the training points.

    Args:
        run: Folder of the run.
        module: The pack at its last step.
    """
    problem, alive = module.pack.shape.problem, module.alive
    if problem.num_outputs != 1 or not len(alive):
        return
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach()[alive])
    best = int(alive[losses_T.argmin()])
    if problem.num_inputs == 1 and problem.task is Task.REGRESSION:
        parts = [line_samples(module, best)]
    elif problem.num_inputs == 2 and problem.task is Task.LABELS:
        parts = [plane_samples(module, best), *hidden_samples(module, best)]
    else:
        return
    rows = pl.concat(parts).with_columns(trial=pl.lit(module.pack.trials[best].id))
    write_fitted_samples(run, module.pack.id, rows)


def line_samples(module: PackModule, trial: int) -> pl.DataFrame:
    """A function of one input, from the least to the greatest test point.

    Args:
        module: The pack.
        trial: Position of the trial.

    Returns:
        Rows in the space ``line``.
    """
    inputs_PD = module.context.dataset.test_inputs_PD
    line_P = torch.linspace(float(inputs_PD.min()), float(inputs_PD.max()), LINE_POINTS, dtype=torch.float64)
    return sample_rows(LINE, line_P, None, outputs_at(module, trial, line_P[:, None]))


def plane_samples(module: PackModule, trial: int) -> pl.DataFrame:
    """Output less the threshold of a yes, on a grid that encloses all test points.

    Args:
        module: The pack.
        trial: Position of the trial.

    Returns:
        Rows in the space ``plane``, where the model is defined.
    """
    inputs_PD = module.context.dataset.test_inputs_PD.double()
    low_D, high_D = inputs_PD.amin(dim=0), inputs_PD.amax(dim=0)
    margin_D = 0.15 * (high_D - low_D)
    bounds = zip(low_D - margin_D, high_D + margin_D, strict=True)
    sides = [torch.linspace(float(low), float(high), GRID_SIDE) for low, high in bounds]
    grid_PD = torch.cartesian_prod(*(side.double() for side in sides))
    grid_PD = grid_PD[module.context.model.defined_at(grid_PD)]
    value_P = outputs_at(module, trial, grid_PD) - threshold(module.context.loss)
    return sample_rows(PLANE, grid_PD[:, 0], grid_PD[:, 1], value_P)


def hidden_samples(module: PackModule, trial: int) -> list[pl.DataFrame]:
    """Features and labels of training points, where a network has two hidden units.

    Args:
        module: The pack.
        trial: Position of the trial.

    Returns:
        Rows in the space ``hidden``; nothing for other models.
    """
    context = module.context
    if not isinstance(context.model, Shallow) or context.width != 2:
        return []
    inputs_PD = context.dataset.train_inputs_PD[:MOST_HIDDEN_POINTS].double()
    weights_1N = module.weights.detach()[trial][None].double()
    features_PF = context.model.features(weights_1N, context.model.prepare(inputs_PD, 2), 2, 1)[0]
    labels_P = context.dataset.train_targets_PK[:MOST_HIDDEN_POINTS, 0]
    return [sample_rows(HIDDEN, features_PF[:, 0], features_PF[:, 1], labels_P)]


def outputs_at(module: PackModule, trial: int, inputs_PD: Tensor) -> Tensor:
    """The first output of a trial.

    Args:
        module: The pack.
        trial: Position of the trial.
        inputs_PD: Points, shape ``[P, D]``.

    Returns:
        Shape ``[P]``, float64.
    """
    context = module.context
    prepared_AP = context.model.prepare(inputs_PD.to(module.weights.device), context.width)
    weights_1N = module.weights.detach()[trial][None].double()
    return context.model.outputs(weights_1N, prepared_AP, context.width, 1)[0, 0]


def sample_rows(space: str, x_P: Tensor, y_P: Tensor | None, value_P: Tensor) -> pl.DataFrame:
    """One row for each point in a space.

    Args:
        space: ``line``, ``plane`` or ``hidden``.
        x_P: First coordinate, shape ``[P]``.
        y_P: Second coordinate, shape ``[P]``; ``None`` on a line.
        value_P: Value at the point, shape ``[P]``.

    Returns:
        Columns ``x``, ``value``, ``y`` and ``space``.
    """
    y = pl.lit(None, pl.Float64) if y_P is None else pl.Series(y_P.cpu().numpy())
    frame = pl.DataFrame({"x": x_P.cpu().numpy(), "value": value_P.cpu().double().numpy()})
    return frame.with_columns(y.alias("y"), space=pl.lit(space))
