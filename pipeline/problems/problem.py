"""Supervised problems, as numbers in memory.

The points of a problem come from the problem's own content (its seed included) and from
nothing else, so trials that differ in model, learning rate or seed share them.

Shape letters: B cell boundaries, E estimates, G strata, Q own points, R rows of a table.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.definitions import canonical
from pipeline.errors import FieldError, enumerated
from pipeline.numerics.randomness import stream
from pipeline.problems.datasets import Data
from pipeline.problems.losses import Task
from pipeline.problems.measures import Measure, Rule
from pipeline.problems.targets import Target


@dataclass(frozen=True)
class Cells:
    """Cells of a quadrature rule of one input, which may be cut, and the target between its points; on the CPU."""

    boundaries_B: Tensor
    """Cell boundaries, increasing, float64."""
    target: Target
    """The function to be learned."""

    def values(self, points_TQ: Tensor) -> Tensor:
        """Values of the target at points of each trial's own.

        Args:
            points_TQ: Points of the only input, float64.

        Returns:
            Shape ``[T, Q]``, float64.
        """
        return torch.from_numpy(self.target(points_TQ.reshape(-1, 1).numpy())).view(points_TQ.shape)

    def to(self, device: torch.device) -> Cells:
        """The same cells: nothing is kept on a device."""
        return self


@dataclass(frozen=True)
class Dataset:
    """Training and held-out points in float64: inputs ``[P, D]`` and targets ``[P, K]``.

    Held-out points are a sample, whose points count alike, or the nodes of a quadrature rule: E rows of weights
    give as many estimates of a mean over the distribution of the inputs.
    """

    train_inputs_PD: Tensor
    train_targets_PK: Tensor
    test_inputs_PD: Tensor
    test_targets_PK: Tensor
    test_weights_EP: Tensor | None = None
    """Rows of weights, each of sum 1; ``None`` for a sample."""
    test_cells: Cells | None = None
    """Cells of a rule of one input, which may be cut."""

    def on(self, device: torch.device) -> Dataset:
        """The same points on a device."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        moved = {name: value.to(device) for name, value in values.items() if value is not None}
        return dataclasses.replace(self, **moved)


