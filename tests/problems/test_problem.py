"""The points of a problem come from its own content and from nothing else."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.numerics.quadrature import weighted_mean
from pipeline.problems.datasets import DATA, Data, Diabetes, Digits, Table
from pipeline.problems.losses import Task
from pipeline.problems.measures import Corners, Grid, Normal, Rings, Uniform
from pipeline.problems.problem import Dataset, FunctionProblem, Problem, TableProblem
from pipeline.problems.targets import AbsoluteValue, Gaussian, Sine, Spirals, Step, Target, Xor

FUNCTION = FunctionProblem(Gaussian(), Uniform(), dimension=2, train=40, test=50, noise=0.1, seed=0)
SAMPLED = FunctionProblem(Gaussian(), Normal(), dimension=2, train=40, test=50, noise=0.1, seed=0)
CHANGES = {
    "target": Gaussian(scale=2.0),
    "measure": Uniform(high=2.0),
    "dimension": 3,
    "train": 41,
    "test": 51,
    "noise": 0.2,
    "seed": 1,
}


def arrays(problem: Problem) -> tuple[Tensor, ...]:
    dataset = problem.load()
    values = (getattr(dataset, field.name) for field in dataclasses.fields(Dataset))
    return tuple(value for value in values if value is not None)


@pytest.fixture
def rows(tmp_path: Path) -> Table:
    """Forty rows, each known by its number; the second input is its square."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b,y\n" + "".join(f"{i},{i * i},{100 + 3 * i}\n" for i in range(40)))
    return Table(path, ("a", "b"), ("y",))


@pytest.fixture(params=[name for name in DATA if name != "table"])
def bundled(request: pytest.FixtureRequest) -> Data:
    return DATA[request.param]()


@pytest.fixture(params=list(DATA))
def data(request: pytest.FixtureRequest, rows: Table) -> Data:
    return rows if request.param == "table" else DATA[request.param]()


def test_equal_problems_have_equal_points(data: Data) -> None:
    for problem in (FUNCTION, TableProblem(data, 20, 10, 0)):
        for first, second in zip(arrays(problem), arrays(dataclasses.replace(problem)), strict=True):
            assert torch.equal(first, second)


def test_points_are_float64_with_a_row_each(data: Data) -> None:
    for problem in (SAMPLED, TableProblem(data, 20, 10, 0)):
        for array, rows, columns in zip(
            arrays(problem),
            (problem.train, problem.train, problem.test, problem.test),
            (problem.num_inputs, problem.num_outputs) * 2,
            strict=True,
        ):
            assert array.shape == (rows, columns)
            assert array.dtype == torch.float64
            assert array.isfinite().all()


def test_every_field_of_a_problem_is_changed_here() -> None:
    assert CHANGES.keys() == {field.name for field in dataclasses.fields(FunctionProblem)}


@pytest.mark.parametrize("field", CHANGES)
def test_another_field_is_another_stream(field: str) -> None:
    other = dataclasses.replace(FUNCTION, **{field: CHANGES[field]})
    assert other.identity != FUNCTION.identity
    # The same numbers, shifted or stretched by a field, would still be in the same order.
    first, second = (problem.load().train_inputs_PD[:40, 0].argsort() for problem in (FUNCTION, other))
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("field", "value"), [("train", 21), ("test", 11), ("seed", 1)])
def test_another_split_of_a_table_is_another_order(rows: Table, field: str, value: int) -> None:
    problem = TableProblem(rows, 20, 10, 0)
    other = dataclasses.replace(problem, **{field: value})
    first, second = (p.load().train_inputs_PD[:20, 0].argsort() for p in (problem, other))
    assert not torch.equal(first, second)


def test_train_and_test_points_are_drawn_apart() -> None:
    dataset = FUNCTION.load()
    assert not set(dataset.train_inputs_PD[:, 0].tolist()) & set(dataset.test_inputs_PD[:, 0].tolist())


def test_noise_has_the_stated_deviation_and_leaves_the_held_out_targets_clean() -> None:
    problem = dataclasses.replace(FUNCTION, train=4000, test=100, noise=0.3)
    dataset = problem.load()
    errors = dataset.train_targets_PK[:, 0].numpy() - problem.target(dataset.train_inputs_PD.numpy())
    # 5 deviations of a mean and of a deviation of 4000 normal errors.
    assert errors.mean() == pytest.approx(0, abs=5 * 0.3 / np.sqrt(4000))
    assert errors.std() == pytest.approx(0.3, rel=5 / np.sqrt(8000))
    assert abs(np.corrcoef(errors, dataset.train_inputs_PD[:, 0])[0, 1]) < 5 / np.sqrt(4000)
    np.testing.assert_array_equal(dataset.test_targets_PK[:, 0], problem.target(dataset.test_inputs_PD.numpy()))


