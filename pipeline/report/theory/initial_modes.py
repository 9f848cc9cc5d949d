"""The quadratic loss of a linear model at zero weights, where it starts, split into modes.

Shape letters: F features.
"""

from __future__ import annotations

from pipeline.errors import PipelineError
from pipeline.experiment.trial import Shape
from pipeline.numerics.descent import Modes, modes
from pipeline.problems.problem import Dataset, Problem
from pipeline.report.theory.own_code import unless_own_code_fails
from pipeline.report.theory.stable_rates import has_limit


def initial_modes(shape: Shape) -> Modes | None:
    """The loss at zero weights split by the eigenvectors of its Hessian: ``L(0) = floor + sum_s l_s``.

    Args:
        shape: What the trials of a pack have in common.

    Returns:
        ``None`` where the limit of the learning rate is not exact, the features are not finite, or the points cannot be
        read any more.
    """
    dataset = dataset_of(shape.problem) if has_limit(shape) else None
    if dataset is None:
        return None
    label = f"theory of {shape.model.label()}"
    return unless_own_code_fails(label, lambda: _modes_on(shape, dataset), None)


def _modes_on(shape: Shape, dataset: Dataset) -> Modes | None:
    model = shape.model.fitted(dataset.train_inputs_PD, dataset.train_targets_PK, shape.width)
    features_PF = model.prepare(dataset.train_inputs_PD, shape.width).mT
    return modes(features_PF, -dataset.train_targets_PK) if features_PF.isfinite().all() else None


def dataset_of(problem: Problem) -> Dataset | None:
    """The points of a problem; ``None`` if its table has changed since the run, or a target of one's own fails."""
    try:
        return unless_own_code_fails(f"theory of {problem.label()}", problem.load, None)
    except (PipelineError, OSError):
        return None