class Problem(ABC):
    """Supervised learning problem: a task, and a number of points to learn it from."""

    train: int
    """Number of training points."""
    test: int
    """Number of held-out points."""
    seed: int
    """Of all that is drawn: points, noise or the split of rows."""

    @property
    @abstractmethod
    def random(self) -> bool:
        """Whether another seed draws other training points, or other noise on them."""

    @abstractmethod
    def with_seed(self, seed: int) -> Problem:
        """The same problem with what another seed draws."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the outputs mean."""

    @property
    @abstractmethod
    def num_inputs(self) -> int:
        """D, the coordinates of one point."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """K, the outputs of one point."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """Ends between which every input lies."""

    @abstractmethod
    def label(self) -> str:
        """A short name for tables and figures."""

    @abstractmethod
    def load(self) -> Dataset:
        """Draw or read the points; equal problems give equal points."""

    @functools.cached_property
    def family(self) -> str:
        """The identity that it has in common with all that differ from it in the seed only."""
        return self.with_seed(0).identity

    @functools.cached_property
    def identity(self) -> str:
        """Canonical text of the whole content; the name of the streams its points are drawn from."""
        return json.dumps(canonical(self, identity=True), sort_keys=True, separators=(",", ":"))


@final
@dataclass(frozen=True)
class FunctionProblem(Problem):
    """Regression or classification of a target function, sampled at random inputs.

    The noise is the standard deviation of independent normal errors on the training
    targets, in units of the target. Held-out targets have no noise: the test error is
    the distance to the target itself. Where the measure has a rule for integrals, the held-out points
    are those of the rule, at most about ``test``, so that the test error is an integral and no sample.

    Args:
        target: Function to be learned.
        measure: Distribution of the inputs.
        dimension: D.
        train: Number of training points.
        test: Number of held-out points.
        noise: Standard deviation of the errors.
        seed: Names the streams of points and errors.

    Raises:
        FieldError: If the target has another number of inputs, the measure no such sample, or labels are given noise.
    """

    target: Target
    measure: Measure
    dimension: int
    train: int
    test: int
    noise: float
    seed: int

    def __post_init__(self) -> None:
        known = self.target.dimensions
        if known is not None and self.dimension != known:
            what = f"{self.target.name()} is a function of {known} input{'s' if known > 1 else ''}"
            raise FieldError(("dimension",), f"{what}, not of {self.dimension}", hint=f"set dimension: {known}")
        for field in ("train", "test"):
            try:
                self.measure.check(getattr(self, field), self.dimension)
            except FieldError as error:
                raise FieldError((field,), error.what, hint=error.hint) from None
        if self.noise and self.target.task is not Task.REGRESSION:
            what = f"{self.target.name()} gives {self.task.value}, to which no noise can be added"
            raise FieldError(("noise",), what, hint="leave noise out, or set it to 0")

    @property
    def random(self) -> bool:
        return self.measure.random or self.noise > 0

    def with_seed(self, seed: int) -> FunctionProblem:
        return dataclasses.replace(self, seed=seed)

    @property
    def task(self) -> Task:
        return self.target.task

    @property
    def num_inputs(self) -> int:
        return self.dimension

    @property
    def num_outputs(self) -> int:
        return self.target.num_classes or 1

    @property
    def bounds(self) -> tuple[float, float]:
        return self.measure.bounds()

    def label(self) -> str:
        return self.target.label()

    def targets_at(self, inputs_PD: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the target, of classes one-hot, without noise.

        Args:
            inputs_PD: Points.

        Returns:
            Shape ``[P, K]``.
        """
        values_P = self.target(inputs_PD)
        classes = self.target.num_classes
        return values_P[:, None] if classes is None else np.eye(classes)[values_P.astype(np.int64)]

    def load(self) -> Dataset:
        def draw(split: str, num_points: int) -> tuple[np.ndarray, np.ndarray]:
            inputs_PD = self.measure.sample(num_points, self.dimension, stream(self.identity, split, "inputs"))
            return inputs_PD, self.targets_at(inputs_PD)

        train_inputs_PD, train_targets_PK = draw("train", self.train)
        rule = self._test_rule()
        if rule is None:
            test_inputs_PD, test_targets_PK = draw("test", self.test)
        else:
            test_inputs_PD = rule[0].numpy()
            test_targets_PK = self.targets_at(test_inputs_PD)
        errors_PK = stream(self.identity, "train", "noise").standard_normal(train_targets_PK.shape)
        return Dataset(
            torch.from_numpy(train_inputs_PD),
            torch.from_numpy(train_targets_PK + self.noise * errors_PK),
            torch.from_numpy(test_inputs_PD),
            torch.from_numpy(test_targets_PK),
            None if rule is None else rule[1],
            None if rule is None else self._test_cells(),
        )

    def _test_cells(self) -> Cells | None:
        boundaries_B = self.measure.boundaries_of_rule(self.test, self.dimension, self.target.breaks())
        return None if boundaries_B is None else Cells(boundaries_B, self.target)

    def _test_rule(self) -> Rule | None:
        """Quadrature rule of the held-out points of a regression.

        Right and wrong answers jump at places that no rule knows: they are counted in a sample.

        Returns:
            ``None`` for a sample.
        """
        if self.task is not Task.REGRESSION:
            return None
        return self.measure.rule(self.test, self.dimension, self.target.breaks(), self.seed)


SplitRule = Literal["random", "stratified"]
"""How the rows to train on are chosen: any alike, or in each class the same fraction."""