def test_without_noise_the_training_targets_are_the_target() -> None:
    dataset = dataclasses.replace(FUNCTION, noise=0.0).load()
    np.testing.assert_array_equal(dataset.train_targets_PK[:, 0], FUNCTION.target(dataset.train_inputs_PD.numpy()))


def test_trials_that_differ_in_learning_rate_and_seed_share_their_points() -> None:
    experiment = Experiment(
        question="Is the problem one?",
        models=(Linear(basis=Monomial()),),
        widths=(2, 3),
        target=(Sine(),),
        inputs=Inputs(train=(16,), test=8, noise=(0.1,)),
        learning_rates=(0.1, 0.2),
        batch_size=4,
        seeds=2,
    )
    trials = list(experiment.trials())
    assert len({trial.id for trial in trials}) == 8
    assert len({trial.shape.problem.identity for trial in trials}) == 1


def test_a_table_is_split_into_parts_that_share_no_row_and_miss_none(rows: Table) -> None:
    order = {}
    for seed in range(3):
        dataset = TableProblem(rows, 30, 10, seed).load()
        train, test = dataset.train_targets_PK[:, 0], dataset.test_targets_PK[:, 0]
        # The targets rise by one step from row to row: undo the standardisation, which moves and stretches.
        both = torch.cat([train, test])
        step = (both.max() - both.min()) / 39
        order[seed] = ((both - both.min()) / step).round().int().tolist()
        assert sorted(order[seed]) == list(range(40))
    assert order[0] != order[1] != order[2]


def test_rows_that_nobody_asked_for_are_left_out(rows: Table) -> None:
    dataset = TableProblem(rows, 7, 5, 0).load()
    assert len(dataset.train_inputs_PD) == 7
    assert len(dataset.test_inputs_PD) == 5


def test_inputs_and_targets_of_a_row_stay_together(rows: Table) -> None:
    dataset = TableProblem(rows, 30, 10, 0).load()
    # a and y are both affine in the number of the row, so standardised alike.
    torch.testing.assert_close(dataset.train_inputs_PD[:, :1], dataset.train_targets_PK)
    torch.testing.assert_close(dataset.test_inputs_PD[:, :1], dataset.test_targets_PK)


def test_a_bundled_table_can_be_used_whole(bundled: Data) -> None:
    problem = TableProblem(bundled, bundled.num_rows - 1, 1, 0)
    assert len(problem.load().train_inputs_PD) == bundled.num_rows - 1
    assert problem.label() == bundled.name()


def test_inputs_lie_within_the_bounds_that_a_problem_states(data: Data) -> None:
    for problem in (FUNCTION, TableProblem(data, 20, 10, 0)):
        dataset, (low, high) = problem.load(), problem.bounds
        inputs = torch.cat([dataset.train_inputs_PD, dataset.test_inputs_PD])
        assert low <= inputs.min()
        assert inputs.max() <= high


@pytest.mark.parametrize(("target", "dimension"), [(Sine(), 1), (Step(at=0.3), 1), (Gaussian(), 2), (Gaussian(), 5)])
def test_held_out_points_of_the_uniform_distribution_are_a_rule_that_gives_the_mean_square_of_the_target(
    target: Target, dimension: int
) -> None:
    dataset = FunctionProblem(target, Uniform(), dimension, 10, 4096, 0.0, 0).load()
    assert 2500 <= len(dataset.test_inputs_PD) <= 4096
    found = weighted_mean(dataset.test_targets_PK.mT.square(), dataset.test_weights_EP)
    exact = target.mean_square(dimension)
    # Degree 11 in 64 cells or more of two axes is exact; Sobol points are off by their error.
    assert float(found.value) == pytest.approx(exact, rel=1e-10 if dimension < 3 else 4 * float(found.error) / exact)
    np.testing.assert_array_equal(dataset.test_targets_PK[:, 0], target(dataset.test_inputs_PD.numpy()))


def test_held_out_points_of_other_distributions_and_of_labels_are_a_sample() -> None:
    for target, measure in ((Gaussian(), Normal()), (Gaussian(), Grid()), (Xor(), Uniform())):
        dataset = FunctionProblem(target, measure, 2, 9, 16, 0.0, 0).load()
        assert len(dataset.test_inputs_PD) == 16
        assert dataset.test_weights_EP is None


