"""A pack of the bench has the shape that is asked for, and trials that differ in their learning rate alone."""

import pytest

from pipeline.bench.bench_packs import LEARNING_RATE, QUICK_SHAPE, SHAPES, bench_pack, in_dtype
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow


def test_the_quick_shape_is_one_of_the_shapes():
    assert QUICK_SHAPE in SHAPES


@pytest.mark.parametrize("model", [Shallow(), Linear()], ids=lambda model: model.name())
def test_a_pack_has_its_points_width_and_trials(model):
    pack = bench_pack((12, 2, 5, 1) if not model.linear else (12, 1, 5, 1), 3, model)
    assert (pack.shape.problem.train, pack.shape.width, pack.shape.problem.num_outputs) == (12, 5, 1)
    assert [trial.learning_rate for trial in pack.trials] == pytest.approx([LEARNING_RATE * x for x in (1, 0.75, 0.5)])
    assert {trial.seed for trial in pack.trials} == {0}


def test_ten_outputs_are_the_digits():
    pack = bench_pack((1437, 64, 8, 10), 1, Shallow())
    assert (pack.shape.problem.num_inputs, pack.shape.problem.num_outputs) == (64, 10)


def test_trials_of_another_precision_are_the_same_otherwise():
    pack = bench_pack((12, 1, 5, 1), 2, Shallow())
    other = in_dtype(pack, "float64")
    assert {trial.shape.dtype for trial in other.trials} == {other.shape.dtype} == {"float64"}
    assert in_dtype(other, pack.shape.dtype).trials[1][2:] == pack.trials[1][2:]
