"""Rows of a linear model are its outputs, and trials with few of them are worked on together."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.linear import MOST_ROWS, MOST_TOGETHER, LinearBatchStep, LinearSpec, LinearStep
from pipeline.problems.losses import HalfMeanSquare


def spec(num_outputs):
    return LinearSpec(num_outputs, HalfMeanSquare(), "float32")


def test_an_output_is_a_row_of_features():
    assert spec(2).places(3, 8).tolist() == [0, 1, 2, 8, 9, 10]
    assert spec(2).size(3, 8) == 16
    assert spec(2).operations(3) == 24  # two for each product, forward and backward


@pytest.mark.parametrize("num_outputs", range(1, 9))
def test_as_many_trials_are_together_as_registers_allow(num_outputs):
    together = spec(num_outputs).grouped.together
    assert 1 <= together <= MOST_TOGETHER
    assert together * num_outputs <= max(MOST_ROWS, num_outputs)


@pytest.mark.parametrize("num_outputs", [1, 5, 6, 7, 13])
def test_rows_come_in_groups_that_registers_have_room_for(num_outputs):
    groups = LinearStep(Program("float32"), spec(num_outputs), "all").rows()
    assert [row for group in groups for row in group] == list(range(num_outputs))
    sizes = [len(group) for group in groups]
    assert max(sizes) <= MOST_ROWS
    assert max(sizes) - min(sizes) <= 1


def test_all_points_have_points_in_lanes_and_a_batch_has_features():
    p = Program("float32")
    assert isinstance(spec(1).step(p, "all"), LinearStep)
    assert isinstance(spec(1).step(p, "batch"), LinearBatchStep)
    assert (spec(1).input_rows("all"), spec(1).input_rows("batch")) == ("width", "row")
    assert spec(1).multiple_in_points(8) == 8


def test_places_are_where_numpy_would_put_them():
    rows_KW = np.zeros((3, 8))
    rows_KW.ravel()[spec(3).places(5, 8)] = np.arange(15)
    np.testing.assert_array_equal(rows_KW[:, :5], np.arange(15).reshape(3, 5))
    assert not rows_KW[:, 5:].any()