def test_training_points_are_a_sample_whatever_the_held_out_points_are() -> None:
    more = dataclasses.replace(FUNCTION, measure=Uniform(low=0.0))
    inputs = more.load().train_inputs_PD
    assert len(inputs) == 40
    assert 0 <= inputs.min() < inputs.max() <= 1


def function_problem(**changes: object) -> Callable[[], Problem]:
    return lambda: dataclasses.replace(FUNCTION, **changes)


REFUSED = {
    "dimension": (
        function_problem(target=Sine(), dimension=2),
        "dimension: sine is a function of 1 input, not of 2\n  hint: set dimension: 1",
    ),
    "dimensions": (
        function_problem(target=Xor(), measure=Corners(), dimension=3),
        "dimension: xor is a function of 2 inputs, not of 3\n  hint: set dimension: 2",
    ),
    "train of a grid": (
        function_problem(measure=Grid(), train=10, test=16),
        "train: 10 points do not fill a grid in 2 dimensions\n  hint: take 9 or 16",
    ),
    "test of a grid": (
        function_problem(measure=Grid(), train=9, test=17),
        "test: 17 points do not fill a grid in 2 dimensions\n  hint: take 16 or 25",
    ),
    "rings in space": (
        function_problem(target=AbsoluteValue(), measure=Rings(), dimension=3),
        "train: rings lie in the plane, not in 3 dimensions\n  hint: set dimension: 2",
    ),
    "noise on labels": (
        function_problem(target=Xor(), measure=Corners(), train=4, test=4),
        "noise: xor gives labels, to which no noise can be added\n  hint: leave noise out, or set it to 0",
    ),
    "noise on classes": (
        function_problem(target=Spirals(), dimension=2),
        "noise: spirals gives classes, to which no noise can be added\n  hint: leave noise out, or set it to 0",
    ),
    "too few rows": (
        lambda: TableProblem(Diabetes(), 400, 43, 0),
        "train: 400 training and 43 test rows are more than the 442 of diabetes\n  hint: lower train or test",
    ),
    "no rows for the test": (
        lambda: TableProblem(Digits(), 1797, 0, 0),
        "train: 1797 training rows leave none of the 1797 of digits for the test\n  hint: lower train",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_impossible_problem_is_refused(make: Callable[[], Problem], message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        make()


def test_a_problem_says_what_its_target_says() -> None:
    xor = FunctionProblem(Xor(), Normal(), 2, 4, 4, 0.0, 0)
    assert (xor.task, xor.num_inputs, xor.num_outputs, xor.label()) == (Task.LABELS, 2, 1, "xor")
    assert FUNCTION.label() == "gaussian"
    assert (TableProblem(Digits(), 9, 9, 0).task, TableProblem(Digits(), 9, 9, 0).num_outputs) == (Task.CLASSES, 10)


# Classes and labels: a split that has all of them, or a word about those it lacks


def classes(tmp_path: Path, counts: dict[str, int], outputs_are: Any = "classes") -> Table:
    """Some rows of each class, one after the other."""
    path = tmp_path / "classes.csv"
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    path.write_text("a,k\n" + "".join(f"{i},{kind}\n" for i, kind in enumerate(kinds)))
    return Table(path, ("a",), ("k",), outputs_are)


def drawn(problem: TableProblem) -> tuple[list[int], list[int]]:
    """How many rows of each class are trained on and tested."""
    dataset = problem.load()
    return tuple(targets.sum(dim=0).int().tolist() for targets in (dataset.train_targets_PK, dataset.test_targets_PK))


def stratified(data: Data, train: int, test: int, seed: int = 0) -> TableProblem:
    return TableProblem(data, train, test, seed, "stratified")


@pytest.mark.parametrize("seed", range(5))
def test_a_stratified_split_takes_the_same_fraction_of_each_class(tmp_path: Path, seed: int) -> None:
    data = classes(tmp_path, {"a": 60, "b": 30, "c": 10})
    assert drawn(stratified(data, 50, 50, seed)) == ([30, 15, 5], [30, 15, 5])
    assert drawn(stratified(data, 50, 10, seed)) == ([30, 15, 5], [6, 3, 1])


def test_a_stratified_split_has_a_row_of_each_class_to_train_on(tmp_path: Path) -> None:
    data = classes(tmp_path, {"a": 95, "b": 1, "c": 4})
    assert drawn(stratified(data, 3, 10))[0] == [1, 1, 1]
    train, test = drawn(stratified(data, 20, 80))
    assert (sum(train), sum(test)) == (20, 80)
    assert train[1] == 1
    assert train[2] in (1, 2)


def test_a_stratified_split_is_of_whole_rows_that_nobody_has_twice(tmp_path: Path) -> None:
    data = classes(tmp_path, {"a": 33, "b": 5, "c": 2})
    train, test = stratified(data, 25, 15).rows()
    assert sorted([*train, *test]) == list(range(40))
    again = stratified(data, 25, 15, 1).rows()
    assert sorted(train) != sorted(again[0])
    assert list(train) != sorted(train)


def test_labels_are_stratified_by_all_of_them_together(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("a,p,q\n" + "".join(f"{i},{i // 10 % 2},{i // 20 % 2}\n" for i in range(40)))
    dataset = stratified(Table(path, ("a",), ("p", "q"), "labels"), 20, 20).load()
    for targets in (dataset.train_targets_PK, dataset.test_targets_PK):
        assert (2 * targets[:, 0] + targets[:, 1]).unique(return_counts=True)[1].tolist() == [5, 5, 5, 5]


def test_what_cannot_be_stratified_is_refused(rows: Table, tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"^split: rows.csv\(a, b -> y\) has no classes to stratify by"):
        stratified(rows, 20, 10)
    data = classes(tmp_path, {"a": 5, "b": 5, "c": 5})
    with pytest.raises(FieldError, match=r"^train: 2 training rows are fewer than the 3 classes of classes.csv"):
        stratified(data, 2, 10)


def test_a_class_that_is_in_no_training_row_is_warned_of(tmp_path: Path) -> None:
    data = classes(tmp_path, {"a": 20, "b": 20, "c": 1, "d": 1})
    seed = next(seed for seed in range(99) if drawn(TableProblem(data, 10, 30, seed))[0][2:] == [0, 0])
    assert list(TableProblem(data, 10, 30, seed).warnings()) == [
        f"classes.csv(a -> k), inputs.seed {seed}: 2 of the 4 classes are in none of the 10 training rows: c, d; "
        "inputs: {split: stratified} trains on some of each"
    ]
    assert list(stratified(data, 10, 30, seed).warnings()) == [
        f"classes.csv(a -> k), inputs.seed {seed}: of a single row, which is trained on and so never tested: c, d"
    ]


def test_a_split_with_all_classes_is_not_warned_of(rows: Table) -> None:
    assert not list(TableProblem(Digits(), 1000, 500, 0).warnings())
    assert not list(TableProblem(rows, 20, 10, 0).warnings())
    assert next(TableProblem(Digits(), 3, 500, 0).warnings()).startswith("digits, inputs.seed 0: 7 of the 10 classes")


def test_a_label_that_does_not_change_in_training_is_warned_of(tmp_path: Path) -> None:
    data = classes(tmp_path, {"0": 30, "1": 1}, "labels")
    seed = next(seed for seed in range(99) if drawn(TableProblem(data, 5, 20, seed))[0] == [0])
    said = f"classes.csv(a -> k), inputs.seed {seed}: the same in all 5 training rows: k"
    assert list(TableProblem(data, 5, 20, seed).warnings()) == [said]


def test_a_random_split_has_the_identity_that_it_had_before_there_was_another() -> None:
    problem = TableProblem(Digits(), 100, 50, 0)
    assert problem.identity == '{"data":{"digits":{}},"seed":0,"test":50,"train":100}'
    assert stratified(Digits(), 100, 50).identity != problem.identity


def test_a_split_is_asked_for_with_the_inputs_and_only_of_a_table() -> None:
    fields = {"question": "?", "models": (Linear(basis=Monomial()),), "widths": (2,)}
    inputs = Inputs(train=(100,), split="stratified")
    (problem,) = Experiment(**fields, data=(Digits(),), inputs=inputs).problems()
    assert problem == stratified(Digits(), 100, 1697)
    with pytest.raises(FieldError, match=r"^inputs.split: split stratified is for tables, whose rows are split"):
        Experiment(**fields, target=(Sine(),), inputs=inputs)


def test_a_target_of_classes_has_one_output_for_each_and_one_hot_rows() -> None:
    problem = FunctionProblem(Spirals(classes=5), Uniform(), 2, 300, 20, 0.0, 0)
    data = problem.load()
    assert (problem.task, problem.num_outputs) == (Task.CLASSES, 5)
    assert data.test_targets_PK.shape == (20, 5)
    numbers = torch.from_numpy(Spirals(classes=5)(data.train_inputs_PD.numpy()))
    assert torch.equal(data.train_targets_PK, torch.nn.functional.one_hot(numbers.long(), 5).double())
