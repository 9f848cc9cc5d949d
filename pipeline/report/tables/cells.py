"""The objective of a trial as columns: the label of its problem, and the cells of a summary."""

from __future__ import annotations

from collections import Counter

from pipeline.experiment.trial import Shape
from pipeline.plan import Plan
from pipeline.problems.problem import FunctionProblem, Problem

Objective = tuple[str, str]
"""The identity of a problem, and the label of a loss."""
PROBLEM = ["problem", "dimension", "train", "noise"]
"""Columns that name a problem."""
CELL = [*PROBLEM, "model", "width"]
"""Columns that name what a figure shows as one point: the trials that differ in learning rate and seed only."""


def problem_labels(plan: Plan) -> dict[Objective, str]:
    """The label of each objective of a plan.

    It ends with the loss where the run has several for a problem. Problems that no column of ``PROBLEM``
    tells apart, such as two tables of one file name, are numbered in the order of the plan: the second
    is called ``t.csv(5 inputs -> y) #2``.

    Returns:
        Labels, all different.
    """
    labels: dict[Objective, str] = {}
    alike: Counter[tuple[object, ...]] = Counter()
    for pack in plan.packs:
        problem, loss = pack.shape.problem, pack.shape.loss
        if objective_of(pack.shape) not in labels:
            several = len(plan.experiment.losses(problem)) > 1
            words = f"{problem.label()} by {loss.label()}" if several else problem.label()
            columns = (words, problem.num_inputs, problem.train, noise_of(problem))
            alike[columns] += 1
            labels[objective_of(pack.shape)] = words + (f" #{alike[columns]}" if alike[columns] > 1 else "")
    return labels


def objective_of(shape: Shape) -> Objective:
    """The objective of the trials of a shape: a problem, and the loss that is minimised."""
    return shape.problem.identity, shape.loss.label()


def noise_of(problem: Problem) -> float | None:
    """The noise of a target; a table has its own."""
    return problem.noise if isinstance(problem, FunctionProblem) else None
