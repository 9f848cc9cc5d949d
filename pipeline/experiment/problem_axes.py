"""Problems of an experiment: the product of its targets or tables with the axes of its inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from pipeline.errors import FieldError
from pipeline.experiment.axes import Inputs
from pipeline.problems.datasets import Data
from pipeline.problems.problem import FunctionProblem, Problem, TableProblem
from pipeline.problems.targets import Target


def placed_problems(
    targets: tuple[Target, ...], tables: tuple[Data, ...], inputs: Inputs, seed: int
) -> Iterator[Problem]:
    """Every problem, with the defaults of its inputs filled in; a complaint names the field of ``inputs``.

    Args:
        targets: Functions to learn.
        tables: Tables to learn.
        inputs: Distribution and number of the points.
        seed: Of the points of each problem.

    Yields:
        A problem for each table or target, dimension, number of training points and noise.

    Raises:
        FieldError: If a target cannot be sampled, or a table cannot be split, as ``inputs`` says.
    """
    for data in tables:
        rows = data.num_rows
        for train in inputs.train or (rows * 4 // 5,):
            test = inputs.test or rows - train
            yield _placed(functools.partial(TableProblem, data, train, test, seed, inputs.split))
    for target in targets:
        measure = inputs.measure or target.natural_measure
        for dimension in inputs.dimension or (target.dimensions or 1,):
            sizes = measure.default_sizes(dimension)
            test = inputs.test or sizes[1]
            for train in inputs.train or (sizes[0],):
                for noise in inputs.noise:
                    content = (target, measure, dimension, train, test, noise, seed)
                    yield _placed(functools.partial(FunctionProblem, *content))


def _placed(make: Callable[[], Problem]) -> Problem:
    """A problem, whose complaints are about the inputs."""
    try:
        return make()
    except FieldError as error:
        raise FieldError(("inputs", *error.path), error.what, hint=error.hint) from None
