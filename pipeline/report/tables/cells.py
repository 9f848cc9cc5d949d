"""The objective of a trial as columns: the label of its problem, and the cells of a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import polars as pl

from pipeline.experiment.trial import Shape
from pipeline.plans import Plan
from pipeline.problems.problem import FunctionProblem, Problem

Objective = tuple[str, str]
"""What the problems of all seeds have in common, and the label of a loss."""
PROBLEM = ["problem", "dimension", "train", "noise"]
"""Columns that name a problem."""
REPEATED = ("seed", "data_seed")
"""Columns in which trials of one cell and learning rate differ; the second where points are drawn several times."""
TRAINING = {"optimizer": pl.String, "batch_size": pl.String, "dtype": pl.String, "steps": pl.Int64}
"""Columns that say how a model is trained, with their types; of these a table has those in which its trials differ."""


def curve_of(table: pl.DataFrame) -> list[str]:
    """Columns that name what a figure shows as one curve: a problem, a model and how it is trained."""
    return [*PROBLEM, "model", *(name for name in TRAINING if name in table.columns)]


def repeated_in(table: pl.DataFrame) -> list[str]:
    """Those of ``REPEATED`` that a table has."""
    return [name for name in REPEATED if name in table.columns]


def cell_of(table: pl.DataFrame) -> list[str]:
    """Columns that name what a figure shows as one point: the trials that differ in learning rate and seeds only."""
    return [*curve_of(table), "width"]


def training_of(shape: Shape) -> dict[str, object]:
    """How the trials of a shape are trained, by the names of ``TRAINING``."""
    batch_size = "full" if shape.batch_size is None else str(shape.batch_size)
    return dict(zip(TRAINING, (shape.optimizer.label(), batch_size, shape.dtype, shape.steps), strict=True))


def with_curve_labels(plan: Plan, table: pl.DataFrame) -> pl.DataFrame:
    """A table of cells with ``name``, the label of the curve of each row, in the order of ``curve_labels``."""
    said = [pl.format(words, name) for name, words in WORDS.items() if name in table.columns]
    name = pl.concat_str([pl.col("model"), *said], separator=", ")
    return table.with_columns(name.cast(pl.Enum(curve_labels(plan))).alias("name"))


def relative_rates(results: pl.DataFrame) -> bool:
    """Whether every learning rate is given as a multiple of the limit: of some alone, the rates themselves compare."""
    if "times_limit" not in results.columns:
        return False
    return results.filter(pl.col("times_limit").is_null(), pl.col("learning_rate").is_not_null()).is_empty()


def curve_label(shape: Shape, varied: Iterable[str]) -> str:
    """The model in words, with those things about its training in which the trials of a run differ.

    Args:
        shape: Model, and how it is trained.
        varied: Names of ``TRAINING``.

    Returns:
        Such as ``shallow(tanh), adam, batch 32, float64, 2000 steps``.
    """
    said = training_of(shape)
    return ", ".join([shape.model.label(), *(WORDS[name].format(said[name]) for name in TRAINING if name in varied)])


def curve_labels(plan: Plan) -> list[str]:
    """The labels of all curves of a plan, in its order: all models in one way of training, then in the next."""
    varied = plan.experiment.varied()
    ranks = {model.label(): rank for rank, model in enumerate(plan.experiment.models)}
    shapes = sorted((pack.shape for pack in plan.packs), key=lambda shape: ranks[shape.model.label()])
    return list(dict.fromkeys(curve_label(shape, varied) for shape in shapes))


def training_in_words(plan: Plan, name: str) -> str:
    """All values of one of the columns of ``TRAINING`` in a plan, with commas in between."""
    return ", ".join(dict.fromkeys(str(training_of(pack.shape)[name]) for pack in plan.packs))


WORDS = {"optimizer": "{}", "batch_size": "batch {}", "dtype": "{}", "steps": "{} steps"}


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
    return shape.problem.family, shape.loss.label()


def noise_of(problem: Problem) -> float | None:
    """The noise of a target; a table has its own."""
    return problem.noise if isinstance(problem, FunctionProblem) else None