@final
@dataclass(frozen=True)
class TableProblem(Problem):
    """Supervised problem of a real table, split at random into training and held-out rows, whole or class by class.

    Args:
        data: The table.
        train: Number of training rows.
        test: Number of held-out rows.
        seed: Names the stream of the split.
        split: Whether the split is stratified.

    Raises:
        FieldError: If the table has too few rows, or nothing to stratify by.
    """

    data: Data
    train: int
    test: int
    seed: int
    split: SplitRule = "random"
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"split": ("random",)}

    def __post_init__(self) -> None:
        rows = self.data.num_rows
        if self.train >= rows:
            what = f"{self.train} training rows leave none of the {rows} of {self.data.label()} for the test"
            raise FieldError(("train",), what, hint="lower train")
        if self.train + self.test > rows:
            raise FieldError(
                ("train",),
                f"{self.train} training and {self.test} test rows are more than the {rows} of {self.data.label()}",
                hint="lower train or test",
            )
        if self.split == "stratified":
            self._check_strata()

    def _check_strata(self) -> None:
        """Refuse a stratified split of what has no strata.

        Raises:
            FieldError: If the outputs are numbers, or there are fewer training rows than classes.
        """
        if self.task is Task.REGRESSION:
            what = f"{self.data.label()} has no classes to stratify by"
            raise FieldError(("split",), what, hint="leave split out")
        if self.task is Task.CLASSES and self.train < self.num_outputs:
            what = f"{self.train} training rows are fewer than the {self.num_outputs} classes of {self.data.label()}"
            raise FieldError(("train",), what, hint="raise train: a stratified split has a row of each class in it")

    @property
    def random(self) -> bool:
        return True

    def with_seed(self, seed: int) -> TableProblem:
        return dataclasses.replace(self, seed=seed)

    @property
    def task(self) -> Task:
        return self.data.task

    @property
    def num_inputs(self) -> int:
        return self.data.num_inputs

    @property
    def num_outputs(self) -> int:
        return self.data.num_outputs

    @property
    def bounds(self) -> tuple[float, float]:
        return self.data.bounds

    def label(self) -> str:
        return self.data.label()

    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Random split: the rows to train on and those held out, as indices.

        Returns:
            Two arrays without a row in common.
        """
        order = stream(self.identity, "split").permutation(self.data.num_rows)
        if self.split == "random":
            return order[: self.train], order[self.train : self.train + self.test]
        outputs_RK = self.data.outputs()[order]
        if self.task is Task.CLASSES:
            stratum_R = outputs_RK.argmax(axis=1)
        else:  # of labels each combination
            stratum_R = np.unique(outputs_RK, axis=0, return_inverse=True)[1].reshape(-1)
        is_train_R = _stratified_mask(stratum_R, self.train, at_least=1)
        left = np.flatnonzero(~is_train_R)
        return order[is_train_R], order[left[_stratified_mask(stratum_R[left], self.test, at_least=0)]]

    def load(self) -> Dataset:
        train, test = self.data.split(*self.rows())
        train_inputs_PD, train_targets_PK, test_inputs_PD, test_targets_PK = map(torch.from_numpy, (*train, *test))
        return Dataset(train_inputs_PD, train_targets_PK, test_inputs_PD, test_targets_PK)

    def warnings(self) -> Iterator[str]:
        """Warnings about the split of classes or labels, before anything is trained.

        Yields:
            A line for each kind of class or label that the split leaves out.
        """
        if self.task is Task.REGRESSION:
            return
        outputs_RK, names = self.data.outputs(), np.array(self.data.output_names())
        in_train_K = outputs_RK[self.rows()[0]].sum(axis=0)
        place = f"{self.label()}, inputs.seed {self.seed}"
        if self.task is Task.LABELS:
            constant = names[(in_train_K == 0) | (in_train_K == self.train)]
            if len(constant):
                yield f"{place}: the same in all {self.train} training rows: {enumerated(constant)}"
            return
        never = names[in_train_K == 0]
        if len(never):
            of = f"{len(never)} of the {len(names)} classes {'are' if len(never) > 1 else 'is'}"
            yield f"{place}: {of} in none of the {self.train} training rows: {enumerated(never)}; {_STRATIFY}"
        only = names[(outputs_RK.sum(axis=0) == 1) & (in_train_K == 1)]
        if self.split == "stratified" and len(only):
            yield f"{place}: of a single row, which is trained on and so never tested: {enumerated(only)}"


_STRATIFY = "inputs: {split: stratified} trains on some of each"


def _stratified_mask(stratum_R: NDArray[np.int64], wanted: int, *, at_least: int) -> NDArray[np.bool_]:
    """Stratified sample of N rows, of each stratum the first ones, by the largest-remainder method.

    Args:
        stratum_R: Number of the stratum of each row.
        wanted: N.
        at_least: Least rows of each stratum, if there are that many to be marked.

    Returns:
        Which rows are taken, ``[R]``, bool.
    """
    strata, which_R, size_G = np.unique(stratum_R, return_inverse=True, return_counts=True)
    least = at_least if at_least * len(strata) <= wanted else 0
    more, others = wanted - least * len(strata), len(stratum_R) - least * len(strata)
    take_G, remainder_G = np.divmod(more * (size_G - least), max(1, others))
    take_G += least
    by_remainder = np.argsort(-remainder_G, kind="stable")
    take_G[by_remainder[: wanted - take_G.sum()]] += 1
    by_stratum = np.argsort(which_R, kind="stable")
    place_R = np.empty_like(which_R)
    place_R[by_stratum] = np.arange(len(which_R)) - np.repeat(np.cumsum(size_G) - size_G, size_G)
    return place_R < take_G[which_R]
